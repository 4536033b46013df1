//! Limits that are checked on the syntax tree of a document before it is validated. Fragments are measured once, so the
//! work is linear in the size of the document.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned,
    parser::types::{Directive, ExecutableDocument, Field, FragmentDefinition, Selection, SelectionSet},
};

use crate::{
    Error, is_introspection,
    scan::{too_complex, too_deep},
};

/// Maximum number of selections after fragments are expanded.
pub const MAX_SELECTIONS: usize = 10_000;
/// Maximum nesting of fields.
pub const MAX_DEPTH: usize = 16;
/// Maximum nesting of fields below `__schema` and `__type`. Introspection queries of tools are nested deeper than data.
pub const MAX_INTROSPECTION_DEPTH: usize = 20;
/// Maximum number of aliases, counted before fragments are expanded.
pub const MAX_ALIASES: usize = 100;
/// Maximum number of root fields in an operation.
pub const MAX_ROOT_FIELDS: usize = 50;
/// Maximum number of operations in a document.
pub const MAX_OPERATIONS: usize = 10;
/// Maximum number of directives, counted before fragments are expanded.
pub const MAX_DIRECTIVES: usize = 50;
/// Maximum nesting of selection sets, including those of fragments: the recursion depth of async-graphql's validation.
pub const MAX_HEIGHT: usize = 30;

/// The size of a selection set after fragments are expanded.
#[derive(Clone, Copy, Default)]
struct SelectionSize {
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
/// [`Error::TooDeep`], [`Error::TooComplex`], or [`Error::InvalidDocument`] for errors that async-graphql does not
/// report: an unknown, repeated or misplaced directive, arguments of `__typename`, an unknown fragment, a cycle of
/// fragments.
pub fn measure(document: &ExecutableDocument) -> Result<usize, Error> {
    if document.operations.iter().len() > MAX_OPERATIONS {
        return Err(too_complex("operations", MAX_OPERATIONS));
    }
    let mut measurement =
        Measurement { fragments: &document.fragments, done: HashMap::new(), aliases: 0, directives: 0, visited: 0 };
    for (_, operation) in document.operations.iter() {
        let operation = &operation.node;
        let variables = operation.variable_definitions.iter().flat_map(|variable| &variable.node.directives);
        reject_all(operation.directives.iter().chain(variables))?;
        let size = measurement.set(&operation.selection_set.node, 0)?;
        if size.level > MAX_ROOT_FIELDS {
            return Err(too_complex("root fields", MAX_ROOT_FIELDS));
        }
        if size.data_depth > MAX_DEPTH {
            return Err(too_deep("levels of nested fields (20 in an introspection)", MAX_DEPTH));
        }
    }
    // Unused fragments are checked too, because async-graphql validates them.
    for (name, fragment) in &document.fragments {
        reject_all(fragment.node.directives.iter())?;
        measurement.fragment(name, fragment, 0)?;
    }
    Ok(measurement.visited)
}

struct Measurement<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// The size of each visited fragment; `None` while it is being visited.
    done: HashMap<&'a Name, Option<SelectionSize>>,
    aliases: usize,
    directives: usize,
    visited: usize,
}

impl<'a> Measurement<'a> {
    /// Measures a selection set. The recursion is bounded: nested brackets by [`crate::scan::MAX_NESTING`], fragments
    /// by [`MAX_HEIGHT`], and each fragment is visited once.
    fn set(&mut self, set: &'a SelectionSet, chain: usize) -> Result<SelectionSize, Error> {
        let mut size = SelectionSize::default();
        for selection in &set.items {
            self.visited += 1;
            self.directives(selection.node.directives())?;
            let part = match &selection.node {
                Selection::Field(field) => self.field(field, chain)?,
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, chain)?,
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let known = self.fragments.get_key_value(name);
                    let missing =
                        || Error::invalid_at(format!("There is no fragment {}.", truncated(name)), spread.pos);
                    let (name, fragment) = known.ok_or_else(missing)?;
                    self.fragment(name, fragment, chain + 1)?
                }
            };
            size.selections = size.selections.saturating_add(part.selections).saturating_add(1);
            size.level = size.level.saturating_add(part.level);
            size.depth = size.depth.max(part.depth);
            size.height = size.height.max(part.height + 1);
            size.data_depth = size.data_depth.max(part.data_depth);
            if size.selections > MAX_SELECTIONS {
                return Err(too_complex("selections after fragments are expanded", MAX_SELECTIONS));
            }
            if size.height > MAX_HEIGHT {
                return Err(too_deep("levels of nested selection sets, fragments included", MAX_HEIGHT));
            }
            if size.depth > MAX_INTROSPECTION_DEPTH {
                return Err(too_deep("levels of nested fields (20 in an introspection)", MAX_DEPTH));
            }
        }
        Ok(size)
    }

    fn field(&mut self, field: &'a Positioned<Field>, chain: usize) -> Result<SelectionSize, Error> {
        let (field, position) = (&field.node, field.pos);
        if field.alias.is_some() {
            self.aliases += 1;
            if self.aliases > MAX_ALIASES {
                return Err(too_complex("aliases", MAX_ALIASES));
            }
        }
        let name = field.name.node.as_str();
        if name == "__typename" && !field.arguments.is_empty() {
            return Err(Error::invalid_at("__typename takes no arguments.", position));
        }
        if name == "__typename" && !field.selection_set.node.items.is_empty() {
            return Err(Error::invalid_at("__typename is a text and has no selection set.", position));
        }
        let inner = self.set(&field.selection_set.node, chain)?;
        Ok(SelectionSize {
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
    ) -> Result<SelectionSize, Error> {
        match self.done.get(name) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => {
                let message = format!("The fragment {} forms a cycle.", truncated(name));
                return Err(Error::invalid_at(message, fragment.pos));
            }
            None => {}
        }
        if chain > MAX_HEIGHT {
            return Err(too_deep("levels of nested selection sets, fragments included", MAX_HEIGHT));
        }
        self.done.insert(name, None);
        let size = self.set(&fragment.node.selection_set.node, chain)?;
        self.done.insert(name, Some(size));
        Ok(size)
    }

    /// Checks directives. A selection may have `@skip(if:)` and `@include(if:)`, each at most once, and no others.
    fn directives(&mut self, directives: &'a [Positioned<Directive>]) -> Result<(), Error> {
        self.directives += directives.len();
        self.visited += directives.len();
        if self.directives > MAX_DIRECTIVES {
            return Err(too_complex("directives", MAX_DIRECTIVES));
        }
        for (number, directive) in directives.iter().enumerate() {
            let name = directive.node.name.node.as_str();
            if name != "skip" && name != "include" {
                let message = format!("The directive @{} is not allowed here.", truncated(name));
                return Err(Error::invalid_at(message, directive.pos));
            }
            if !matches!(directive.node.arguments.as_slice(), [(argument, _)] if argument.node == "if") {
                return Err(Error::invalid_at(format!("@{name} takes exactly one argument, `if`."), directive.pos));
            }
            if directives[..number].iter().any(|other| other.node.name.node == name) {
                return Err(Error::invalid_at(format!("@{name} is repeated on one selection."), directive.pos));
            }
        }
        Ok(())
    }
}

/// Rejects directives on operations, variables and fragment definitions, where none is allowed.
fn reject_all<'a>(mut directives: impl Iterator<Item = &'a Positioned<Directive>>) -> Result<(), Error> {
    directives.next().map_or(Ok(()), |directive| {
        let message = format!("The directive @{} is not allowed here.", truncated(&directive.node.name.node));
        Err(Error::invalid_at(message, directive.pos))
    })
}

fn truncated(text: &str) -> String {
    text.chars().take(60).collect()
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use async_graphql::parser::parse_query;

    use super::*;
    use crate::scan::scan;

    fn variant(text: &str) -> &'static str {
        let checked = scan(text).and_then(|_| measure(&parse_query(text).unwrap()));
        checked.err().map_or("none", |error| error.variant())
    }

    #[test]
    fn each_limit_has_its_error() {
        assert_eq!(variant(&format!("{{ f(a: {}{}) }}", "[".repeat(63), "]".repeat(63))), "TooDeep");
        assert_eq!(variant(&format!("{}x{}", "{ a ".repeat(17), "}".repeat(17))), "TooDeep");
        assert_eq!(variant(&"{ a }".replace('a', &"a ".repeat(10_000))), "TooComplex");
        let aliases = (0..101).map(|number| format!("a{number}: b")).collect::<Vec<_>>().join(" ");
        assert_eq!(variant(&format!("{{ c {{ {aliases} }} }}")), "TooComplex");
        assert_eq!(variant(&format!("{{ {} }}", "a".repeat(201))), "TooComplex");
        let roots = |number: usize| format!("{{ {} }}", "b ".repeat(number));
        assert_eq!((variant(&roots(50)), variant(&roots(51))), ("none", "TooComplex"));
        let operations = (0..11).map(|number| format!("query q{number} {{ a }}")).collect::<Vec<_>>().join(" ");
        assert_eq!(variant(&operations), "TooComplex");
        assert_eq!(variant(&format!("{{ a {} }}", "@skip(if: true) ".repeat(51))), "TooComplex");
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
            "{ __typename { a } }",
        ] {
            assert_eq!(variant(text), "InvalidDocument", "{text}");
        }
    }

    /// Introspection queries of tools are nested deeper than queries for data.
    #[test]
    fn introspection_may_be_deeper_than_data() {
        let below =
            |root: &str, depth: usize| format!("{{ {root} {{ {}x{} }} }}", "a { ".repeat(depth), "}".repeat(depth));
        assert_eq!(variant(&below("__schema", 17)), "none");
        assert_eq!(variant(&below("__schema", 19)), "TooDeep");
        assert_eq!(variant(&below("segment", 14)), "none");
        assert_eq!(variant(&below("segment", 15)), "TooDeep");
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
        assert_eq!(variant(&bomb(22)), "TooComplex");
        let work = |text: &str| measure(&parse_query(text).unwrap()).map(|visited| visited as f64);
        let (small, large) = (work(&bomb(5)).unwrap(), work(&bomb(10)).unwrap());
        assert!(large <= 2.0 * small, "{small} {large}");
        let wide = |fields: usize| format!("{{ a {{ {} }} }}", "b @skip(if: $x) { c } ".repeat(fields));
        assert!(work(&wide(40)).unwrap() <= 2.0 * work(&wide(20)).unwrap() + 1.0);
        for text in [wide(5_000), "[".repeat(100_000), "\"".repeat(99_999), bomb(500), "{a".repeat(50_000)] {
            let visited = scan(&text).unwrap_or(0);
            assert!(visited <= text.len(), "{} of {}", visited, text.len());
        }
    }
}
