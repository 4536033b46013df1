//! The values of a row by column name, and the parsers of each kind of value.

use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    str::FromStr,
};

use super::value::{Value, is_unknown};
use crate::domain::{clock::parse_time, dimensions::DimensionMap};

/// The maximum length of an id or a text, in characters.
const MAX_CHARS: usize = 500;
/// The maximum length of a value in a message, in characters.
const MAX_SHOWN_CHARS: usize = 80;

/// The scale of a questionnaire: its lowest and its highest value. Values are converted to 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale {
    low: f64,
    high: f64,
}

impl FromStr for Scale {
    type Err = String;

    /// Parses a scale such as `1-5`, `1-7` or `0-100`.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("{text:?} is not a scale like 1-5: two numbers from 0 to 1000, the lower one first");
        let (low, high) = text.split_once('-').ok_or_else(invalid)?;
        let parse = |text: &str| text.trim().parse().ok().filter(|number| (0.0..=1000.0).contains(number));
        let (low, high) = (parse(low).ok_or_else(invalid)?, parse(high).ok_or_else(invalid)?);
        if low < high { Ok(Self { low, high }) } else { Err(invalid()) }
    }
}

/// The values of one row.
pub struct Fields<'a> {
    columns: &'a [&'a str],
    /// One value per column.
    values: &'a [Value<'a>],
    /// The scale of the dimension columns; `None` = 0 to 1.
    scale: Option<Scale>,
    warnings: RefCell<Vec<String>>,
    has_value_above_one: Cell<bool>,
}

impl<'a> Fields<'a> {
    #[must_use]
    pub fn new(columns: &'a [&'a str], values: &'a [Value<'a>], scale: Option<Scale>) -> Self {
        let (warnings, has_value_above_one) = (RefCell::default(), Cell::new(false));
        Self { columns, values, scale, warnings, has_value_above_one }
    }

    /// What was changed or left out while the row was parsed, for the author of the file.
    pub fn into_warnings(self) -> Vec<String> {
        self.warnings.into_inner()
    }

    /// Whether a dimension was rejected because it is above 1, as on a scale of 1 to 5.
    pub fn has_value_above_one(&self) -> bool {
        self.has_value_above_one.get()
    }

    fn value(&self, column: &str) -> &Value<'a> {
        let index = self.columns.iter().position(|name| *name == column);
        index.and_then(|index| self.values.get(index)).unwrap_or(&Value::MISSING)
    }

    fn warn(&self, warning: String) {
        self.warnings.borrow_mut().push(warning);
    }

    /// Returns the trimmed text of a value that is not a list; empty if it is missing.
    fn text(&self, column: &str) -> Result<Cow<'_, str>, String> {
        match self.value(column) {
            Value::Text(text) | Value::Number(text) => Ok(Cow::Borrowed(text.trim())),
            Value::Boolean(truth) => Ok(Cow::Borrowed(if *truth { "true" } else { "false" })),
            other => Err(format!("{column} is {}", other.describe())),
        }
    }

    /// Returns the text of a value, `None` if it is missing or a word for "unknown". The word is reported.
    fn known(&self, column: &str) -> Result<Option<Cow<'_, str>>, String> {
        let text = self.text(column)?;
        if !is_unknown(&text) {
            return Ok(Some(text));
        }
        if !text.is_empty() {
            self.warn(format!("{column}: {text:?} counts as unknown"));
        }
        Ok(None)
    }

    /// Returns a required identifier, exactly as in the file except for spaces around it.
    ///
    /// # Errors
    /// The identifier is empty or a word for "unknown", has more than 500 characters, contains control characters, or
    /// is neither a text nor an integer, so that it may not be exact.
    pub fn id(&self, column: &str) -> Result<String, String> {
        match self.value(column) {
            Value::Text(text) if text.trim().is_empty() => Err(format!("{column} is empty")),
            Value::Text(text) if is_unknown(text.trim()) => {
                Err(format!("{column}: {:?} means that it is unknown", text.trim()))
            }
            Value::Text(text) => checked(column, text.trim()),
            Value::Number(number) => Err(format!(
                "{column}: {} is not an integer; write identifiers as text, so that they stay exact",
                shown(number)
            )),
            other => Err(format!("{column} is {}; an identifier is a text or an integer", other.describe())),
        }
    }

    /// Returns an optional text; `None` if it is empty or a word for "unknown".
    ///
    /// # Errors
    /// The text has more than 500 characters or contains control characters.
    pub fn optional_text(&self, column: &str) -> Result<Option<String>, String> {
        self.known(column)?.map(|text| checked(column, &text)).transpose()
    }

    /// Returns a required text.
    ///
    /// # Errors
    /// The text is empty, has more than 500 characters, or contains control characters.
    pub fn required_text(&self, column: &str) -> Result<String, String> {
        let text = self.text(column)?;
        if text.is_empty() {
            return Err(format!("{column} is empty"));
        }
        checked(column, &text)
    }

    /// Returns a term of at most 64 letters, digits, `-` and `_`, in lower case; `None` if it is empty or a word for
    /// "unknown".
    ///
    /// # Errors
    /// The text is longer or contains other characters.
    pub fn term(&self, column: &str) -> Result<Option<String>, String> {
        let Some(text) = self.known(column)? else { return Ok(None) };
        term(&text)
            .map(Some)
            .ok_or_else(|| format!("{column}: {} must be up to 64 letters, digits, - or _", shown(&text)))
    }

    /// Returns the terms of a list, without duplicates and separated by `|`. In a text the terms are separated by `|`.
    /// An item that is not a term is left out with a warning.
    ///
    /// # Errors
    /// The value is neither a text nor a list.
    pub fn terms(&self, column: &str) -> Result<String, String> {
        let mut terms: Vec<String> = Vec::new();
        let mut add = |item: &str| {
            let item = item.trim();
            match term(item) {
                _ if is_unknown(item) => {}
                Some(term) if terms.contains(&term) => {}
                Some(term) => terms.push(term),
                None => self.warn(format!(
                    "{column}: {} is left out; a term has up to 64 letters, digits, - or _",
                    shown(item)
                )),
            }
        };
        match self.value(column) {
            Value::List(items) => {
                for item in items {
                    match item {
                        Value::Text(text) | Value::Number(text) => add(text),
                        other => self.warn(format!("{column}: an item that is {} is left out", other.describe())),
                    }
                }
            }
            _ => self.text(column)?.split('|').for_each(add),
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

    /// Returns an optional time, in Unix seconds; `None` if it is empty or a word for "unknown".
    ///
    /// # Errors
    /// The text is not an RFC 3339 time of the years 1970 to 2199.
    pub fn optional_time(&self, column: &str) -> Result<Option<i64>, String> {
        let time = self.known(column)?.map(|text| parse_time(&text)).transpose();
        time.map_err(|reason| format!("{column}: {reason}"))
    }

    /// Returns an optional number from `low` to `high`; `None` if it is empty or a word for "unknown" other than `NaN`.
    ///
    /// # Errors
    /// The value is not a number, or the number is out of range.
    pub fn number(&self, column: &str, low: f64, high: f64) -> Result<Option<f64>, String> {
        let text = self.text(column)?;
        let is_not_a_number = text.eq_ignore_ascii_case("nan");
        let text = if is_not_a_number { Some(text) } else { self.known(column)? };
        let Some(text) = text else { return Ok(None) };
        let number: f64 = text.parse().map_err(|_| format!("{column}: {} is not a number", shown(&text)))?;
        if !(low..=high).contains(&number) {
            return Err(format!("{column}: {text} is not between {low} and {high}"));
        }
        Ok(Some(number))
    }

    /// Returns the numbers of all dimension columns, converted from the scale of the file to 0 to 1; `None` where a
    /// column is empty.
    ///
    /// # Errors
    /// As [`Fields::number`].
    pub fn dimensions(&self) -> Result<DimensionMap<Option<f64>>, String> {
        let Scale { low, high } = self.scale.unwrap_or(Scale { low: 0.0, high: 1.0 });
        let mut dimensions = DimensionMap::default();
        for (dimension, value) in dimensions.iter_mut() {
            let column = dimension.column();
            let number = self.number(column, low, high).inspect_err(|_| self.note_value_above_one(column))?;
            *value = number.map(|number| (number - low) / (high - low));
        }
        Ok(dimensions)
    }

    fn note_value_above_one(&self, column: &str) {
        let number = self.text(column).ok().and_then(|text| text.parse::<f64>().ok());
        self.has_value_above_one.set(self.scale.is_none() && number.is_some_and(|number| number > 1.0));
    }

    /// Returns an optional boolean: `true`, `t`, `1`, `yes`, `false`, `f`, `0` or `no` in any case; `None` if it is
    /// empty or a word for "unknown".
    ///
    /// # Errors
    /// The text is something else.
    pub fn boolean(&self, column: &str) -> Result<Option<bool>, String> {
        let Some(text) = self.known(column)? else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "1" | "yes" => Ok(Some(true)),
            "false" | "f" | "0" | "no" => Ok(Some(false)),
            _ => Err(format!("{column}: {} is neither true nor false", shown(&text))),
        }
    }
}

/// A text in quotes, shortened, for a message.
fn shown(text: &str) -> String {
    match text.char_indices().nth(MAX_SHOWN_CHARS) {
        Some((end, _)) => format!("{:?}...", &text[..end]),
        None => format!("{text:?}"),
    }
}

fn checked(column: &str, text: &str) -> Result<String, String> {
    let is_plain = text.len() <= MAX_CHARS && text.bytes().all(|byte| (b' '..0x7f).contains(&byte));
    if is_plain {
        return Ok(text.to_owned());
    }
    if text.chars().count() > MAX_CHARS || text.chars().any(char::is_control) {
        return Err(format!("{column} is longer than {MAX_CHARS} characters or contains control characters"));
    }
    Ok(text.to_owned())
}

/// The term of a text: in lower case, `None` if it is not a term.
#[must_use]
pub fn term(text: &str) -> Option<String> {
    // The rule is about the lower case, which is ASCII for some letters that are not.
    let term = if text.is_ascii() { text.to_ascii_lowercase() } else { text.to_lowercase() };
    let is_allowed = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    let is_term = (1..=64).contains(&term.len()) && term.chars().all(is_allowed);
    is_term.then_some(term)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scale_has_two_numbers_in_order() {
        assert_eq!("1-5".parse(), Ok(Scale { low: 1.0, high: 5.0 }));
        assert_eq!("0-100".parse(), Ok(Scale { low: 0.0, high: 100.0 }));
        for text in ["", "5", "5-1", "1-1", "a-b", "1-", "-1-5", "1-inf"] {
            assert!(text.parse::<Scale>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_identifier_is_exact_or_rejected() {
        let id = |value: Value<'static>| Fields::new(&["agent_id"], &[value], None).id("agent_id");
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        assert_eq!(id(text(" 007 ")), Ok("007".to_owned()));
        assert_eq!(id(text("12345678901234567890123")), Ok("12345678901234567890123".to_owned()));
        for value in [
            text(""),
            text("NULL"),
            text("a\nb"),
            Value::Number(Cow::Borrowed("1.0")),
            Value::Number(Cow::Borrowed("1e21")),
            Value::Boolean(true),
            Value::List(Vec::new()),
            Value::Other("an object"),
        ] {
            assert!(id(value.clone()).is_err(), "{value:?}");
        }
    }
}
