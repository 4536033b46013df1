//! Reads documents: checks limits, parses, validates and normalizes. Price and execution use the same normalized
//! operation.

use async_graphql::{
    Positioned, Variables,
    parser::{
        parse_query,
        types::{DocumentOperations, ExecutableDocument, InlineFragment, OperationType, Selection, SelectionSet},
    },
};

pub mod guard;
mod normal;
mod positions;

pub use normal::{Normal, Selected, normalize};
pub use positions::Inputs;

use crate::{error::Error, schema::Checker};

/// Maximum size of a document, in bytes.
pub const LARGEST: usize = 256 * 1024;

/// Whether a root field is `__schema` or `__type`.
#[must_use]
pub fn is_introspection(field: &str) -> bool {
    field == "__schema" || field == "__type"
}

/// The name of the root type of an operation.
#[must_use]
pub fn root_type(kind: OperationType) -> &'static str {
    if kind == OperationType::Mutation { "Mutation" } else { "Query" }
}

/// Parses, validates and normalizes a document.
///
/// # Errors
/// `DOCUMENT_TOO_LARGE`, `DOCUMENT_TOO_DEEP`, `DOCUMENT_TOO_COMPLEX`, or `INVALID_REQUEST` if the document does not
/// parse or does not match the schema.
pub async fn read(
    text: &str,
    operation_name: Option<&str>,
    variables: Variables,
    checker: &Checker,
) -> Result<Normal, Error> {
    if text.len() > LARGEST {
        return Err(Error::DocumentTooLarge { limit_bytes: LARGEST });
    }
    guard::scan(text)?;
    let document = parse_query(text).map_err(|error| Error::InvalidDocument(vec![error.into()]))?;
    guard::measure(&document)?;
    let checked = || {
        let mut document = document.clone();
        show_typename_directives(&mut document);
        document
    };
    checker.check(checked, operation_name, &variables).await?;
    checker.inputs.check(&document)?;
    let normal = normalize(&document, operation_name, &variables)?;
    normal.check_introspection()?;
    Ok(normal)
}

/// Moves the directives of each `__typename` to an inline fragment around it, which has the same meaning. The
/// validation of async-graphql ignores directives of `__typename`: it would reject a variable that is used only there
/// as unused, and accept one that is not defined.
fn show_typename_directives(document: &mut ExecutableDocument) {
    let operations = match &mut document.operations {
        DocumentOperations::Single(operation) => vec![operation],
        DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
    };
    for operation in operations {
        show_in(&mut operation.node.selection_set.node);
    }
    for fragment in document.fragments.values_mut() {
        show_in(&mut fragment.node.selection_set.node);
    }
}

fn show_in(set: &mut SelectionSet) {
    for selection in &mut set.items {
        match &mut selection.node {
            Selection::Field(field) if field.node.name.node == "__typename" && !field.node.directives.is_empty() => {
                let directives = std::mem::take(&mut field.node.directives);
                let items = vec![Positioned::new(Selection::Field(field.clone()), selection.pos)];
                let selection_set = Positioned::new(SelectionSet { items }, selection.pos);
                let fragment = InlineFragment { type_condition: None, directives, selection_set };
                selection.node = Selection::InlineFragment(Positioned::new(fragment, selection.pos));
            }
            Selection::Field(field) => show_in(&mut field.node.selection_set.node),
            Selection::InlineFragment(fragment) => show_in(&mut fragment.node.selection_set.node),
            Selection::FragmentSpread(_) => {}
        }
    }
}
