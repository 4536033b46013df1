//! The GraphQL schema and its SDL.

use std::borrow::Cow;

use async_graphql::{
    Context, ContextSelectionSet, EmptySubscription, ObjectType, OutputType, Positioned, SDLExportOptions,
    SchemaBuilder, ServerResult, ValidationMode, Value, parser::types::Field, registry::Registry,
    resolver_utils::ContainerType,
};
use graphql_limits::{SchemaIndex, Validator, directives};

use super::{mutation::Mutation, query::Query};
use crate::gate::{documents::DocumentReader, prices::PRICES};

/// A root type whose schema carries the price table as directives. With `EXPORTED`, definitions that SDL omits are left
/// out.
pub struct Root<T, const EXPORTED: bool>(T);

/// The type of the schema.
pub type Schema = async_graphql::Schema<Root<Query, false>, Root<Mutation, false>, EmptySubscription>;

fn builder() -> SchemaBuilder<Root<Query, false>, Root<Mutation, false>, EmptySubscription> {
    Schema::build(Root(Query), Root(Mutation), EmptySubscription)
}

/// Builds the schema that executes requests. Documents are validated and priced before execution, in their normalized
/// form (`gate::documents`), so the schema itself uses only the fast validation mode.
#[must_use]
pub fn build() -> Schema {
    builder().validation_mode(ValidationMode::Fast).finish()
}

/// Builds the reader of documents for this schema.
///
/// # Errors
/// The price table contains a field that the schema lacks.
pub fn document_reader() -> anyhow::Result<DocumentReader> {
    let index = SchemaIndex::parse(&build().sdl(), &PRICES)?;
    Ok(DocumentReader::new(Validator::new(builder), index))
}

/// The SDL of the schema, sorted, as stored in `schema.graphql`.
#[must_use]
pub fn sdl() -> String {
    let sorted = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let (query, mutation) = (Root::<_, true>(Query), Root::<_, true>(Mutation));
    let sdl = async_graphql::Schema::build(query, mutation, EmptySubscription).finish().sdl_with_options(sorted);
    // The export leaves spaces at the ends of some lines.
    let lines: Vec<&str> = sdl.trim().lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n"))
}

impl<T: ObjectType, const EXPORTED: bool> OutputType for Root<T, EXPORTED> {
    fn type_name() -> Cow<'static, str> {
        T::type_name()
    }

    fn create_type_info(registry: &mut Registry) -> String {
        let name = T::create_type_info(registry);
        directives::annotate(registry, &PRICES);
        if EXPORTED {
            directives::remove_built_in(registry);
        }
        name
    }

    async fn resolve(&self, ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> ServerResult<Value> {
        self.0.resolve(ctx, field).await
    }
}

impl<T: ObjectType, const EXPORTED: bool> ContainerType for Root<T, EXPORTED> {
    async fn resolve_field(&self, ctx: &Context<'_>) -> ServerResult<Option<Value>> {
        self.0.resolve_field(ctx).await
    }
}

impl<T: ObjectType, const EXPORTED: bool> ObjectType for Root<T, EXPORTED> {}
