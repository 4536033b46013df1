//! Limits for GraphQL documents on top of async-graphql: a document is checked before and after it is parsed,
//! validated, normalized and priced before any resolver runs; after execution its actual cost is computed.
//!
//! The order for one request is [`document::read`] (limits, parser, validation, normal form), [`cost::estimate`]
//! against a [`price::PriceTable`], execution of [`NormalizedOperation::executable`], and [`settle::settle`]. The crate
//! knows GraphQL and nothing about the fields of a particular schema.
//!
//! It works around faults of async-graphql 7.2.1. A module can go when its fault is fixed upstream, that is, when the
//! tests of the module pass without it. "None" means that no public issue was found.
//!
//! - [`scan`]: nested brackets overflow the stack of the parser and end the process. Upstream issue: none.
//! - `compatible`: descriptions of operations and escapes of surrogate pairs are syntax errors. Upstream issue: none.
//! - [`measure`]: nested fragments keep the validation busy for seconds; depth limits cannot exempt introspection;
//!   misplaced, repeated and unknown directives, and arguments and selections of `__typename`, are accepted. Upstream
//!   issue: #1429 (depth only).
//! - [`variable_usage`]: the rule about types of variables does not see the values of arguments. Upstream issue: none;
//!   #1669 concerns the same rule.
//! - [`document`]: directives of `__typename` are not validated. Upstream issue: none.
//! - [`normalize`]: an object whose fields all failed becomes null. Upstream issue: #531.
//! - [`settle`]: a failed field is left out of `data`, nulls of non-null fields do not propagate, and keys are not in
//!   the order of the selection. Upstream issues: #531, #798, #1532.
//! - [`directives`]: directives can be applied only in attributes, one by one, not from a table. Upstream issue: none.

mod compatible;
pub mod cost;
pub mod directives;
pub mod document;
mod error;
pub mod measure;
pub mod normalize;
pub mod price;
pub mod scan;
pub mod schema_index;
pub mod settle;
pub mod validator;
pub mod variable_usage;

use async_graphql::parser::types::OperationType;

pub use cost::{CostEstimate, CostExceeded, PageFit, PathPoints};
pub use error::Error;
pub use normalize::{NormalizedField, NormalizedOperation};
pub use price::{FieldPrice, ListArgumentPrice, ListSize, PriceTable};
pub use schema_index::SchemaIndex;
pub use settle::SettledResponse;
pub use validator::Validator;

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
