//! Rewrites what the parser of async-graphql does not know into what it knows: descriptions of operations, fragments
//! and variables (specification of September 2025), and Unicode escapes outside the basic plane.

use std::borrow::Cow;

use crate::{Error, scan};

/// Returns a document of the same meaning that the parser accepts. Descriptions become spaces, so that positions stay
/// the same. `text` must have passed [`scan::scan`].
///
/// # Errors
/// [`Error::InvalidDocument`] for an escape that denotes no Unicode character.
pub(crate) fn rewrite(text: &str) -> Result<Cow<'_, str>, Error> {
    if !text.contains('"') {
        return Ok(Cow::Borrowed(text));
    }
    let strings = strings(text)?;
    let mut rewritten = String::with_capacity(text.len());
    let mut end = 0;
    for (index, string) in strings.iter().enumerate() {
        rewritten.push_str(&text[end..string.from]);
        let content = &text[string.from..string.to];
        if is_description(text, &strings, index) {
            rewritten.extend(content.chars().map(|character| if character == '\n' { '\n' } else { ' ' }));
        } else if string.is_block {
            rewritten.push_str(content);
        } else {
            push_escaped(&mut rewritten, content)?;
        }
        end = string.to;
    }
    rewritten.push_str(&text[end..]);
    Ok(Cow::Owned(rewritten))
}

/// A string literal: its bytes in the text, the tokens around it, and its nesting.
struct StringToken {
    from: usize,
    to: usize,
    is_block: bool,
    /// The last byte of the token before it; `None` at the start of the document.
    before: Option<u8>,
    /// The number of open braces and of open parentheses and brackets.
    braces: usize,
    parentheses: usize,
}

/// The string literals of a document.
fn strings(text: &str) -> Result<Vec<StringToken>, Error> {
    let bytes = text.as_bytes();
    let (mut at, mut before, mut braces, mut parentheses) = (0, None, 0_usize, 0_usize);
    let mut strings = Vec::new();
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => at += 1,
            b'#' => at = scan::skip(bytes, at, |byte| byte != b'\n' && byte != b'\r'),
            b'"' => {
                let (from, to) = (at, scan::string(bytes, at)?);
                let is_block = bytes[from..].starts_with(b"\"\"\"");
                strings.push(StringToken { from, to, is_block, before, braces, parentheses });
                (at, before) = (to, Some(byte));
            }
            _ => {
                match byte {
                    b'{' => braces += 1,
                    b'}' => braces = braces.saturating_sub(1),
                    b'(' | b'[' => parentheses += 1,
                    b')' | b']' => parentheses = parentheses.saturating_sub(1),
                    _ => {}
                }
                // A byte order mark is ignored between tokens.
                if !bytes[at..].starts_with("\u{feff}".as_bytes()) {
                    before = Some(byte);
                }
                at += text[at..].chars().next().map_or(1, char::len_utf8);
            }
        }
    }
    Ok(strings)
}

/// Whether a string describes an operation or a fragment (it stands between definitions, before a keyword), or a
/// variable (it stands in the parentheses of an operation, before `$`, and is not a default value).
fn is_description(text: &str, strings: &[StringToken], index: usize) -> bool {
    let string = &strings[index];
    let after = &text[string.to..];
    let after = skip_ignored(after);
    if string.braces > 0 {
        return false;
    }
    match string.parentheses {
        0 => {
            let keywords = ["query", "mutation", "subscription", "fragment"];
            string.before.is_none_or(|before| before == b'}') && keywords.iter().any(|word| after.starts_with(word))
        }
        1 => string.before.is_some_and(|before| before != b'=' && before != b':') && after.starts_with('$'),
        _ => false,
    }
}

fn skip_ignored(mut text: &str) -> &str {
    loop {
        text = text.trim_start_matches([' ', '\t', '\r', '\n', ',', '\u{feff}']);
        let Some(comment) = text.strip_prefix('#') else { return text };
        text = comment.trim_start_matches(|character| character != '\n' && character != '\r');
    }
}

/// Adds a string literal. Escapes of surrogate pairs, and escapes in braces, become the character itself.
fn push_escaped(into: &mut String, literal: &str) -> Result<(), Error> {
    let invalid = || Error::invalid("A string contains an escape that denotes no Unicode character.");
    let mut rest = literal;
    while let Some(at) = rest.find('\\') {
        into.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(escape) = rest.strip_prefix("\\u") else {
            let end = rest.char_indices().nth(2).map_or(rest.len(), |(end, _)| end);
            into.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        };
        let (code, after) = if let Some(braced) = escape.strip_prefix('{') {
            let (digits, after) = braced.split_once('}').ok_or_else(invalid)?;
            (hex(digits).ok_or_else(invalid)?, after)
        } else {
            let high = escape.get(..4).and_then(hex).ok_or_else(invalid)?;
            let low = escape[4..].strip_prefix("\\u").and_then(|low| low.get(..4)).and_then(hex);
            match low.filter(|low| (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(low)) {
                Some(low) => (0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00), &escape[10..]),
                None => (high, &escape[4..]),
            }
        };
        let character = char::from_u32(code).ok_or_else(invalid)?;
        if code < 0x1_0000 {
            // Writing to a string cannot fail.
            let _ = std::fmt::Write::write_fmt(into, format_args!("\\u{code:04x}"));
        } else {
            into.push(character);
        }
        rest = after;
    }
    into.push_str(rest);
    Ok(())
}

fn hex(digits: &str) -> Option<u32> {
    let is_hex = (1..=6).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn descriptions_become_spaces_and_other_strings_stay() {
        for (text, expected) in [
            ("\"d\" query Q { a }", "    query Q { a }"),
            ("\"\"\"d\nd\"\"\" query Q { a }", "    \n     query Q { a }"),
            ("{ a } \"d\" fragment F on T { a }", "{ a }     fragment F on T { a }"),
            ("query Q(\"d\" $a: Int, \"d\" $b: Int) { a }", "query Q(    $a: Int,     $b: Int) { a }"),
            (
                "query Q($a: String = \"x\" $b: Int) { a(b: \"x\") }",
                "query Q($a: String = \"x\" $b: Int) { a(b: \"x\") }",
            ),
            ("{ a(b: \"query\" c: \"x\") }", "{ a(b: \"query\" c: \"x\") }"),
            ("# \"d\"\n\"d\" # x\nquery { a }", "# \"d\"\n    # x\nquery { a }"),
        ] {
            let rewritten = rewrite(text).unwrap();
            assert_eq!(rewritten, expected);
            assert!(parse_query(rewritten).is_ok(), "{text}");
        }
        assert_eq!(rewrite("\"d\" { a }").unwrap(), "\"d\" { a }", "a shorthand has no description");
    }

    #[test]
    fn escapes_denote_characters_of_all_planes() {
        for (text, expected) in [
            (r#"{ a(b: "\uD83D\uDE00!") }"#, "{ a(b: \"\u{1f600}!\") }"),
            (r#"{ a(b: "\u{1F600}\u{41}") }"#, "{ a(b: \"\u{1f600}\\u0041\") }"),
            (r#"{ a(b: "\\uD83D \u00e9 \"") }"#, r#"{ a(b: "\\uD83D \u00e9 \"") }"#),
            (r#"{ a(b: """\uD83D""") }"#, r#"{ a(b: """\uD83D""") }"#),
        ] {
            assert_eq!(rewrite(text).unwrap(), expected);
        }
        for text in
            [r#"{ a(b: "\uD83D") }"#, r#"{ a(b: "\uDE00\uD83D") }"#, r#"{ a(b: "\u{110000}") }"#, r#"{ a(b: "\u12") }"#]
        {
            assert!(rewrite(text).is_err(), "{text}");
        }
    }
}
