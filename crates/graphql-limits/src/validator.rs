//! Validates documents against a schema by all rules of the specification, without executing them.

use std::sync::Arc;

use async_graphql::{
    ObjectType, Request, Response, SchemaBuilder, SubscriptionType, Value, Variables,
    extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute},
    parser::types::ExecutableDocument,
};
use futures_util::future::{BoxFuture, FutureExt as _};

use crate::{Error, variable_usage::InputTypes};

/// Maximum number of validation errors of a document for which suggestions are computed.
const MAX_ERRORS_WITH_SUGGESTIONS: usize = 20;

/// Executes a request on a schema.
type Execute = Box<dyn Fn(Request) -> BoxFuture<'static, Response> + Send + Sync>;

/// Validates documents against a schema.
pub struct Validator {
    plain: Execute,
    /// Adds suggestions to errors ("Did you mean"). They are expensive to compute, so this schema is used only for
    /// documents with few errors.
    suggesting: Execute,
    /// The input types of the schema, for the validation rule that async-graphql does not implement.
    pub(crate) inputs: InputTypes,
}

impl Validator {
    /// Creates a validator from a function that builds the schema. The schema must use the strict validation mode.
    pub fn new<Query, Mutation, Subscription>(build: impl Fn() -> SchemaBuilder<Query, Mutation, Subscription>) -> Self
    where
        Query: ObjectType + 'static,
        Mutation: ObjectType + 'static,
        Subscription: SubscriptionType + 'static,
    {
        let plain = build().extension(ValidateOnly).disable_suggestions().finish();
        let suggesting = build().extension(ValidateOnly).finish();
        let inputs = InputTypes::parse(&suggesting.sdl());
        let execute = |schema: async_graphql::Schema<Query, Mutation, Subscription>| -> Execute {
            Box::new(move |request| {
                let schema = schema.clone();
                async move { schema.execute(request).await }.boxed()
            })
        };
        Self { plain: execute(plain), suggesting: execute(suggesting), inputs }
    }

    /// Validates a document. `document` returns a parsed copy; it is called once or twice.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] with all validation errors.
    pub(crate) async fn validate(
        &self,
        document: impl Fn() -> ExecutableDocument,
        operation_name: Option<&str>,
        variables: &Variables,
    ) -> Result<(), Error> {
        let request = || {
            let mut request = Request::new("").variables(variables.clone());
            request.operation_name = operation_name.map(str::to_owned);
            request.set_parsed_query(document());
            request
        };
        let mut errors = (self.plain)(request()).await.errors;
        if errors.is_empty() {
            return Ok(());
        }
        if errors.len() <= MAX_ERRORS_WITH_SUGGESTIONS {
            errors = (self.suggesting)(request()).await.errors;
        }
        Err(Error::InvalidDocument(errors))
    }
}

/// Extension that ends a request after validation, without executing it.
struct ValidateOnly;

impl ExtensionFactory for ValidateOnly {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Extension for ValidateOnly {
    async fn execute(&self, _: &ExtensionContext<'_>, _: Option<&str>, _: NextExecute<'_>) -> Response {
        Response::new(Value::Null)
    }
}
