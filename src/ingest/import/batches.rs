//! Parsed rows on their way from the reader thread to the store.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use tokio::sync::mpsc;

use super::{
    Row,
    fields::{Fields, Scale},
    people::{People, Standing},
    value::Value,
};

/// The number of rows of a batch for the database.
pub const ROWS_PER_BATCH: usize = 4_000;
/// The maximum length of the text of a rejected row that is kept, in bytes.
pub const MAX_ROW_BYTES: usize = 2_000;
/// The maximum number of different warnings of a batch and of a file.
const MAX_WARNINGS: usize = 100;

/// A row that was not stored, and the reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The file that contains the row, without its folder.
    pub file: Arc<str>,
    /// The line in which the row begins, or its number in a Parquet file, from 1. In CSV line 1 is the header.
    pub line: u64,
    pub reason: String,
    /// The row as it is in the file, at most 2,000 bytes.
    pub row: String,
}

/// Parsed rows with their line numbers, the rows that are not stored, and counts.
pub struct Batch<R> {
    pub rows: Vec<(u64, R)>,
    pub rejects: Vec<Reject>,
    /// The number of rows of erased people, which are skipped.
    pub erased: u64,
    /// The number of rejected rows with a dimension above 1.
    pub above_one: u64,
    /// What was changed or left out in rows that are stored, and in how many rows.
    pub warnings: BTreeMap<String, u64>,
}

impl<R> Batch<R> {
    pub fn new(rows: Vec<(u64, R)>) -> Self {
        Self { rows, rejects: Vec::new(), erased: 0, above_one: 0, warnings: BTreeMap::new() }
    }

    /// The number of rows of the file that the batch covers.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.rows.len() + self.rejects.len()) as u64 + self.erased
    }

    /// Whether the batch covers no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Counts a warning about `rows` rows, unless there are too many different ones.
pub fn add_warning(warnings: &mut BTreeMap<String, u64>, warning: String, rows: u64) {
    if warnings.len() < MAX_WARNINGS || warnings.contains_key(&warning) {
        *warnings.entry(warning).or_default() += rows;
    }
}

/// The sending end of the channel to the store, with the current batch.
pub struct Batches<R> {
    sender: mpsc::Sender<Batch<R>>,
    people: Arc<People>,
    scale: Option<Scale>,
    file: Arc<str>,
    batch: Batch<R>,
    /// The number of rows of a batch.
    size: usize,
    columns: Vec<&'static str>,
}

impl<R: Row> Batches<R> {
    /// `scale` is the scale of the dimension columns; `None` = 0 to 1. `size` is the number of rows of a batch.
    pub fn new(sender: mpsc::Sender<Batch<R>>, people: Arc<People>, scale: Option<Scale>, size: usize) -> Self {
        let batch = Batch::new(Vec::with_capacity(size));
        Self { sender, people, scale, file: Arc::from(""), batch, size, columns: R::columns() }
    }

    /// Begins the rows of another file.
    pub fn begin_part(&mut self, part: &Path) {
        self.file = part.file_name().unwrap_or_default().to_string_lossy().into();
    }

    /// Parses and adds a row. `values` has one value per column of [`Row::columns`], or is the reason why the row
    /// cannot be read; `raw` returns the row as it is in the file. Returns `false` if the store has failed and receives
    /// no more rows; the store's error is the one to report.
    pub fn row(&mut self, line: u64, values: Result<&[Value<'_>], &String>, raw: impl FnOnce() -> String) -> bool {
        let parsed = match values {
            Ok(values) => self.parse(values),
            Err(reason) => Err(reason.clone()),
        };
        match parsed {
            Ok(Some(row)) => self.batch.rows.push((line, row)),
            Ok(None) => self.batch.erased += 1,
            Err(reason) => {
                let mut row = raw();
                row.truncate(row.floor_char_boundary(MAX_ROW_BYTES));
                self.batch.rejects.push(Reject { file: Arc::clone(&self.file), line, reason, row });
            }
        }
        self.batch.len() < self.size as u64 || self.flush()
    }

    /// Parses a row; `None` if it is about an erased person.
    fn parse(&mut self, values: &[Value<'_>]) -> Result<Option<R>, String> {
        let fields = Fields::new(&self.columns, values, self.scale);
        let parsed = R::parse(&fields);
        self.batch.above_one += u64::from(fields.has_value_above_one());
        let row = parsed?;
        match self.people.standing_of(&row) {
            Standing::Erased => Ok(None),
            Standing::Unknown => Err(R::UNKNOWN_PERSON.to_owned()),
            Standing::Known => {
                fields
                    .into_warnings()
                    .into_iter()
                    .for_each(|warning| add_warning(&mut self.batch.warnings, warning, 1));
                Ok(Some(row))
            }
        }
    }

    /// Sends the current batch. Returns `false` if the store receives no more rows.
    pub fn flush(&mut self) -> bool {
        let next = Batch::new(Vec::with_capacity(self.size));
        self.batch.is_empty() || self.sender.blocking_send(std::mem::replace(&mut self.batch, next)).is_ok()
    }
}
