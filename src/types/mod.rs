//! The GraphQL objects of the schema, one file per object. Resolvers load data and convert it; the arithmetic is in
//! [`crate::estimate`].

pub mod behavior;
pub mod budget;
pub mod implications;
pub mod knot;
pub mod measure;
pub mod mixture;
pub mod network;
pub mod page;
pub mod personality;
pub mod product;
pub mod quote;
pub mod recommendation;
pub mod release;
pub mod segment;
pub mod usage;
pub mod viewer;
pub mod vocabulary;
