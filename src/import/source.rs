//! Opening, unpacking and parsing a file, on a thread of its own.

use std::{
    fs::File,
    io::{BufReader, Read},
    path::Path,
};

use anyhow::{Context, anyhow, bail};
use csv::{ByteRecord, StringRecord, Terminator};
use tokio::sync::mpsc;

use super::{BATCH, Batch, Fields, Reject, Row};
use crate::progress::{Bar, Progress};

/// Sends the rows of a file in batches.
///
/// # Errors
/// The file is missing or damaged, or lacks a column.
pub(super) fn read<R: Row>(path: &Path, progress: Progress, sender: &mpsc::Sender<Batch<R>>) -> anyhow::Result<()> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let bar = progress.bytes(R::KIND.name(), file.metadata().map(|meta| meta.len()).unwrap_or_default());
    let counted = Counted { inner: BufReader::with_capacity(1 << 18, file), bar };
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let unpacked: Box<dyn Read> = match ending {
        "gz" => Box::new(flate2::read::MultiGzDecoder::new(counted)),
        "zst" => Box::new(zstd::stream::read::Decoder::new(counted).context("cannot read zstd")?),
        "csv" => Box::new(counted),
        _ => bail!("{} does not end in .csv, .csv.gz or .csv.zst", path.display()),
    };
    // Lines end at `\n` alone (a `\r` before it is trimmed like any space), so that they are counted right in both
    // kinds of file. Flexible, so that a line of the wrong length is one reject and not the end of the file.
    let mut reader = csv::ReaderBuilder::new().flexible(true).terminator(Terminator::Any(b'\n')).from_reader(unpacked);
    let header =
        header::<R>(&mut reader).with_context(|| format!("{} is not a file of {}", path.display(), R::KIND.name()))?;

    let mut batch = Batch { rows: Vec::with_capacity(BATCH), rejects: Vec::new() };
    let mut bytes = ByteRecord::new();
    let mut line = 1;
    loop {
        match reader.read_byte_record(&mut bytes) {
            Ok(false) => break,
            Ok(true) => {}
            Err(cause) => {
                return Err(anyhow!(cause).context(format!("{} is damaged after line {line}", path.display())));
            }
        }
        line = bytes.position().map_or(line + 1, csv::Position::line);
        // No value of ours holds a line break: a quote that is not closed would swallow the lines after it.
        if bytes.iter().any(|value| value.contains(&b'\n')) {
            bail!("{}: a quoted value that begins in line {line} does not end in it", path.display());
        }
        match parse::<R>(&header, &bytes) {
            Ok(row) => batch.rows.push((line, row)),
            Err(reason) => batch.rejects.push(Reject { line, reason }),
        }
        if batch.rows.len() + batch.rejects.len() >= BATCH {
            let full = std::mem::replace(&mut batch, Batch { rows: Vec::with_capacity(BATCH), rejects: Vec::new() });
            // A closed channel means that the store failed: its error is the one to tell.
            if sender.blocking_send(full).is_err() {
                return Ok(());
            }
        }
    }
    let _ = sender.blocking_send(batch);
    Ok(())
}

fn header<R: Row>(reader: &mut csv::Reader<Box<dyn Read>>) -> anyhow::Result<StringRecord> {
    let header = reader.headers().context("its first line cannot be read")?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    let missing: Vec<&str> = R::REQUIRED.iter().filter(|column| !names.contains(*column)).copied().collect();
    if !missing.is_empty() {
        bail!("the column {} is missing; the first line names {}", missing.join(", "), names.join(", "));
    }
    Ok(names.into_iter().collect())
}

fn parse<R: Row>(header: &StringRecord, bytes: &ByteRecord) -> Result<R, String> {
    if bytes.len() != header.len() {
        return Err(format!("{} values where the first line names {} columns", bytes.len(), header.len()));
    }
    let record = StringRecord::from_byte_record(bytes.clone()).map_err(|_| "not UTF-8".to_owned())?;
    R::parse(&Fields { header, record: &record })
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
