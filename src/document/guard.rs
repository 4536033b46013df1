//! Document limits that protect the parser and the validation of async-graphql. Its own limits are not sufficient: 3 KB
//! of brackets overflow its stack and end the process, 900 bytes of nested fragments keep its validation busy for
//! seconds.
//!
//! One pass checks the text before it is parsed, another one the syntax tree before it is validated. Both stop at the
//! first limit that is exceeded, and neither visits a part of the document twice.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};

use super::is_introspection;
use crate::error::Error;

/// Maximum number of tokens in a document.
pub const TOKENS: usize = 10_000;
/// Maximum nesting of brackets in a document.
pub const NESTING: usize = 64;
/// Maximum nesting of brackets in the JSON body around it.
pub const JSON_NESTING: usize = 64;
/// Maximum number of selections after fragments are expanded.
pub const SELECTIONS: usize = 10_000;
/// Maximum nesting of fields.
pub const DEPTH: usize = 16;
/// Maximum nesting of fields below `__schema` and `__type`. Introspection queries of tools are nested deeper than data.
pub const INTROSPECTION_DEPTH: usize = 20;
/// Maximum number of aliases, counted before fragments are expanded.
pub const ALIASES: usize = 100;
/// Maximum number of root fields in an operation.
pub const ROOT_FIELDS: usize = 50;
/// Maximum number of operations in a document.
pub const OPERATIONS: usize = 10;
/// Maximum number of directives, counted before fragments are expanded.
pub const DIRECTIVES: usize = 50;
/// Maximum length of a name, in characters.
pub const NAME: usize = 200;
/// Maximum number of values in the JSON body around a document, most of which are variables.
pub const JSON_VALUES: usize = 20_000;
/// Maximum nesting of selection sets, including those of fragments: the recursion depth of async-graphql's validation.
pub const HEIGHT: usize = 30;

fn too_deep(what: &'static str, limit: usize) -> Error {
    Error::DocumentTooDeep { what, limit }
}

fn too_many(what: &'static str, limit: usize) -> Error {
    Error::DocumentTooComplex { what, limit }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidRequest { message: message.into() }
}

/// Checks the text of a document. Returns the number of bytes visited.
///
/// # Errors
/// [`Error::DocumentTooComplex`] for too many tokens or a name that is too long, [`Error::DocumentTooDeep`] for
/// brackets nested too deeply, [`Error::InvalidRequest`] for an unterminated string.
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
            byte if name(byte) => {
                let end = skip(bytes, at, name);
                if end - at > NAME {
                    return Err(too_many("characters in a name", NAME));
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
        if tokens > TOKENS {
            return Err(too_many("tokens", TOKENS));
        }
        if depth > NESTING {
            return Err(too_deep("levels of nested brackets", NESTING));
        }
    }
    Ok(at)
}

/// Characters of names and numbers.
fn name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn skip(bytes: &[u8], from: usize, of: impl Fn(u8) -> bool) -> usize {
    bytes[from..].iter().position(|byte| !of(*byte)).map_or(bytes.len(), |length| from + length)
}

/// Returns where the string that begins at `from` ends. This must agree with the parser: an unterminated string is
/// rejected, because the parser could read its content as brackets.
fn string(bytes: &[u8], from: usize) -> Result<usize, Error> {
    let unfinished = || invalid("The document ends inside a string.");
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
            Some(b'\n' | b'\r') => return Err(invalid("A string contains an unescaped line break.")),
            Some(_) => at += 1,
            None => return Err(unfinished()),
        }
    }
}

/// Checks a JSON text before it is parsed.
///
/// # Errors
/// [`Error::DocumentTooDeep`] for brackets nested too deeply, [`Error::DocumentTooComplex`] for too many values.
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
                if depth > JSON_NESTING {
                    return Err(too_deep("levels of nested brackets in the JSON body", JSON_NESTING));
                }
            }
            b',' => values += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if values > JSON_VALUES {
            return Err(too_many("values in the JSON body", JSON_VALUES));
        }
    }
    Ok(())
}

/// The size of a selection set after fragments are expanded.
#[derive(Clone, Copy, Default)]
struct Size {
    /// Number of fields and fragments.
    selections: usize,
    /// Number of fields at its first level.
    level: usize,
    depth: usize,
    /// Nesting of selection sets.
    height: usize,
    /// The depth without the fields below `__schema` and `__type`.
    data_depth: usize,
}

/// Checks the syntax tree of a document. Returns the number of selections and directives visited.
///
/// # Errors
/// [`Error::DocumentTooDeep`], [`Error::DocumentTooComplex`], or [`Error::InvalidRequest`] for errors that
/// async-graphql does not report: an unknown, repeated or misplaced directive, arguments of `__typename`, an unknown
/// fragment, a cycle of fragments.
pub fn measure(document: &ExecutableDocument) -> Result<usize, Error> {
    if document.operations.iter().len() > OPERATIONS {
        return Err(too_many("operations", OPERATIONS));
    }
    let mut walk =
        Walk { fragments: &document.fragments, done: HashMap::new(), aliases: 0, directives: 0, looked_at: 0 };
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let variables = operation.variable_definitions.iter().flat_map(|variable| &variable.node.directives);
        nowhere(operation.directives.iter().chain(variables))?;
        let size = walk.set(&operation.selection_set.node, 0)?;
        if size.level > ROOT_FIELDS {
            return Err(too_many("root fields", ROOT_FIELDS));
        }
        if size.data_depth > DEPTH {
            return Err(too_deep("levels of nested fields (20 in an introspection)", DEPTH));
        }
    }
    // Unused fragments are checked too, because async-graphql validates them.
    for (name, fragment) in &document.fragments {
        nowhere(fragment.node.directives.iter())?;
        walk.fragment(name, fragment, 0)?;
    }
    Ok(walk.looked_at)
}

struct Walk<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The size of each visited fragment; `None` while it is being visited.
    done: HashMap<&'a Name, Option<Size>>,
    aliases: usize,
    directives: usize,
    looked_at: usize,
}

impl<'a> Walk<'a> {
    /// Measures a selection set. The recursion is bounded: nested brackets by [`NESTING`], fragments by [`HEIGHT`], and
    /// each fragment is visited once.
    fn set(&mut self, set: &'a SelectionSet, chain: usize) -> Result<Size, Error> {
        let mut size = Size::default();
        for selection in &set.items {
            self.looked_at += 1;
            self.directives(selection.node.directives())?;
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, chain)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, chain)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let known = self.fragments.get_key_value(name);
                    let (name, fragment) =
                        known.ok_or_else(|| invalid(format!("There is no fragment {}.", short(name))))?;
                    self.fragment(name, fragment, chain + 1)?
                }
            };
            size.selections = size.selections.saturating_add(part.selections).saturating_add(1);
            size.level = size.level.saturating_add(part.level);
            size.depth = size.depth.max(part.depth);
            size.height = size.height.max(part.height + 1);
            size.data_depth = size.data_depth.max(part.data_depth);
            if size.selections > SELECTIONS {
                return Err(too_many("selections after fragments are expanded", SELECTIONS));
            }
            if size.height > HEIGHT {
                return Err(too_deep("levels of nested selection sets, fragments included", HEIGHT));
            }
            if size.depth > INTROSPECTION_DEPTH {
                return Err(too_deep("levels of nested fields (20 in an introspection)", DEPTH));
            }
        }
        Ok(size)
    }

    fn field(&mut self, field: &'a Field, chain: usize) -> Result<Size, Error> {
        if field.alias.is_some() {
            self.aliases += 1;
            if self.aliases > ALIASES {
                return Err(too_many("aliases", ALIASES));
            }
        }
        let name = field.name.node.as_str();
        if name == "__typename" && !field.arguments.is_empty() {
            return Err(invalid("__typename takes no arguments."));
        }
        let inner = self.set(&field.selection_set.node, chain)?;
        Ok(Size {
            selections: inner.selections,
            level: 1,
            depth: inner.depth + 1,
            height: inner.height,
            data_depth: if is_introspection(name) { 1 } else { inner.data_depth + 1 },
        })
    }

    fn fragment(
        &mut self,
        name: &'a Name,
        fragment: &'a Positioned<FragmentDefinition>,
        chain: usize,
    ) -> Result<Size, Error> {
        match self.done.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(invalid(format!("The fragment {} forms a cycle.", short(name)))),
            None => {}
        }
        if chain > HEIGHT {
            return Err(too_deep("levels of nested selection sets, fragments included", HEIGHT));
        }
        self.done.insert(name, None);
        let size = self.set(&fragment.node.selection_set.node, chain)?;
        self.done.insert(name, Some(size));
        Ok(size)
    }

    /// Checks directives. A selection may have `@skip(if:)` and `@include(if:)`, each at most once, and no others.
    fn directives(&mut self, directives: &'a [Positioned<Directive>]) -> Result<(), Error> {
        self.directives += directives.len();
        self.looked_at += directives.len();
        if self.directives > DIRECTIVES {
            return Err(too_many("directives", DIRECTIVES));
        }
        for (number, directive) in directives.iter().enumerate() {
            let name = directive.node.name.node.as_str();
            if name != "skip" && name != "include" {
                return Err(invalid(format!("The directive @{} is not allowed here.", short(name))));
            }
            if !matches!(directive.node.arguments.as_slice(), [(argument, _)] if argument.node == "if") {
                return Err(invalid(format!("@{name} takes exactly one argument, `if`.")));
            }
            if directives[..number].iter().any(|other| other.node.name.node == name) {
                return Err(invalid(format!("@{name} is repeated on one selection.")));
            }
        }
        Ok(())
    }
}

/// Rejects directives on operations, variables and fragment definitions, where none is allowed.
fn nowhere<'a>(mut directives: impl Iterator<Item = &'a Positioned<Directive>>) -> Result<(), Error> {
    directives.next().map_or(Ok(()), |directive| {
        Err(invalid(format!("The directive @{} is not allowed here.", short(&directive.node.name.node))))
    })
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;

    fn code(text: &str) -> &'static str {
        let checked = scan(text).and_then(|_| measure(&parse_query(text).unwrap()));
        checked.err().map_or("none", |error| error.code())
    }

    #[test]
    fn brackets_in_strings_and_comments_are_text() {
        for text in [r#"{ a(b: "[[[[") }"#, "{ a } # [[[[", r#"{ a(b: """ [[[ \""" [[[ """) }"#, r#"{ a(b: "\"[[[") }"#]
        {
            let deep = text.replace("[[[", &"[".repeat(1_000));
            assert!(scan(&deep).is_ok(), "{text}");
        }
        for text in ["{ a(b: \"", "{ a(b: \"\"\" x", "{ a(b: \"\\", "{ a(b: \"x\ny\") }"] {
            assert_eq!(scan(text).unwrap_err().code(), "INVALID_REQUEST", "{text}");
        }
    }

    #[test]
    fn each_limit_has_its_code() {
        assert_eq!(code(&format!("{{ f(a: {}{}) }}", "[".repeat(63), "]".repeat(63))), "DOCUMENT_TOO_DEEP");
        assert_eq!(code(&format!("{}x{}", "{ a ".repeat(17), "}".repeat(17))), "DOCUMENT_TOO_DEEP");
        assert_eq!(code(&"{ a }".replace('a', &"a ".repeat(10_000))), "DOCUMENT_TOO_COMPLEX");
        let aliases = (0..101).map(|number| format!("a{number}: b")).collect::<Vec<_>>().join(" ");
        assert_eq!(code(&format!("{{ c {{ {aliases} }} }}")), "DOCUMENT_TOO_COMPLEX");
        assert_eq!(code(&format!("{{ {} }}", "a".repeat(201))), "DOCUMENT_TOO_COMPLEX");
        assert_eq!(
            scan_json(format!("[{}1]", "1,".repeat(20_000)).as_bytes()).unwrap_err().code(),
            "DOCUMENT_TOO_COMPLEX"
        );
        let roots = |number: usize| format!("{{ {} }}", "b ".repeat(number));
        assert_eq!((code(&roots(50)), code(&roots(51))), ("none", "DOCUMENT_TOO_COMPLEX"));
        let operations = (0..11).map(|number| format!("query q{number} {{ a }}")).collect::<Vec<_>>().join(" ");
        assert_eq!(code(&operations), "DOCUMENT_TOO_COMPLEX");
        assert_eq!(code(&format!("{{ a {} }}", "@skip(if: true) ".repeat(51))), "DOCUMENT_TOO_COMPLEX");
        for text in [
            "{ a @skip(if: true) @skip(if: true) }",
            "{ __typename @nonsense }",
            "{ __typename(a: 1) }",
            "query @skip(if: true) { a }",
            "query ($a: Int @skip(if: true)) { a }",
            "{ a @skip }",
            "{ a @skip(unless: true) }",
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }",
            "{ ...a }",
        ] {
            assert_eq!(code(text), "INVALID_REQUEST", "{text}");
        }
    }

    /// Introspection queries of tools are nested deeper than queries for data.
    #[test]
    fn introspection_may_be_deeper_than_data() {
        let below =
            |root: &str, depth: usize| format!("{{ {root} {{ {}x{} }} }}", "a { ".repeat(depth), "}".repeat(depth));
        assert_eq!(code(&below("__schema", 17)), "none");
        assert_eq!(code(&below("__schema", 19)), "DOCUMENT_TOO_DEEP");
        assert_eq!(code(&below("segment", 14)), "none");
        assert_eq!(code(&below("segment", 15)), "DOCUMENT_TOO_DEEP");
    }

    /// A document in which each fragment spreads the next one twice: 2^n selections with n fragments.
    fn bomb(levels: usize) -> String {
        let mut text = "{ a { ...f0 } }".to_owned();
        for level in 0..levels {
            let _ = write!(text, " fragment f{level} on Query {{ ...f{} ...f{} }}", level + 1, level + 1);
        }
        let _ = write!(text, " fragment f{levels} on Query {{ __typename }}");
        text
    }

    /// Counts visited parts instead of time: a document of twice the size takes at most twice the work.
    #[test]
    fn the_work_is_linear_in_the_document() {
        assert_eq!(code(&bomb(22)), "DOCUMENT_TOO_COMPLEX");
        let work = |text: &str| measure(&parse_query(text).unwrap()).map(|looked_at| looked_at as f64);
        let (small, large) = (work(&bomb(5)).unwrap(), work(&bomb(10)).unwrap());
        assert!(large <= 2.0 * small, "{small} {large}");
        let wide = |fields: usize| format!("{{ a {{ {} }} }}", "b @skip(if: $x) { c } ".repeat(fields));
        assert!(work(&wide(40)).unwrap() <= 2.0 * work(&wide(20)).unwrap() + 1.0);
        for text in [wide(5_000), "[".repeat(100_000), "\"".repeat(99_999), bomb(500), "{a".repeat(50_000)] {
            let looked_at = scan(&text).unwrap_or(0);
            assert!(looked_at <= text.len(), "{} of {}", looked_at, text.len());
        }
    }
}
