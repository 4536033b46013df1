//! The GraphQL schema: types, guards, and resolvers that hand over to the modules below.

pub mod batches;
pub mod context;
pub mod loaders;
pub mod mutation;
pub mod query;
pub mod quoted;
pub mod schema;
pub mod scope_guard;
pub mod test_mode;
pub mod types;
