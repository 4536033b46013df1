//! The schema, and the one place where its limits are decided.

use std::sync::Arc;

use async_graphql::{
    EmptySubscription, Request, Response, SDLExportOptions, ValidationMode, Value,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
};

use crate::{cost, error::Error, mutation::Mutation, query::Query};

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Puts the schema together. What may be asked of it is decided before it is asked (`document`, `cost`), on the form
/// that it executes; so its own validation, a second one, is the short one.
#[must_use]
pub fn build() -> Schema {
    Schema::build(Query, Mutation, EmptySubscription).validation_mode(ValidationMode::Fast).finish()
}

/// The same schema, only to validate documents by every rule of the specification.
pub struct Checker(Schema);

impl Checker {
    #[must_use]
    pub fn build() -> Self {
        Self(Schema::build(Query, Mutation, EmptySubscription).extension(Unexecuted).finish())
    }

    /// Validates.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] with everything that is wrong.
    pub async fn check(&self, request: Request) -> Result<(), Error> {
        let errors = self.0.execute(request).await.errors;
        if errors.is_empty() { Ok(()) } else { Err(Error::InvalidDocument(errors)) }
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
    cost::annotate(&format!("{}\n", lines.join("\n").trim()))
}
