//! The schema, and the one place where its limits are decided.

use async_graphql::{EmptySubscription, SDLExportOptions};

use crate::{mutation::Mutation, query::Query};

/// The schema's type.
pub type Schema = async_graphql::Schema<Query, Mutation, EmptySubscription>;

/// Puts the schema together.
#[must_use]
pub fn build() -> Schema {
    Schema::build(Query, Mutation, EmptySubscription)
        // Deep enough for introspection as tools send it; our own data is seven levels deep.
        .limit_depth(20)
        // A directive costs work before any price is known.
        .limit_directives(50)
        .finish()
}

/// The schema as text, sorted, as `schema.graphql` holds it.
#[must_use]
pub fn sdl() -> String {
    let sorted = SDLExportOptions::new().sorted_fields().sorted_arguments().sorted_enum_items();
    let sdl = build().sdl_with_options(sorted);
    let lines: Vec<&str> = sdl.lines().map(str::trim_end).collect();
    format!("{}\n", lines.join("\n").trim())
}
