//! NDJSON files: one JSON object per line. A column that is missing from a line is unknown.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read},
};

use ::csv::StringRecord;
use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::{Batches, require};
use crate::ingest::import::{Fields, Row};

/// The maximum length of a line, in bytes. The limit keeps a damaged file from filling the memory.
const MAX_LINE_BYTES: u64 = 1 << 20;

pub(super) fn read<R: Row>(unpacked: Box<dyn Read>, batches: &mut Batches<'_, R>) -> anyhow::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, unpacked);
    let mut names = BTreeSet::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = reader.by_ref().take(MAX_LINE_BYTES + 1).read_until(b'\n', &mut bytes);
        if read.with_context(|| format!("it is damaged after line {}", line - 1))? == 0 {
            break;
        }
        if bytes.len() as u64 > MAX_LINE_BYTES {
            bail!("line {line} is longer than {MAX_LINE_BYTES} bytes");
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).filter(|_| line == 1).unwrap_or(&bytes);
        if !text.trim_ascii().is_empty() && !batches.push(line, parse(text, &mut names)) {
            return Ok(());
        }
    }
    // The columns are known only at the end of the file. If one is missing, nothing of the file is stored.
    require::<R>(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn parse<R: Row>(text: &[u8], names: &mut BTreeSet<String>) -> Result<R, String> {
    let object: Map<String, Value> =
        serde_json::from_slice(text).map_err(|cause| format!("not a JSON object: {}", reason(&cause)))?;
    let (mut header, mut record) = (StringRecord::new(), StringRecord::new());
    for (name, value) in &object {
        if R::REQUIRED.contains(&name.as_str()) && !names.contains(name) {
            names.insert(name.clone());
        }
        header.push_field(name);
        record.push_field(&self::text(name, value)?);
    }
    R::parse(&Fields { header: &header, record: &record })
}

/// Returns the reason of a JSON error without its line and column, because the text is a single line.
fn reason(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// Formats a value as it would be in a line of CSV.
fn text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Null => Ok(String::new()),
        Value::Bool(truth) => Ok(truth.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::String(text) => Ok(text.clone()),
        Value::Array(items) => super::listed(name, items.iter().map(|item| item.as_str())),
        Value::Object(_) => Err(format!("{name} is an object")),
    }
}
