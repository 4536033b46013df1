//! The schema, and the one place where its limits are decided.

use std::sync::Arc;

use async_graphql::{
    EmptySubscription, Request, Response, SDLExportOptions, ValidationMode, Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::types::ExecutableDocument,
};

use crate::{cost, document::Inputs, error::Error, mutation::Mutation, query::Query};

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Puts the schema together. What may be asked of it is decided before it is asked (`document`, `cost`), on the form
/// that it executes; so its own validation, a second one, is the short one.
#[must_use]
pub fn build() -> Schema {
    Schema::build(Query, Mutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish()
}

/// The same schema, only to validate documents by every rule of the specification.
pub struct Checker {
    plain: Schema,
    /// Says what may have been meant. That is dear to compute: only for documents with few mistakes.
    suggesting: Schema,
    /// For the rule that the library does not apply.
    pub inputs: Inputs,
}

/// Mistakes of a document to which suggestions are made.
const FEW: usize = 20;

impl Checker {
    #[must_use]
    pub fn build() -> Self {
        let checker = || Schema::build(Query, Mutation, EmptySubscription).extension(Unexecuted);
        let suggesting = checker().finish();
        let inputs = Inputs::parse(&suggesting.sdl());
        Self { plain: checker().disable_suggestions().finish(), suggesting, inputs }
    }

    /// Validates.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] with everything that is wrong.
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

/// Ends a request between validation and execution.
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

/// The schema as text, sorted, with its prices, as `schema.graphql` holds it.
#[must_use]
pub fn sdl() -> String {
    let sorted = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let sdl = build().sdl_with_options(sorted);
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    cost::annotate(&format!("{}\n", without_built_in(&lines).join("\n").trim()))
}

/// Leaves out the directives that every server has: the specification asks for it, and linters for what they lack here.
fn without_built_in<'a>(lines: &[&'a str]) -> Vec<&'a str> {
    let mut kept: Vec<&str> = Vec::new();
    for line in lines {
        if ["directive @include(", "directive @skip("].iter().any(|start| line.starts_with(start)) {
            // Its description stands above it, between two lines of quotes.
            let quotes = kept.iter().enumerate().rev().filter(|(_, line)| **line == "\"\"\"").map(|(number, _)| number);
            let start = quotes.take(2).last().unwrap_or(kept.len());
            kept.truncate(start);
        } else {
            kept.push(line);
        }
    }
    kept
}
