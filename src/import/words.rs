//! The operator's closed lists of interests and categories: a CSV file with the columns `kind` and `word`.

use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};

use super::Fields;
use crate::epoch::Vocabulary;

/// Words of one list.
const MOST: usize = 10_000;

/// Reads the lists.
///
/// # Errors
/// Names the line that is wrong.
pub fn closed_lists(path: &Path) -> anyhow::Result<Vocabulary> {
    let mut reader = csv::Reader::from_path(path).with_context(|| format!("cannot open {}", path.display()))?;
    let header = reader.headers().context("its first line cannot be read")?.clone();
    let mut lists = Vocabulary::default();
    for (line, record) in (2..).zip(reader.records()) {
        let at = || format!("{}, line {line}", path.display());
        let record = record.with_context(at)?;
        let fields = Fields { header: &header, record: &record };
        let word = fields.word("word").map_err(|reason| anyhow!(reason)).with_context(at)?;
        let word = word.ok_or_else(|| anyhow!("word is empty")).with_context(at)?;
        let list = match fields.text("kind") {
            "interest" => &mut lists.interests,
            "category" => &mut lists.categories,
            other => bail!("{}: {other:?} is neither interest nor category", at()),
        };
        list.insert(word);
    }
    let (interests, categories) = (lists.interests.len(), lists.categories.len());
    ensure!(interests + categories > 0, "{} names no words: its columns are kind and word", path.display());
    ensure!(interests <= MOST && categories <= MOST, "a list holds at most {MOST} words");
    Ok(lists)
}
