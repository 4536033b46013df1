//! Limits that are checked on the text of a document or a JSON body before it is parsed. One pass stops at the first
//! limit that is exceeded.

use crate::Error;

/// Maximum number of tokens in a document.
pub const MAX_TOKENS: usize = 10_000;
/// Maximum nesting of brackets in a document.
pub const MAX_NESTING: usize = 64;
/// Maximum nesting of brackets in the JSON body around it.
pub const MAX_JSON_NESTING: usize = 64;
/// Maximum length of a name, in bytes.
pub const MAX_NAME_BYTES: usize = 200;
/// Maximum number of values in the JSON body around a document, most of which are variables.
pub const MAX_JSON_VALUES: usize = 20_000;

pub(crate) fn too_deep(what: &'static str, limit: usize) -> Error {
    Error::TooDeep { what, limit }
}

pub(crate) fn too_complex(what: &'static str, limit: usize) -> Error {
    Error::TooComplex { what, limit }
}

/// Checks the text of a document. Returns the number of bytes visited.
///
/// # Errors
/// [`Error::TooComplex`] for too many tokens or a name that is too long, [`Error::TooDeep`] for brackets nested too
/// deeply, [`Error::InvalidDocument`] for an unterminated string.
pub fn scan(text: &str) -> Result<usize, Error> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut depth) = (0, 0, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let from = at;
        at = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = skip(bytes, at, |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string(bytes, at)?,
            byte if is_name(byte) => {
                let end = skip(bytes, at, is_name);
                if end - at > MAX_NAME_BYTES {
                    return Err(too_complex("characters in a name", MAX_NAME_BYTES));
                }
                end
            }
            b'{' | b'[' | b'(' => {
                depth += 1;
                at + 1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                at + 1
            }
            _ => at + 1,
        };
        debug_assert!(at > from);
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(too_complex("tokens", MAX_TOKENS));
        }
        if depth > MAX_NESTING {
            return Err(too_deep("levels of nested brackets", MAX_NESTING));
        }
    }
    Ok(at)
}

/// Characters of names and numbers.
fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

pub(crate) fn skip(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|byte| !of(*byte)).map_or(bytes.len(), |length| from + length)
}

/// Returns where the string that begins at `from` ends. This must agree with the parser: an unterminated string is
/// rejected, because the parser could read its content as brackets.
pub(crate) fn string(bytes: &[u8], from: usize) -> Result<usize, Error> {
    let unfinished = || Error::invalid("The document ends inside a string.");
    let mut at;
    if bytes[from..].starts_with(b"\"\"\"") {
        at = from + 3;
        loop {
            let rest = bytes.get(at..).filter(|rest| !rest.is_empty()).ok_or_else(unfinished)?;
            if rest.starts_with(b"\"\"\"") {
                return Ok(at + 3);
            }
            at += if rest.starts_with(b"\\\"\"\"") { 4 } else { 1 };
        }
    }
    at = from + 1;
    loop {
        match bytes.get(at) {
            Some(b'"') => return Ok(at + 1),
            Some(b'\\') => at += 2,
            Some(b'\n' | b'\r') => return Err(Error::invalid("A string contains an unescaped line break.")),
            Some(_) => at += 1,
            None => return Err(unfinished()),
        }
    }
}

/// Checks a JSON text before it is parsed.
///
/// # Errors
/// [`Error::TooDeep`] for brackets nested too deeply, [`Error::TooComplex`] for too many values.
pub fn scan_json(bytes: &[u8]) -> Result<(), Error> {
    let (mut at, mut depth, mut values) = (0, 0_usize, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => {
                while let Some(&byte) = bytes.get(at) {
                    at += if byte == b'\\' { 2 } else { 1 };
                    if byte == b'"' {
                        break;
                    }
                }
            }
            b'{' | b'[' => {
                depth += 1;
                values += 1;
                if depth > MAX_JSON_NESTING {
                    return Err(too_deep("levels of nested brackets in the JSON body", MAX_JSON_NESTING));
                }
            }
            b',' => values += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if values > MAX_JSON_VALUES {
            return Err(too_complex("values in the JSON body", MAX_JSON_VALUES));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        for text in [r#"{ a(b: "[[[[") }"#, "{ a } # [[[[", r#"{ a(b: """ [[[ \""" [[[ """) }"#, r#"{ a(b: "\"[[[") }"#]
        {
            let deep = text.replace("[[[", &"[".repeat(1_000));
            assert!(scan(&deep).is_ok(), "{text}");
        }
        for text in ["{ a(b: \"", "{ a(b: \"\"\" x", "{ a(b: \"\\", "{ a(b: \"x\ny\") }"] {
            assert_eq!(scan(text).unwrap_err().variant(), "InvalidDocument", "{text}");
        }
    }

    #[test]
    fn a_json_body_has_a_maximum_number_of_values() {
        let body = format!("[{}1]", "1,".repeat(20_000));
        assert_eq!(scan_json(body.as_bytes()).unwrap_err().variant(), "TooComplex");
    }
}
