//! A GraphQL API that answers aggregate questions about market segments under differential privacy.

pub mod catalog;
pub mod cli;
pub mod domain;
pub mod engine;
pub mod gate;
pub mod graphql;
pub mod ingest;
pub mod privacy;
pub mod server;
pub mod statistics;
pub mod storage;

pub use server::router::app;
