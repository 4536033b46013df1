//! CSV files: a header line, then one line per row.

use std::io::Read;

use ::csv::{ByteRecord, Position, Reader, ReaderBuilder, StringRecord, Terminator};
use anyhow::{Context, anyhow, bail};

use super::{Batches, require};
use crate::ingest::import::{Fields, Row};

pub(super) fn read<R: Row>(unpacked: Box<dyn Read>, batches: &mut Batches<'_, R>) -> anyhow::Result<()> {
    // Lines end at `\n` only (a `\r` before it is trimmed as whitespace), so that line numbers are right with both line
    // endings. Flexible, so that a line with the wrong number of values is one reject and does not end the file.
    let mut reader = ReaderBuilder::new().flexible(true).terminator(Terminator::Any(b'\n')).from_reader(unpacked);
    let header = header::<R>(&mut reader)?;
    let mut bytes = ByteRecord::new();
    let mut line = 1;
    loop {
        match reader.read_byte_record(&mut bytes) {
            Ok(false) => return Ok(()),
            Ok(true) => {}
            Err(cause) => return Err(anyhow!(cause).context(format!("it is damaged after line {line}"))),
        }
        line = bytes.position().map_or(line + 1, Position::line);
        // No column may contain a line break: an unclosed quote would otherwise absorb the lines after it.
        if bytes.iter().any(|value| value.contains(&b'\n')) {
            bail!("a quoted value that begins in line {line} does not end in it");
        }
        if !batches.push(line, parse(&header, &bytes)) {
            return Ok(());
        }
    }
}

fn header<R: Row>(reader: &mut Reader<Box<dyn Read>>) -> anyhow::Result<StringRecord> {
    let header = reader.headers().context("its first line cannot be read")?.clone();
    let names: Vec<&str> = header.iter().map(|name| name.trim_start_matches('\u{feff}').trim()).collect();
    require::<R>(&names)?;
    Ok(names.into_iter().collect())
}

fn parse<R: Row>(header: &StringRecord, bytes: &ByteRecord) -> Result<R, String> {
    if bytes.len() != header.len() {
        return Err(format!("{} values, but the header names {} columns", bytes.len(), header.len()));
    }
    let record = StringRecord::from_byte_record(bytes.clone()).map_err(|_| "not UTF-8".to_owned())?;
    R::parse(&Fields { header, record: &record })
}
