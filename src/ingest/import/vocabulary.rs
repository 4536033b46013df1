//! The operator's vocabulary of interests and categories: a CSV file with the columns `kind` and `word`.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};

use super::fields::term;
use crate::domain::epoch::{TermKind, Vocabulary};

/// The maximum number of values of a list.
const MAX_TERMS: usize = 10_000;

/// Reads the lists.
///
/// # Errors
/// The file cannot be opened, a line is invalid (the error names it), both lists are empty, or a list has more than
/// 10,000 values.
pub fn closed_lists(path: &Path) -> anyhow::Result<Vocabulary> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot open {}", path.display()))?;
    let header = reader.headers().context("its first line cannot be read")?.clone();
    let mut lists = Vocabulary::default();
    for (line, record) in (2..).zip(reader.records()) {
        let at = || format!("{}, line {line}", path.display());
        let record = record.with_context(at)?;
        let column = |name: &str| {
            let index = header.iter().position(|column| column.trim_start_matches('\u{feff}').trim() == name);
            index.and_then(|index| record.get(index)).unwrap_or_default().trim()
        };
        let (word, kind) = (column("word"), column("kind"));
        if word.is_empty() {
            bail!("{}: word is empty", at());
        }
        let invalid = || anyhow!("word: {word:?} must be 1 to 64 letters, digits, - or _");
        let term = term(word).ok_or_else(invalid).with_context(at)?;
        match TermKind::parse(kind) {
            Some(kind @ (TermKind::Interest | TermKind::Category)) => lists.terms_mut(kind).insert(term),
            _ => bail!("{}: {kind:?} is neither interest nor category", at()),
        };
    }
    let (interests, categories) = (lists.interests.len(), lists.categories.len());
    ensure!(interests + categories > 0, "{} has no values; its columns must be kind and word", path.display());
    ensure!(interests <= MAX_TERMS && categories <= MAX_TERMS, "a list may have at most {MAX_TERMS} values");
    Ok(lists)
}
