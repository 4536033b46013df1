//! CSV files: a header line, then one row per line. A quoted value may contain line breaks.
//!
//! The tokenizer `csv-core` is used instead of `csv`, because it works on fixed buffers: a value without an end costs
//! no memory, and a column that is not imported is not stored at all.

use std::{
    borrow::Cow,
    io::{BufRead, BufReader, Read},
    ops::Range,
};

use anyhow::{Context, bail, ensure};
use csv_core::{ReadFieldResult, Reader, ReaderBuilder, Terminator};

use super::{MAX_VALUE_BYTES, require};
use crate::ingest::import::{
    Row,
    batches::{Batches, MAX_ROW_BYTES},
    value::Value,
};

/// The maximum number of columns.
const MAX_COLUMNS: usize = 10_000;

pub(super) fn read<R: Row>(unpacked: Box<dyn Read>, batches: &mut Batches<R>) -> anyhow::Result<()> {
    let mut tokens = Tokens::new(unpacked);
    let header = header(&mut tokens)?;
    require::<R>(&header.iter().map(String::as_str).collect::<Vec<_>>())?;
    let columns = R::columns();
    let position = |name: &str| columns.iter().position(|column| *column == name);
    tokens.slots = header.iter().map(|name| position(name)).collect();
    while tokens.next_record()? {
        if tokens.is_blank {
            continue;
        }
        let values = tokens.values(&columns, header.len());
        let raw = || String::from_utf8_lossy(&tokens.raw).trim_end().to_owned();
        if !batches.row(tokens.first_line, values.as_deref(), raw) {
            return Ok(());
        }
    }
    Ok(())
}

/// The first bytes of files that are not CSV, with the cause and the remedy.
const NOT_CSV: [(&[u8], &str); 5] = [
    (b"\xff\xfe", "it is encoded in UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "it is encoded in UTF-16; save it as UTF-8"),
    (b"PK\x03\x04", "it is a spreadsheet or a ZIP archive; save the table as CSV"),
    (b"\x1f\x8b", "it is compressed; its name must end in .csv.gz"),
    (b"\x28\xb5\x2f\xfd", "it is compressed; its name must end in .csv.zst"),
];

/// Reads the header: the names of the columns, in lower case.
fn header(tokens: &mut Tokens) -> anyhow::Result<Vec<String>> {
    tokens.keeps_all = true;
    let start = fill(&mut tokens.input, 1)?;
    for (magic, cause) in NOT_CSV {
        ensure!(!start.starts_with(magic), "{cause}");
    }
    ensure!(tokens.next_record().context("its first line cannot be read")?, "it is empty");
    tokens.keeps_all = false;
    let mut names: Vec<String> = Vec::new();
    for range in &tokens.kept {
        let bytes = range.clone().map(|range| &tokens.buffer[range]).unwrap_or_default();
        let name = std::str::from_utf8(bytes).context("its first line is not UTF-8")?;
        names.push(name.trim_start_matches('\u{feff}').trim().to_ascii_lowercase());
    }
    for (index, name) in names.iter().enumerate() {
        ensure!(name.is_empty() || !names[..index].contains(name), "the column {name} occurs twice");
    }
    Ok(names)
}

/// The tokenizer, with the current record.
struct Tokens {
    input: BufReader<Box<dyn Read>>,
    reader: Reader,
    /// The imported column of each column of the file, if any.
    slots: Vec<Option<usize>>,
    /// Keep the values of all columns: for the header.
    keeps_all: bool,
    /// The kept values of the record, one after the other.
    buffer: Vec<u8>,
    /// The ranges of the kept values in `buffer`, by imported column; `None` for a value that is too long.
    kept: Vec<Option<Range<usize>>>,
    /// The number of values of the record.
    count: usize,
    is_blank: bool,
    /// The beginning of the record as it is in the file.
    raw: Vec<u8>,
    /// The line in which the record begins, from 1.
    first_line: u64,
    next_line: u64,
    is_at_end: bool,
}

impl Tokens {
    fn new(unpacked: Box<dyn Read>) -> Self {
        Self {
            input: BufReader::with_capacity(1 << 16, unpacked),
            // Lines end at `\n` only; a `\r` before it is trimmed as whitespace.
            reader: ReaderBuilder::new().terminator(Terminator::Any(b'\n')).build(),
            slots: Vec::new(),
            keeps_all: false,
            buffer: vec![0; 1 << 12],
            kept: Vec::new(),
            count: 0,
            is_blank: true,
            raw: Vec::new(),
            first_line: 0,
            next_line: 1,
            is_at_end: false,
        }
    }

    /// Reads the next record; false at the end of the file.
    fn next_record(&mut self) -> anyhow::Result<bool> {
        self.kept.clear();
        self.raw.clear();
        (self.count, self.is_blank) = (0, true);
        if !self.skip_empty_lines()? {
            return Ok(false);
        }
        self.first_line = self.next_line;
        if self.plain_record()? {
            return Ok(true);
        }
        let mut used = 0;
        loop {
            let (end, is_last) = self.field(used)?;
            used = end;
            if is_last {
                return Ok(true);
            }
            ensure!(self.count < MAX_COLUMNS, "line {} has more than {MAX_COLUMNS} values", self.first_line);
        }
    }

    /// Reads the next record if it has no quotes, which takes a third of the time; false if another way must read it.
    fn plain_record(&mut self) -> anyhow::Result<bool> {
        let input = fill(&mut self.input, self.first_line)?;
        let line = memchr::memchr(b'\n', input).map_or(&[][..], |end| &input[..end]);
        // A line that is not in the input as a whole is read piece by piece.
        if line.is_empty() || self.keeps_all || memchr::memchr(b'"', line).is_some() {
            return Ok(false);
        }
        if self.buffer.len() < line.len() {
            self.buffer.resize(line.len(), 0);
        }
        self.buffer[..line.len()].copy_from_slice(line);
        self.raw.extend_from_slice(&line[..line.len().min(MAX_ROW_BYTES)]);
        self.is_blank = line.iter().all(|byte| *byte == b',' || byte.is_ascii_whitespace());
        let mut start = 0;
        for end in memchr::memchr_iter(b',', line).chain([line.len()]) {
            if let Some(slot) = self.slots.get(self.count).copied().flatten() {
                self.kept.resize(self.kept.len().max(slot + 1), Some(0..0));
                self.kept[slot] = (end - start <= MAX_VALUE_BYTES).then_some(start..end);
            }
            (self.count, start) = (self.count + 1, end + 1);
        }
        ensure!(self.count <= MAX_COLUMNS, "line {} has more than {MAX_COLUMNS} values", self.first_line);
        let read = line.len() + 1;
        self.input.consume(read);
        self.next_line += 1;
        Ok(true)
    }

    /// Skips empty lines; false at the end of the file.
    fn skip_empty_lines(&mut self) -> anyhow::Result<bool> {
        loop {
            let bytes = fill(&mut self.input, self.next_line)?;
            let Some(first) = bytes.first() else { return Ok(false) };
            if *first != b'\n' {
                return Ok(true);
            }
            self.input.consume(1);
            self.next_line += 1;
        }
    }

    /// Reads one value into `buffer` from `start` on. Returns the end of the kept bytes, and whether the record ends.
    fn field(&mut self, start: usize) -> anyhow::Result<(usize, bool)> {
        let slot = if self.keeps_all { Some(self.count) } else { self.slots.get(self.count).copied().flatten() };
        let (mut end, mut is_too_long) = (start, false);
        loop {
            if end == self.buffer.len() {
                self.buffer.resize(self.buffer.len() * 2, 0);
            }
            let input = fill(&mut self.input, self.first_line)?;
            let was_at_end = std::mem::replace(&mut self.is_at_end, input.is_empty());
            // A line break after the end of the file ends the last line, or becomes part of a quoted value without end.
            let input: &[u8] = if input.is_empty() && !was_at_end { b"\n" } else { input };
            let is_appended = self.is_at_end && !was_at_end;
            let (result, read, written) = self.reader.read_field(input, &mut self.buffer[end..]);
            self.next_line += memchr::memchr_iter(b'\n', &input[..read]).count() as u64;
            let free = MAX_ROW_BYTES.saturating_sub(self.raw.len());
            self.raw.extend_from_slice(&input[..read.min(free)]);
            if !is_appended {
                self.input.consume(read);
            }
            end += written;
            self.is_blank &= self.buffer[end - written..end].iter().all(u8::is_ascii_whitespace);
            if end - start > MAX_VALUE_BYTES || (slot.is_none() && end > start) {
                is_too_long |= end - start > MAX_VALUE_BYTES;
                end = start;
            }
            // Text after the end of the file belongs to a value that was not closed.
            if was_at_end && matches!(result, ReadFieldResult::InputEmpty | ReadFieldResult::Field { .. }) {
                bail!("a quoted value in the row that begins in line {} does not end", self.first_line);
            }
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { record_end } => {
                    self.count += 1;
                    if let Some(slot) = slot {
                        self.kept.resize(self.kept.len().max(slot + 1), Some(0..0));
                        self.kept[slot] = (!is_too_long).then_some(start..end);
                    }
                    return Ok((end, record_end));
                }
                ReadFieldResult::End => return Ok((end, true)),
            }
        }
    }

    /// The values of the imported columns.
    fn values(&self, columns: &[&str], header_len: usize) -> Result<Vec<Value<'_>>, String> {
        if self.count != header_len {
            return Err(format!("{} values, but the header names {header_len} columns", self.count));
        }
        let mut values = Vec::with_capacity(columns.len());
        for (index, column) in columns.iter().enumerate() {
            let Some(range) = self.kept.get(index).cloned().unwrap_or(Some(0..0)) else {
                return Err(format!("{column} is longer than {MAX_VALUE_BYTES} bytes"));
            };
            let text = std::str::from_utf8(&self.buffer[range]).map_err(|_| format!("{column} is not UTF-8"))?;
            values.push(Value::Text(Cow::Borrowed(text)));
        }
        Ok(values)
    }
}

/// The bytes that can be read next; empty at the end of the file.
fn fill(input: &mut BufReader<Box<dyn Read>>, line: u64) -> anyhow::Result<&[u8]> {
    input.fill_buf().with_context(|| format!("it is damaged after line {}", line - 1))
}
