//! Opening, unpacking and parsing a file, on a thread of its own.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context, bail};
use tokio::sync::mpsc;

use super::{BATCH, Batch, Reject, Row};
use crate::progress::{Bar, Progress};

mod csv;
mod ndjson;
mod parquet;

/// What a file's name may end in.
pub(super) const ENDINGS: [&str; 7] = ["csv", "csv.gz", "csv.zst", "ndjson", "ndjson.gz", "ndjson.zst", "parquet"];

/// Sends the rows of a file in batches.
///
/// # Errors
/// The file is missing or damaged, lacks a column, or is of a kind that is not known.
pub(super) fn read<R: Row>(path: &Path, progress: Progress, sender: &mpsc::Sender<Batch<R>>) -> anyhow::Result<()> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_lowercase();
    let Some(ending) = ENDINGS.into_iter().find(|ending| name.ends_with(&format!(".{ending}"))) else {
        bail!("{} ends in none of .{}", path.display(), ENDINGS.join(", ."));
    };
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut batches = Batches { sender, batch: empty() };
    let (format, packing) = ending.split_once('.').unwrap_or((ending, ""));
    let read = match format {
        "parquet" => parquet::read(file, progress, &mut batches),
        "ndjson" => ndjson::read(unpack::<R>(file, packing, progress)?, &mut batches),
        _ => csv::read(unpack::<R>(file, packing, progress)?, &mut batches),
    };
    read.with_context(|| format!("{} is not a whole file of {}", path.display(), R::KIND.name()))?;
    let _ = sender.blocking_send(batches.batch);
    Ok(())
}

fn unpack<R: Row>(file: File, packing: &str, progress: Progress) -> anyhow::Result<Box<dyn Read>> {
    let bar = progress.bytes(R::KIND.name(), file.metadata().map(|meta| meta.len()).unwrap_or_default());
    let counted = Counted { inner: BufReader::with_capacity(1 << 18, file), bar };
    Ok(match packing {
        "gz" => Box::new(flate2::read::MultiGzDecoder::new(counted)),
        "zst" => Box::new(zstd::stream::read::Decoder::new(counted).context("cannot read zstd")?),
        _ => Box::new(counted),
    })
}

/// Rows on their way to the store.
struct Batches<'a, R> {
    sender: &'a mpsc::Sender<Batch<R>>,
    batch: Batch<R>,
}

fn empty<R>() -> Batch<R> {
    Batch { rows: Vec::with_capacity(BATCH), rejects: Vec::new() }
}

impl<R> Batches<'_, R> {
    /// Takes a row or the reason why it is none. False: nobody takes rows any more, because the store failed; its error
    /// is the one to tell.
    fn push(&mut self, line: u64, row: Result<R, String>) -> bool {
        match row {
            Ok(row) => self.batch.rows.push((line, row)),
            Err(reason) => self.batch.rejects.push(Reject { line, reason }),
        }
        if self.batch.rows.len() + self.batch.rejects.len() < BATCH {
            return true;
        }
        self.sender.blocking_send(std::mem::replace(&mut self.batch, empty())).is_ok()
    }
}

/// Refuses a file that lacks columns.
fn require<R: Row>(names: &[&str]) -> anyhow::Result<()> {
    let missing: Vec<&str> = R::REQUIRED.iter().filter(|column| !names.contains(*column)).copied().collect();
    if !missing.is_empty() {
        bail!("the column {} is missing; there are {}", missing.join(", "), names.join(", "));
    }
    Ok(())
}

/// Moves the progress bar by what is read of the file itself.
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

/// A list as a line of CSV would have it: words between bars.
fn listed<'a>(name: &str, items: impl Iterator<Item = Option<&'a str>>) -> Result<String, String> {
    let words: Option<Vec<&str>> = items.map(|item| item.filter(|word| !word.contains('|'))).collect();
    words.map(|words| words.join("|")).ok_or_else(|| format!("{name} holds something that is not a word"))
}
