//! A value of a row as its file states it, and the words that mean "unknown".

use std::borrow::Cow;

/// A value of a row. A missing value is an empty text.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// A text, or an integer in decimal notation, exactly as in the file.
    Text(Cow<'a, str>),
    /// A boolean.
    Boolean(bool),
    /// A number with a fraction or an exponent. It is not exact, and therefore not an identifier.
    Number(Cow<'a, str>),
    /// A list.
    List(Vec<Value<'a>>),
    /// A value of another type, described for messages, such as "an object".
    Other(&'static str),
}

impl Value<'_> {
    /// A missing value.
    pub const MISSING: Value<'static> = Value::Text(Cow::Borrowed(""));

    /// What the value is, for messages.
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Boolean(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::List(_) => "a list",
            Self::Other(what) => what,
        }
    }
}

/// Texts that programs and people write for a value they do not know, in lower case. `NaN` is one of them, but not in a
/// column of numbers: there it is the result of a computation that failed.
const UNKNOWN: [&str; 22] = [
    "null",
    "nil",
    "none",
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "<na>",
    "nan",
    "nat",
    "unknown",
    "undefined",
    "missing",
    "not available",
    "not specified",
    "(null)",
    "(none)",
    "\\n",
    "-",
    "--",
    "?",
    "#null!",
];

/// Whether a trimmed text means that the value is unknown. An empty text does.
#[must_use]
pub fn is_unknown(text: &str) -> bool {
    text.is_empty() || (text.len() <= 13 && UNKNOWN.iter().any(|word| text.eq_ignore_ascii_case(word)))
}

#[cfg(test)]
mod tests {
    use super::is_unknown;

    #[test]
    fn the_usual_words_for_unknown_are_unknown() {
        for text in ["", "NULL", "n/a", "NaN", "None", "\\N", "Unknown", "<NA>", "-", "not available"] {
            assert!(is_unknown(text), "{text:?}");
        }
        for text in ["north", "nothing", "0", "no", "nana", "unknown-quarter"] {
            assert!(!is_unknown(text), "{text:?}");
        }
    }
}
