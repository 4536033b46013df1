//! Columns of an Apache Parquet file, read row by row.

use std::fs::File;

use ::csv::StringRecord;
use ::parquet::{
    basic::{LogicalType, TimeUnit},
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
};
use anyhow::Context;

use super::{Batches, listed, require};
use crate::{
    domain::clock::format_time,
    ingest::{
        import::{Fields, Row},
        progress::Progress,
    },
};

pub(super) fn read<R: Row>(file: File, progress: Progress, batches: &mut Batches<'_, R>) -> anyhow::Result<()> {
    let reader = SerializedFileReader::new(file).context("it cannot be read as Parquet")?;
    let about = reader.metadata().file_metadata();
    let columns = about.schema().get_fields();
    let names: Vec<&str> = columns.iter().map(|column| column.name()).collect();
    require::<R>(&names)?;
    let header: StringRecord = names.iter().copied().collect();
    // Timestamps in nanoseconds, as pandas writes them: the reader returns them as plain integers.
    let nanoseconds: Vec<bool> = columns
        .iter()
        .map(|column| match column.get_basic_info().logical_type_ref() {
            Some(LogicalType::Timestamp(time)) => time.unit == TimeUnit::NANOS,
            _ => false,
        })
        .collect();
    let bar = progress.bar(R::KIND.name(), about.num_rows().try_into().unwrap_or_default());
    for (number, row) in (1_u64..).zip(reader.get_row_iter(None)?) {
        let row = row.with_context(|| format!("it is damaged after row {}", number - 1))?;
        let parsed = row
            .get_column_iter()
            .zip(&nanoseconds)
            .map(|((name, field), nanoseconds)| match field {
                Field::Long(time) if *nanoseconds => Ok(format_time(time.div_euclid(1_000_000_000))),
                _ => text(name, field),
            })
            .collect::<Result<StringRecord, String>>()
            .and_then(|record| R::parse(&Fields { header: &header, record: &record }));
        bar.advance(1);
        if !batches.push(number, parsed) {
            return Ok(());
        }
    }
    Ok(())
}

/// Formats a value as it would be in a line of CSV.
fn text(name: &str, field: &Field) -> Result<String, String> {
    Ok(match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => bytes.as_utf8().map_err(|_| format!("{name} is not UTF-8"))?.to_owned(),
        Field::TimestampMillis(time) => format_time(time.div_euclid(1_000)),
        Field::TimestampMicros(time) => format_time(time.div_euclid(1_000_000)),
        Field::ListInternal(list) => {
            let terms = list.elements().iter().map(|item| match item {
                Field::Str(term) => Some(term.as_str()),
                _ => None,
            });
            listed(name, terms)?
        }
        Field::Group(_) | Field::MapInternal(_) => return Err(format!("{name} is neither a value nor a list")),
        // Numbers and booleans. The text of any other type is rejected by the parser of its column.
        other => other.to_string(),
    })
}
