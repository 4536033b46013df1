//! The GraphQL objects of the schema, one file per object. Resolvers hand over to the modules below; the arithmetic is
//! in [`crate::statistics`].

pub mod behavior;
pub mod budget;
pub mod implications;
pub mod knot;
pub mod mixture;
pub mod network;
pub mod page;
pub mod personality;
pub mod product;
pub mod quote;
pub mod recommendation;
pub mod reference;
pub mod release;
pub mod segment;
pub mod usage;
pub mod viewer;
pub mod vocabulary;
