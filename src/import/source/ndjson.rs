//! One JSON object a line; a column that a line does not have is unknown.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read},
};

use ::csv::StringRecord;
use anyhow::{Context, bail};
use serde_json::{Map, Value};

use super::{Batches, require};
use crate::import::{Fields, Row};

/// The longest line, in bytes. Something longer is not a line of ours, and must not fill the memory.
const LONGEST: u64 = 1 << 20;

pub(super) fn read<R: Row>(unpacked: Box<dyn Read>, batches: &mut Batches<'_, R>) -> anyhow::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, unpacked);
    let mut names = BTreeSet::new();
    let mut bytes = Vec::new();
    for line in 1.. {
        bytes.clear();
        let read = reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut bytes);
        if read.with_context(|| format!("it is damaged after line {}", line - 1))? == 0 {
            break;
        }
        if bytes.len() as u64 > LONGEST {
            bail!("line {line} is longer than {LONGEST} bytes");
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).filter(|_| line == 1).unwrap_or(&bytes);
        if !text.trim_ascii().is_empty() && !batches.push(line, parse(text, &mut names)) {
            return Ok(());
        }
    }
    // Known only at the end; then nothing of the file is stored.
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

/// What was wrong, without the line and column of a text that is one line.
fn reason(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}

/// A value as a line of CSV would have it.
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
