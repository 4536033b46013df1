//! The GraphQL schema and its SDL, and the validation of documents against it.

use std::sync::Arc;

use async_graphql::{
    EmptySubscription, Request, Response, SDLExportOptions, ValidationMode, Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::types::ExecutableDocument,
};

use crate::{cost, document::Inputs, error::Error, mutation::Mutation, query::Query};

/// The type of the schema.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Builds the schema that executes requests. Documents are validated and priced before execution, in their normalized
/// form (modules `document` and `cost`), so the schema itself uses only the fast validation mode.
#[must_use]
pub fn build() -> Schema {
    Schema::build(Query, Mutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish()
}

/// The same schema, used only to validate documents by all rules of the specification.
pub struct Checker {
    plain: Schema,
    /// Adds suggestions to errors ("Did you mean"). They are expensive to compute, so this schema is used only for
    /// documents with few errors.
    suggesting: Schema,
    /// The input types of the schema, for the validation rule that async-graphql does not implement.
    pub inputs: Inputs,
}

/// Maximum number of validation errors of a document for which suggestions are computed.
const FEW: usize = 20;

impl Checker {
    #[must_use]
    pub fn build() -> Self {
        let checker = || Schema::build(Query, Mutation, EmptySubscription).extension(Unexecuted);
        let suggesting = checker().finish();
        let inputs = Inputs::parse(&suggesting.sdl());
        Self { plain: checker().disable_suggestions().finish(), suggesting, inputs }
    }

    /// Validates a document against the schema. `document` returns a parsed copy; it is called once or twice.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] with all validation errors.
    pub async fn check(
        &self,
        document: impl Fn() -> ExecutableDocument,
        name: Option<&str>,
        variables: &Variables,
    ) -> Result<(), Error> {
        let request = || {
            let mut request = Request::new("").variables(variables.clone());
            request.operation_name = name.map(str::to_owned);
            request.set_parsed_query(document());
            request
        };
        let mut errors = self.plain.execute(request()).await.errors;
        if errors.is_empty() {
            return Ok(());
        }
        if errors.len() <= FEW {
            errors = self.suggesting.execute(request()).await.errors;
        }
        Err(Error::InvalidDocument(errors))
    }
}

/// Extension that ends a request after validation, without executing it.
struct Unexecuted;

impl ExtensionFactory for Unexecuted {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for Unexecuted {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}

/// The SDL of the schema, sorted and annotated with costs, as stored in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let sorted = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let sdl = build().sdl_with_options(sorted);
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    cost::annotate(&format!("{}\n", without_built_in(&lines).join("\n").trim()))
}

/// Removes the definitions of `@include` and `@skip`. Every server has them, so the specification recommends omitting
/// them, and linters report them as incomplete.
fn without_built_in<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        if ["directive @include(", "directive @skip("].iter().any(|start| line.starts_with(start)) {
            // The description precedes the definition, between two lines of quotation marks.
            let quotes = kept.iter().enumerate().rev().filter(|(_, line)| **line == "\"\"\"").map(|(number, _)| number);
            let start = quotes.take(2).last().unwrap_or(kept.len());
            kept.truncate(start);
        } else {
            kept.push(line);
        }
    }
    kept
}
