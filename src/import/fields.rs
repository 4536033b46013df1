//! A line's values by the name of their column, and how each kind of value is read.

use csv::StringRecord;

use crate::clock::parse_time;

/// One line.
pub struct Fields<'a> {
    pub header: &'a StringRecord,
    pub record: &'a StringRecord,
}

/// The longest id, word or title, in characters.
const LONGEST: usize = 500;

impl Fields<'_> {
    /// The trimmed text of a column; empty if the file has no such column.
    #[must_use]
    pub fn text(&self, column: &str) -> &str {
        let index = self.header.iter().position(|name| name == column);
        index.and_then(|index| self.record.get(index)).unwrap_or_default().trim()
    }

    fn maybe(&self, column: &str) -> Option<&str> {
        Some(self.text(column)).filter(|text| !text.is_empty())
    }

    /// A text that may be unknown.
    ///
    /// # Errors
    /// It is too long or holds control characters.
    pub fn known(&self, column: &str) -> Result<Option<String>, String> {
        self.maybe(column).map(|_| self.needed(column)).transpose()
    }

    /// A text that must be there.
    ///
    /// # Errors
    /// It is empty, too long or holds control characters.
    pub fn needed(&self, column: &str) -> Result<String, String> {
        let text = self.text(column);
        if text.is_empty() {
            return Err(format!("{column} is empty"));
        }
        if text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(format!("{column} is longer than {LONGEST} characters or holds control characters"));
        }
        Ok(text.to_owned())
    }

    /// A word of a closed list: letters, digits, `-` and `_`, in lower case.
    ///
    /// # Errors
    /// It holds something else.
    pub fn word(&self, column: &str) -> Result<Option<String>, String> {
        word(column, self.text(column))
    }

    /// Words separated by `|`, without repeats.
    ///
    /// # Errors
    /// As [`Fields::word`].
    pub fn words(&self, column: &str) -> Result<String, String> {
        let mut words: Vec<String> = Vec::new();
        for part in self.text(column).split('|') {
            if let Some(word) = word(column, part.trim())?.filter(|word| !words.contains(word)) {
                words.push(word);
            }
        }
        Ok(words.join("|"))
    }

    /// A time that must be there, as Unix seconds.
    ///
    /// # Errors
    /// It is empty or not a time.
    pub fn time(&self, column: &str) -> Result<i64, String> {
        self.maybe_time(column)?.ok_or_else(|| format!("{column} is empty"))
    }

    /// A time that may be unknown.
    ///
    /// # Errors
    /// It is not a time.
    pub fn maybe_time(&self, column: &str) -> Result<Option<i64>, String> {
        let time = self.maybe(column).map(parse_time).transpose();
        time.map_err(|reason| format!("{column}: {reason}"))
    }

    /// A number between two bounds, or unknown.
    ///
    /// # Errors
    /// It is not a number or out of bounds.
    pub fn number(&self, column: &str, low: f64, high: f64) -> Result<Option<f64>, String> {
        let Some(text) = self.maybe(column) else { return Ok(None) };
        let number: f64 = text.parse().map_err(|_| format!("{column}: {text:?} is not a number"))?;
        if !(low..=high).contains(&number) {
            return Err(format!("{column}: {text} is not between {low} and {high}"));
        }
        Ok(Some(number))
    }

    /// `true` or `false`, or unknown.
    ///
    /// # Errors
    /// It is something else.
    pub fn truth(&self, column: &str) -> Result<Option<bool>, String> {
        match self.text(column).to_ascii_lowercase().as_str() {
            "" => Ok(None),
            "true" | "t" | "1" | "yes" => Ok(Some(true)),
            "false" | "f" | "0" | "no" => Ok(Some(false)),
            other => Err(format!("{column}: {other:?} is neither true nor false")),
        }
    }
}

fn word(column: &str, text: &str) -> Result<Option<String>, String> {
    let word = text.to_lowercase();
    if word.is_empty() {
        return Ok(None);
    }
    let sane = word.len() <= 64 && word.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
    if sane { Ok(Some(word)) } else { Err(format!("{column}: {text:?} is not a word of letters, digits, - and _")) }
}
