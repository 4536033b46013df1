//! Reads a document: checks limits, parses, validates and normalizes. Price and execution use the same normalized
//! operation.

use async_graphql::{
    Pos, Positioned, Value, Variables,
    parser::{
        self, parse_query,
        types::{DocumentOperations, ExecutableDocument, InlineFragment, Selection, SelectionSet},
    },
};

use crate::{
    Error, NormalizedOperation, Validator, compatible::rewrite, measure::measure, normalize::normalize, scan::scan,
};

/// Maximum size of a document, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;
/// Maximum length of a token in a message, in characters.
const MAX_TOKEN_CHARS: usize = 40;
/// The limit below which a number with fractions represents every integer exactly: 2^53.
const MAX_EXACT: f64 = 9_007_199_254_740_992.0;

/// Parses, validates and normalizes a document.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::TooDeep`] or [`Error::TooComplex`] for an exceeded limit, [`Error::InvalidDocument`]
/// if the document does not parse, does not match the schema, or cannot be executed with this name and these variables.
pub async fn read(
    text: &str,
    operation_name: Option<&str>,
    variables: Variables,
    validator: &Validator,
) -> Result<NormalizedOperation, Error> {
    let variables = integers(variables);
    let document = parse_and_validate(text, operation_name, &variables, validator).await?;
    let operation = normalize(&document, operation_name, &variables)?;
    operation.check_introspection()?;
    Ok(operation)
}

/// Checks a document before any request sends it: limits, parser and validation, without values for its variables.
///
/// # Errors
/// As [`read`], except for errors of variables.
pub async fn check(text: &str, validator: &Validator) -> Result<(), Error> {
    parse_and_validate(text, None, &Variables::default(), validator).await.map(drop)
}

async fn parse_and_validate(
    text: &str,
    operation_name: Option<&str>,
    variables: &Variables,
    validator: &Validator,
) -> Result<ExecutableDocument, Error> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(Error::TooLarge { limit_bytes: MAX_DOCUMENT_BYTES });
    }
    scan(text)?;
    let text = rewrite(text)?;
    let document = parse_query(&text).map_err(|error| syntax_error(&text, &error))?;
    measure(&document)?;
    let validated = || {
        let mut document = document.clone();
        wrap_typename_directives(&mut document);
        document
    };
    let validated = validator.validate(validated, operation_name, variables).await;
    validated.map_err(|error| name_conflicts(&text, error))?;
    validator.inputs.check(&document)?;
    Ok(document)
}

/// Replaces the message about conflicting arguments, which names an argument instead of the field.
fn name_conflicts(text: &str, error: Error) -> Error {
    let Error::InvalidDocument(mut errors) = error else { return error };
    for error in &mut errors {
        if let Some(position) = error.locations.last()
            && error.message.contains("conflict because they have differing arguments")
        {
            let key = token_at(text, *position);
            error.message =
                format!("The fields with the response key {key} have different arguments: give one of them an alias.");
        }
    }
    Error::InvalidDocument(errors)
}

/// The name, or the single character, at a position.
fn token_at(text: &str, position: Pos) -> &str {
    let line = text.lines().nth(position.line.saturating_sub(1)).unwrap_or_default();
    let rest = line.char_indices().nth(position.column.saturating_sub(1)).map_or("", |(at, _)| &line[at..]);
    let is_of_name = |character: char| character.is_alphanumeric() || character == '_';
    let end = rest.find(|character| !is_of_name(character)).unwrap_or(rest.len());
    &rest[..if end == 0 { rest.chars().next().map_or(0, char::len_utf8) } else { end }]
}

/// The error of the parser, in words for the author of the document: what stands where it stopped.
fn syntax_error(text: &str, error: &parser::Error) -> Error {
    let parser::Error::Syntax { start, .. } = error else {
        return Error::InvalidDocument(vec![error.clone().into()]);
    };
    let found = match token_at(text, *start) {
        "" => "the end of a line or of the document".to_owned(),
        token => format!("`{}`", token.chars().take(MAX_TOKEN_CHARS).collect::<String>()),
    };
    Error::invalid_at(format!("Syntax error: {found} is not expected here."), *start)
}

/// Converts numbers such as `1.0`, as some JSON libraries write integers, to integers. A variable of a type with
/// fractions accepts both.
fn integers(mut variables: Variables) -> Variables {
    variables.values_mut().for_each(to_integer);
    variables
}

fn to_integer(value: &mut Value) {
    match value {
        Value::Number(number) => {
            let whole = number.as_f64().filter(|whole| number.is_f64() && whole.fract() == 0.0);
            #[expect(clippy::cast_possible_truncation, reason = "below 2^53")]
            if let Some(whole) = whole.filter(|whole| whole.abs() < MAX_EXACT) {
                *number = (whole as i64).into();
            }
        }
        Value::List(items) => items.iter_mut().for_each(to_integer),
        Value::Object(fields) => fields.values_mut().for_each(to_integer),
        _ => {}
    }
}

/// Moves the directives of each `__typename` to an inline fragment around it, which has the same meaning. The
/// validation of async-graphql ignores directives of `__typename`: it would reject a variable that is used only there
/// as unused, and accept one that is not defined.
fn wrap_typename_directives(document: &mut ExecutableDocument) {
    let operations = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        wrap_in(&mut operation.node.selection_set.node);
    }
    for fragment in document.fragments.values_mut() {
        wrap_in(&mut fragment.node.selection_set.node);
    }
}

fn wrap_in(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" && !field.node.directives.is_empty() => {
                let directives = std::mem::take(&mut field.node.directives);
                let items = vec![Positioned::new(Selection::Field(field.clone()), selection.pos)];
                let selection_set = Positioned::new(SelectionSet { items }, selection.pos);
                let fragment = InlineFragment { type_condition: None, directives, selection_set };
                selection.node = Selection::InlineFragment(Positioned::new(fragment, selection.pos));
            }
            Selection::Field(field) => wrap_in(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => wrap_in(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}
