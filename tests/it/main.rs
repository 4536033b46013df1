//! Integration tests. Requests go through the router, over a database that the migrator built.
//!
//! They run on SQLite always, and on PostgreSQL as well if `TEST_DATABASE_URL` names a server (`./check` starts one).

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod app;
mod architecture;
mod auth;
mod budget;
mod catalog;
mod cli;
mod connections;
mod cost;
mod engine;
mod erasure;
mod formats;
mod fuzz;
mod guard;
mod hostile;
mod http;
mod import;
mod import_files;
mod limits;
mod log;
mod memory;
mod nyc;
mod pages;
mod personality;
mod population;
mod precision;
mod privacy;
mod promise;
mod queries;
mod quota;
mod epoch_builder;
mod requests;
mod schema;
mod segments;
mod served;
mod shards;
mod shared;
mod trace;
mod warehouse;
mod writing;
