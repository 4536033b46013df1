//! Columns of an Apache Parquet file, read row by row. Only imported columns are read.

use std::{borrow::Cow, fs::File, sync::Arc};

use ::parquet::{
    basic::{LogicalType, TimeUnit},
    file::reader::{FileReader as _, SerializedFileReader},
    record::Field,
    schema::types::Type,
};
use anyhow::{Context, ensure};

use super::require;
use crate::{
    domain::clock::format_time,
    ingest::{
        import::{Row, batches::Batches, value::Value},
        progress::Progress,
    },
};

pub(super) fn read<R: Row>(file: File, progress: Progress, batches: &mut Batches<R>) -> anyhow::Result<()> {
    let reader = SerializedFileReader::new(file).context("it cannot be read as Parquet")?;
    let about = reader.metadata().file_metadata();
    let columns = R::columns();
    let position = |name: &str| columns.iter().position(|column| name.eq_ignore_ascii_case(column));
    let names: Vec<String> =
        about.schema().get_fields().iter().map(|column| column.name().to_ascii_lowercase()).collect();
    require::<R>(&names.iter().map(String::as_str).collect::<Vec<_>>())?;
    let imported: Vec<Arc<Type>> =
        about.schema().get_fields().iter().filter(|column| position(column.name()).is_some()).cloned().collect();
    for column in &columns {
        ensure!(names.iter().filter(|name| name == column).count() < 2, "the column {column} occurs twice");
    }
    // Timestamps in nanoseconds, as pandas writes them: the reader returns them as plain integers.
    let is_in_nanoseconds = |column: &Arc<Type>| match column.get_basic_info().logical_type_ref() {
        Some(LogicalType::Timestamp(time)) => time.unit == TimeUnit::NANOS,
        _ => false,
    };
    let slots: Vec<(usize, bool)> =
        imported.iter().filter_map(|column| Some((position(column.name())?, is_in_nanoseconds(column)))).collect();
    let projection = Type::group_type_builder(about.schema().name()).with_fields(imported).build()?;
    let bar = progress.bar(R::KIND.name(), about.num_rows().try_into().unwrap_or_default());
    for (number, row) in (1_u64..).zip(reader.get_row_iter(Some(projection))?) {
        let row = row.with_context(|| format!("it is damaged after row {}", number - 1))?;
        let mut values = vec![Value::MISSING; columns.len()];
        for ((_, field), (slot, is_in_nanoseconds)) in row.get_column_iter().zip(&slots) {
            values[*slot] = match field {
                Field::Long(time) if *is_in_nanoseconds => {
                    Value::Text(Cow::Owned(format_time(time.div_euclid(1_000_000_000))))
                }
                _ => value(field),
            };
        }
        bar.advance(1);
        if !batches.row(number, Ok(&values), || row.to_string()) {
            return Ok(());
        }
    }
    Ok(())
}

/// Converts a value of a column.
fn value(field: &Field) -> Value<'_> {
    match field {
        Field::Null => Value::MISSING,
        Field::Bool(truth) => Value::Boolean(*truth),
        Field::Str(text) => Value::Text(Cow::Borrowed(text)),
        Field::Bytes(bytes) => match bytes.as_utf8() {
            Ok(text) => Value::Text(Cow::Owned(text.to_owned())),
            Err(_) => Value::Other("binary"),
        },
        Field::TimestampMillis(time) => Value::Text(Cow::Owned(format_time(time.div_euclid(1_000)))),
        Field::TimestampMicros(time) => Value::Text(Cow::Owned(format_time(time.div_euclid(1_000_000)))),
        Field::Byte(_)
        | Field::Short(_)
        | Field::Int(_)
        | Field::Long(_)
        | Field::UByte(_)
        | Field::UShort(_)
        | Field::UInt(_)
        | Field::ULong(_) => Value::Text(Cow::Owned(field.to_string())),
        Field::Float(number) => Value::Number(Cow::Owned(number.to_string())),
        Field::Double(number) => Value::Number(Cow::Owned(number.to_string())),
        Field::Float16(_) | Field::Decimal(_) => Value::Number(Cow::Owned(field.to_string())),
        Field::ListInternal(list) => Value::List(list.elements().iter().map(value).collect()),
        Field::Group(_) => Value::Other("a group"),
        Field::MapInternal(_) => Value::Other("a map"),
        _ => Value::Other("a value of another type"),
    }
}
