//! Text -> guarded, validated, in normal form: what is priced is what runs.

use async_graphql::{Request, Variables, parser::parse_query};

pub mod guard;
mod normal;

pub use normal::{Normal, Selected, normalize};

use crate::{error::Error, schema::Checker};

/// Reads a document.
///
/// # Errors
/// `DOCUMENT_TOO_DEEP`, `DOCUMENT_TOO_COMPLEX`, or `INVALID_REQUEST` for what does not parse or fit the schema.
pub async fn read(
    text: &str,
    operation_name: Option<&str>,
    variables: Variables,
    checker: &Checker,
) -> Result<Normal, Error> {
    guard::scan(text)?;
    let document = parse_query(text).map_err(|error| Error::InvalidDocument(vec![error.into()]))?;
    guard::measure(&document)?;
    let mut request = Request::new("").variables(variables.clone());
    if let Some(name) = operation_name {
        request = request.operation_name(name);
    }
    request.set_parsed_query(document.clone());
    checker.check(request).await?;
    normalize(&document, operation_name, &variables)
}
