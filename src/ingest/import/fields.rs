//! The values of a line by column name, and the parsers of each kind of value.

use csv::StringRecord;

use crate::domain::{clock::parse_time, dimensions::DimensionMap};

/// The values of one line.
pub struct Fields<'a> {
    pub header: &'a StringRecord,
    pub record: &'a StringRecord,
}

/// The maximum length of an id or a text, in characters.
const MAX_CHARS: usize = 500;

impl Fields<'_> {
    /// Returns the trimmed text of a column; empty if the file has no such column.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        let index = self.header.iter().position(|name| name == column);
        index.and_then(|index| self.record.get(index)).unwrap_or_default().trim()
    }

    fn optional(&self, column: &str) -> Option<&str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// Returns an optional text; `None` if it is empty.
    ///
    /// # Errors
    /// The text has more than 500 characters or contains control characters.
    pub fn optional_text(&self, column: &str) -> Result<Option<String>, String> {
        self.optional(column).map(|_| self.required_text(column)).transpose()
    }

    /// Returns a required text.
    ///
    /// # Errors
    /// The text is empty, has more than 500 characters, or contains control characters.
    pub fn required_text(&self, column: &str) -> Result<String, String> {
        let text = self.text(column);
        if text.is_empty() {
            return Err(format!("{column} is empty"));
        }
        if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
            return Err(format!("{column} is longer than {MAX_CHARS} characters or contains control characters"));
        }
        Ok(text.to_owned())
    }

    /// Returns a term of at most 64 letters, digits, `-` and `_`, in lower case; `None` if it is empty.
    ///
    /// # Errors
    /// The text is longer or contains other characters.
    pub fn term(&self, column: &str) -> Result<Option<String>, String> {
        term(column, self.text(column))
    }

    /// Returns the terms of a list separated by `|`, without duplicates and again separated by `|`.
    ///
    /// # Errors
    /// As [`Fields::term`].
    pub fn terms(&self, column: &str) -> Result<String, String> {
        let mut terms: Vec<String> = Vec::new();
        for part in self.text(column).split('|') {
            if let Some(term) = term(column, part.trim())?.filter(|term| !terms.contains(term)) {
                terms.push(term);
            }
        }
        Ok(terms.join("|"))
    }

    /// Returns a required time, in Unix seconds.
    ///
    /// # Errors
    /// The text is empty or not an RFC 3339 time of the years 1970 to 2199.
    pub fn time(&self, column: &str) -> Result<i64, String> {
        self.optional_time(column)?.ok_or_else(|| format!("{column} is empty"))
    }

    /// Returns an optional time, in Unix seconds; `None` if it is empty.
    ///
    /// # Errors
    /// The text is not an RFC 3339 time of the years 1970 to 2199.
    pub fn optional_time(&self, column: &str) -> Result<Option<i64>, String> {
        let time = self.optional(column).map(parse_time).transpose();
        time.map_err(|reason| format!("{column}: {reason}"))
    }

    /// Returns an optional number from `low` to `high`; `None` if it is empty.
    ///
    /// # Errors
    /// The text is not a number, or the number is out of range.
    pub fn number(&self, column: &str, low: f64, high: f64) -> Result<Option<f64>, String> {
        let Some(text) = self.optional(column) else { return Ok(None) };
        let number: f64 = text.parse().map_err(|_| format!("{column}: {text:?} is not a number"))?;
        if !(low..=high).contains(&number) {
            return Err(format!("{column}: {text} is not between {low} and {high}"));
        }
        Ok(Some(number))
    }

    /// Returns the numbers of all dimension columns, 0 to 1; `None` where a column is empty.
    ///
    /// # Errors
    /// As [`Fields::number`].
    pub fn dimensions(&self) -> Result<DimensionMap<Option<f64>>, String> {
        let mut dimensions = DimensionMap::default();
        for (dimension, value) in dimensions.iter_mut() {
            *value = self.number(dimension.column(), 0.0, 1.0)?;
        }
        Ok(dimensions)
    }

    /// Returns an optional boolean: `true`, `t`, `1`, `yes`, `false`, `f`, `0` or `no` in any case; `None` if it is
    /// empty.
    ///
    /// # Errors
    /// The text is something else.
    pub fn boolean(&self, column: &str) -> Result<Option<bool>, String> {
        match self.text(column).to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "t" | "1" | "yes" => Ok(Some(true)),
            "false" | "f" | "0" | "no" => Ok(Some(false)),
            other => Err(format!("{column}: {other:?} is neither true nor false")),
        }
    }
}

fn term(column: &str, text: &str) -> Result<Option<String>, String> {
    let term = text.to_lowercase();
    if term.is_empty() {
        return Ok(None);
    }
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    if term.len() <= 64 && term.chars().all(is_allowed) {
        Ok(Some(term))
    } else {
        Err(format!("{column}: {text:?} must be up to 64 letters, digits, - or _"))
    }
}
