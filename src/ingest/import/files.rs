//! Finds the files of an import: by their names in a folder, and the parts of a file that is itself a folder, as Spark
//! and similar programs write it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use super::{Kind, source};

/// The maximum depth of folders inside a folder of parts.
const MAX_DEPTH: u32 = 8;
/// The similarity from which a file name counts as a misspelled kind.
const MIN_SIMILARITY: f64 = 0.75;

/// A file to import, or a folder of part files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub kind: Kind,
    pub path: PathBuf,
    /// The files to read, in order of their names.
    pub parts: Vec<PathBuf>,
}

impl Source {
    /// A file, or the part files of a folder.
    ///
    /// # Errors
    /// The folder cannot be read, contains no part files, or contains a file of another format.
    pub fn new(kind: Kind, path: PathBuf) -> anyhow::Result<Self> {
        let mut parts = Vec::new();
        if path.is_dir() {
            add_parts(&path, 0, &mut parts)?;
            ensure!(!parts.is_empty(), "the folder {} contains no part files", path.display());
        } else {
            parts.push(path.clone());
        }
        Ok(Self { kind, path, parts })
    }
}

/// The files of a folder.
#[derive(Debug)]
pub struct Found {
    /// In the order in which they must be loaded, files of one kind by name.
    pub sources: Vec<Source>,
    /// The names of entries that are not loaded, because they have no name of a kind.
    pub left_out: Vec<String>,
}

/// Finds the files of all kinds in a folder. The name of a file begins with the name of its kind, in any case:
/// `agents.csv`, `Visits-2026-06.ndjson.gz`, `visits.parquet/`.
///
/// # Errors
/// The folder cannot be read or contains no such file; a file of a kind has an unknown ending; or the name of a data
/// file is nearly that of a kind. Then nothing must be loaded, because something would be left out.
pub fn find(folder: &Path) -> anyhow::Result<Found> {
    ensure!(folder.is_dir(), "there is no folder {}", folder.display());
    let (mut sources, mut left_out) = (Vec::new(), Vec::new());
    for path in entries(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.split('.').next().unwrap_or_default().to_lowercase();
        let is_data = path.is_dir() || source::ending(&path).is_some();
        if let Some(kind) = Kind::ALL.into_iter().find(|kind| is_of_kind(&stem, *kind)) {
            if !path.is_dir() {
                source::require_ending(&path)?;
            }
            sources.push(Source::new(kind, path)?);
        } else if let Some(kind) = Kind::ALL.into_iter().find(|kind| is_data && is_similar(&stem, *kind)) {
            bail!("{} would be left out: rename it to {}.* or move it elsewhere", path.display(), kind.name());
        } else {
            left_out.push(name);
        }
    }
    sources.sort_by_key(|source| source.kind);
    ensure!(
        !sources.is_empty(),
        "{} contains none of agents, personality, visits, connections, products as .{}",
        folder.display(),
        source::ENDINGS.join(", .")
    );
    Ok(Found { sources, left_out })
}

fn is_of_kind(stem: &str, kind: Kind) -> bool {
    let rest = stem.strip_prefix(kind.name());
    rest.is_some_and(|rest| rest.chars().next().is_none_or(|next| !next.is_alphabetic()))
}

fn is_similar(stem: &str, kind: Kind) -> bool {
    strsim::normalized_damerau_levenshtein(stem, kind.name()) >= MIN_SIMILARITY
}

/// The entries of a folder in order of their names, without hidden files, markers such as `_SUCCESS`, and checksums.
fn entries(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let cannot = || format!("cannot read the folder {}", folder.display());
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(cannot)? {
        let path = entry.with_context(cannot)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_checksum = path.extension().is_some_and(|ending| ending == "crc");
        if !name.starts_with(['.', '_']) && !is_checksum {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn add_parts(folder: &Path, depth: u32, parts: &mut Vec<PathBuf>) -> anyhow::Result<()> {
    ensure!(depth <= MAX_DEPTH, "{} is nested too deeply", folder.display());
    for path in entries(folder)? {
        if path.is_dir() {
            add_parts(&path, depth + 1, parts)?;
        } else {
            source::require_ending(&path)?;
            parts.push(path);
        }
    }
    Ok(())
}
