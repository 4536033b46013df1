//! Reads a document: checks limits, parses, validates and normalizes. Price and execution use the same normalized
//! operation.

use async_graphql::{
    Positioned, Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, InlineFragment, Selection, SelectionSet},
    },
};

use crate::{Error, NormalizedOperation, Validator, measure::measure, normalize::normalize, scan::scan};

/// Maximum size of a document, in bytes.
pub const MAX_DOCUMENT_BYTES: usize = 256 * 1024;

/// Parses, validates and normalizes a document.
///
/// # Errors
/// [`Error::TooLarge`], [`Error::TooDeep`] or [`Error::TooComplex`] for an exceeded limit, [`Error::InvalidDocument`]
/// or [`Error::InvalidRequest`] if the document does not parse or does not match the schema.
pub async fn read(
    text: &str,
    operation_name: Option<&str>,
    variables: Variables,
    validator: &Validator,
) -> Result<NormalizedOperation, Error> {
    if text.len() > MAX_DOCUMENT_BYTES {
        return Err(Error::TooLarge { limit_bytes: MAX_DOCUMENT_BYTES });
    }
    scan(text)?;
    let document = parse_query(text).map_err(|error| Error::InvalidDocument(vec![error.into()]))?;
    measure(&document)?;
    let validated = || {
        let mut document = document.clone();
        wrap_typename_directives(&mut document);
        document
    };
    validator.validate(validated, operation_name, &variables).await?;
    validator.inputs.check(&document)?;
    let operation = normalize(&document, operation_name, &variables)?;
    operation.check_introspection()?;
    Ok(operation)
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
