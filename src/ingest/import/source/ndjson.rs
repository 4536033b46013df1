//! NDJSON files: one JSON object per line. A column that is missing from a line is unknown, and a column that is not
//! imported is not parsed.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    fmt,
    io::{BufRead, BufReader, Read},
    marker::PhantomData,
};

use anyhow::{Context, bail};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

use super::require;
use crate::ingest::import::{Row, batches::Batches, value::Value};

/// The maximum length of a line, in bytes. A longer line is rejected, and its rest is not held in memory.
const MAX_LINE_BYTES: usize = 1 << 20;

pub(super) fn read<R: Row>(unpacked: Box<dyn Read>, batches: &mut Batches<R>) -> anyhow::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 16, unpacked);
    let (columns, mut names, mut bytes, mut is_any_parsed) = (R::columns(), BTreeSet::new(), Vec::new(), false);
    let mut has_lines = false;
    for line in 1.. {
        bytes.clear();
        let read = reader.by_ref().take(MAX_LINE_BYTES as u64 + 1).read_until(b'\n', &mut bytes);
        if read.with_context(|| format!("it is damaged after line {}", line - 1))? == 0 {
            break;
        }
        let text = bytes.strip_prefix(b"\xef\xbb\xbf".as_slice()).filter(|_| line == 1).unwrap_or(&bytes);
        if text.trim_ascii().is_empty() {
            continue;
        }
        has_lines = true;
        if line == 1 && text.trim_ascii_start().starts_with(b"[") {
            bail!("it is one JSON array; write one object per line");
        }
        let raw = || String::from_utf8_lossy(text).trim_end().to_owned();
        let parsed = if bytes.len() > MAX_LINE_BYTES {
            Err(format!("longer than {MAX_LINE_BYTES} bytes"))
        } else {
            parse(text, &columns)
        };
        if let Ok(values) = &parsed {
            let present = columns.iter().zip(values).filter(|(_, (is_present, _))| *is_present);
            names.extend(present.map(|(column, _)| *column));
        }
        let values: Result<Vec<Value<'_>>, String> =
            parsed.map(|values| values.into_iter().map(|(_, value)| value).collect());
        is_any_parsed |= values.is_ok();
        if !batches.row(line, values.as_deref(), raw) {
            return Ok(());
        }
        if bytes.len() > MAX_LINE_BYTES {
            skip_line(&mut reader).with_context(|| format!("it is damaged after line {line}"))?;
        }
    }
    // The columns are known only at the end of the file. If one is missing, nothing of the file is stored.
    if has_lines && !is_any_parsed {
        // Every line is rejected with its reason.
        return Ok(());
    }
    require::<R>(&names.into_iter().collect::<Vec<_>>())
}

/// Skips the rest of a line.
fn skip_line(reader: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let bytes = reader.fill_buf()?;
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (count, is_end) = (end.map_or(bytes.len(), |end| end + 1), end.is_some() || bytes.is_empty());
        reader.consume(count);
        if is_end {
            return Ok(());
        }
    }
}

/// The members of a JSON object, with values as they are written.
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor<'a>(PhantomData<&'a ()>);

        impl<'de: 'a, 'a> Visitor<'de> for MembersVisitor<'a> {
            type Value = Members<'a>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor(PhantomData))
    }
}

/// Parses a line: for each imported column, whether the object has it, and its value.
fn parse<'a>(text: &'a [u8], columns: &[&str]) -> Result<Vec<(bool, Value<'a>)>, String> {
    let Members(members) =
        serde_json::from_slice(text).map_err(|cause| format!("not a JSON object: {}", reason(&cause)))?;
    let mut values = vec![(false, Value::MISSING); columns.len()];
    for (name, raw) in members {
        let Some(index) = columns.iter().position(|column| name.eq_ignore_ascii_case(column)) else { continue };
        if values[index].0 {
            return Err(format!("{} is given twice", columns[index]));
        }
        values[index] = (true, value(raw.get()).map_err(|cause| format!("{}: {}", columns[index], reason(&cause)))?);
    }
    Ok(values)
}

/// Converts a JSON value.
fn value(raw: &str) -> serde_json::Result<Value<'_>> {
    Ok(match raw.as_bytes().first() {
        Some(b'n') => Value::MISSING,
        Some(b't' | b'f') => Value::Boolean(raw == "true"),
        Some(b'"') => Value::Text(serde_json::from_str::<Text<'_>>(raw)?.0),
        Some(b'{') => Value::Other("an object"),
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw)?;
            Value::List(items.into_iter().map(|item| value(item.get())).collect::<serde_json::Result<_>>()?)
        }
        // An integer is text: it can have more digits than any number type.
        _ if raw.strip_prefix('-').unwrap_or(raw).bytes().all(|byte| byte.is_ascii_digit()) => {
            Value::Text(Cow::Borrowed(raw))
        }
        _ => Value::Number(Cow::Borrowed(raw)),
    })
}

/// A text that is borrowed unless it contains escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the reason of a JSON error without its line and column, because the text is a single line.
fn reason(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    text.rsplit_once(" at line ").map_or(text.clone(), |(reason, _)| reason.to_owned())
}
