//! The database: connections, entities, and one file of queries per aggregate.
//!
//! All SQL of the program lives here, in `engine` and in `ingest`. A query names its partner, account or key in its
//! arguments; there is no query that returns the rows of all partners to a partner.

pub mod accounts;
pub mod audit;
pub mod bulk;
pub mod charges;
mod connection;
pub mod db;
pub mod entity;
pub mod epochs;
pub mod erased_people;
pub mod file_locks;
pub mod import_runs;
pub mod keys;
pub mod partners;
pub mod people;
pub mod products;
pub mod releases;
pub mod request_log;
pub mod segments;
pub mod transaction;
pub mod trusted_documents;
pub mod usage;
pub mod views;
pub mod warehouse;
