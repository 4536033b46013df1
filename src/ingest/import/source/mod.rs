//! Opens, decompresses and parses the parts of a file, on a separate thread.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};

use super::{Row, batches::Batches};
use crate::ingest::progress::{Bar, Progress};

mod csv;
mod gzip;
mod ndjson;
mod parquet;

/// The accepted endings of file names, in lower case.
pub(super) const ENDINGS: [&str; 13] = [
    "csv",
    "csv.gz",
    "csv.zst",
    "ndjson",
    "ndjson.gz",
    "ndjson.zst",
    "jsonl",
    "jsonl.gz",
    "jsonl.zst",
    "json",
    "json.gz",
    "json.zst",
    "parquet",
];

/// The maximum length of a value, in bytes. A longer value rejects its row, and it is never held in memory as a whole.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// The ending of a file name, if it is an accepted one.
pub(super) fn ending(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    ENDINGS.into_iter().find(|ending| name.strip_suffix(ending).is_some_and(|stem| stem.ends_with('.')))
}

/// The ending of the name of a file to read.
///
/// # Errors
/// The name has none of the accepted endings.
pub(super) fn require_ending(path: &Path) -> anyhow::Result<&'static str> {
    ending(path).with_context(|| format!("{} ends in none of .{}", path.display(), ENDINGS.join(", .")))
}

/// Sends the rows of the parts of a file in batches.
///
/// # Errors
/// A part is missing or damaged, lacks a required column, or has an unknown ending.
pub(super) fn read<R: Row>(parts: &[PathBuf], progress: Progress, mut batches: Batches<R>) -> anyhow::Result<()> {
    for part in parts {
        let ending = require_ending(part)?;
        let file = File::open(part).with_context(|| format!("cannot open {}", part.display()))?;
        batches.begin_part(part);
        let (format, compression) = ending.split_once('.').unwrap_or((ending, ""));
        let read = match format {
            "parquet" => parquet::read(file, progress, &mut batches),
            "csv" => csv::read(decompress::<R>(file, compression, progress)?, &mut batches),
            _ => ndjson::read(decompress::<R>(file, compression, progress)?, &mut batches),
        };
        read.with_context(|| format!("{} is not a complete file of {}", part.display(), R::KIND.name()))?;
    }
    batches.flush();
    Ok(())
}

fn decompress<R: Row>(file: File, compression: &str, progress: Progress) -> anyhow::Result<Box<dyn Read>> {
    let bar = progress.bytes(R::KIND.name(), file.metadata().map(|meta| meta.len()).unwrap_or_default());
    let counted = Counted { inner: BufReader::with_capacity(1 << 18, file), bar };
    Ok(match compression {
        "gz" => Box::new(gzip::Decoder::new(BufReader::with_capacity(1 << 16, counted))),
        "zst" => Box::new(zstd::stream::read::Decoder::new(counted).context("cannot read zstd")?),
        _ => Box::new(counted),
    })
}

/// Checks that a file has all required columns.
fn require<R: Row>(names: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = R::REQUIRED.iter().filter(|column| !names.contains(*column)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let hint = match names {
        [one] if one.contains([';', '\t']) => "; the values must be separated by commas",
        _ => "",
    };
    let (columns, are) = if missing.len() == 1 { ("column", "is") } else { ("columns", "are") };
    bail!("the {columns} {} {are} missing; the file has {}{hint}", missing.join(", "), names.join(", "));
}

/// Advances the progress bar by the bytes that are read from the file, before decompression.
struct Counted<T> {
    inner: T,
    bar: Bar,
}

impl<T: Read> Read for Counted<T> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.bar.advance(count as u64);
        Ok(count)
    }
}
