//! Opens, decompresses and parses a file, on a separate thread.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context, bail};
use tokio::sync::mpsc;

use super::{Batch, ROWS_PER_BATCH, Reject, Row};
use crate::ingest::progress::{Bar, Progress};

mod csv;
mod ndjson;
mod parquet;

/// The accepted endings of file names.
pub(super) const ENDINGS: [&str; 7] = ["csv", "csv.gz", "csv.zst", "ndjson", "ndjson.gz", "ndjson.zst", "parquet"];

/// Sends the rows of a file in batches.
///
/// # Errors
/// The file is missing or damaged, lacks a required column, or has an unknown ending.
pub(super) fn read<R: Row>(path: &Path, progress: Progress, sender: &mpsc::Sender<Batch<R>>) -> anyhow::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let Some(ending) = ENDINGS.into_iter().find(|ending| name.ends_with(&format!(".{ending}"))) else {
        bail!("{} ends in none of .{}", path.display(), ENDINGS.join(", ."));
    };
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut batches = Batches { sender, batch: empty() };
    let (format, compression) = ending.split_once('.').unwrap_or((ending, ""));
    let read = match format {
        "parquet" => parquet::read(file, progress, &mut batches),
        "ndjson" => ndjson::read(decompress::<R>(file, compression, progress)?, &mut batches),
        _ => csv::read(decompress::<R>(file, compression, progress)?, &mut batches),
    };
    read.with_context(|| format!("{} is not a complete file of {}", path.display(), R::KIND.name()))?;
    let _ = sender.blocking_send(batches.batch);
    Ok(())
}

fn decompress<R: Row>(file: File, compression: &str, progress: Progress) -> anyhow::Result<Box<dyn Read>> {
    let bar = progress.bytes(R::KIND.name(), file.metadata().map(|meta| meta.len()).unwrap_or_default());
    let counted = Counted { inner: BufReader::with_capacity(1 << 18, file), bar };
    Ok(match compression {
        "gz" => Box::new(flate2::read::MultiGzDecoder::new(counted)),
        "zst" => Box::new(zstd::stream::read::Decoder::new(counted).context("cannot read zstd")?),
        _ => Box::new(counted),
    })
}

/// The sending end of the channel to the store, with the current batch.
struct Batches<'a, R> {
    sender: &'a mpsc::Sender<Batch<R>>,
    batch: Batch<R>,
}

fn empty<R>() -> Batch<R> {
    Batch { rows: Vec::with_capacity(ROWS_PER_BATCH), rejects: Vec::new() }
}

impl<R> Batches<'_, R> {
    /// Adds a row, or the reason why it could not be parsed. Returns `false` if the store has failed and receives no
    /// more rows; the store's error is the one to report.
    fn push(&mut self, line: u64, row: Result<R, String>) -> bool {
        match row {
            Ok(row) => self.batch.rows.push((line, row)),
            Err(reason) => self.batch.rejects.push(Reject { line, reason }),
        }
        if self.batch.rows.len() + self.batch.rejects.len() < ROWS_PER_BATCH {
            return true;
        }
        self.sender.blocking_send(std::mem::replace(&mut self.batch, empty())).is_ok()
    }
}

/// Checks that a file has all required columns.
fn require<R: Row>(names: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = R::REQUIRED.iter().filter(|column| !names.contains(*column)).copied().collect();
    if !missing.is_empty() {
        bail!("the column {} is missing; the file has {}", missing.join(", "), names.join(", "));
    }
    Ok(())
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

/// Formats a list as it would be in a line of CSV: terms separated by `|`.
fn listed<'a>(name: &str, items: impl Iterator<Item = Option<&'a str>>) -> Result<String, String> {
    let terms: Option<Vec<&str>> = items.map(|item| item.filter(|term| !term.contains('|'))).collect();
    terms.map(|terms| terms.join("|")).ok_or_else(|| format!("{name} contains an item that is not a text without |"))
}
