//! spots-enrichment: partners ask how a market segment behaves, what it is like and how it is connected. They never
//! see a person.
//!
//! One request is one straight chain; `use` lines point down this list, never up ([`error`] and [`log`] are open to
//! all):
//!
//! 1. [`listen`] takes connections, [`http`] reads `/graphql`, [`log`] opens an entry around it
//!    ([`trace`] sends it to a collector as well);
//! 2. [`auth`]: headers -> [`auth::Caller`], or 401 before the body is read;
//! 3. [`document`]: text -> guarded, validated, in normal form;
//! 4. [`cost`]: normal form x price table -> points; after the run, what it was worth;
//! 5. [`quota`]: requests and points reserved, or 429; settled when the request ends;
//! 6. [`schema`], [`query`], [`mutation`], [`guard`]: what may be asked, and the scope that each field needs;
//! 7. [`types`]: load and hand over; [`session`], [`loader`] and [`batch`] gather a request's questions;
//! 8. [`privacy`]: charge -> [`engine`] sums -> noise -> store -> read back;
//! 9. [`estimate`], [`mixture`]: released sums -> numbers with intervals; [`math`]: states, density matrices and knots;
//!    [`catalog`]: the partner's own products, and how they rank.
//!
//! Beside the chain: [`page`] holds what people look at (built from `web/` by `build.rs`), [`import`] fills the raw
//! tables, [`engine::rollup`] builds epochs, [`forget`] erases a person, [`generate`] makes people up, [`mod@bench`]
//! measures, [`cli`] is the operator's side of all of it.

pub mod cli;
pub mod config;

pub mod listen;
pub mod http;
pub mod page;
pub mod log;
pub mod trace;
pub mod state;
pub mod auth;
pub mod document;
pub mod cost;
pub mod quota;
pub mod schema;
pub mod query;
pub mod mutation;
pub mod guard;
pub mod types;
pub mod session;
pub mod loader;
pub mod batch;
pub mod privacy;
pub mod catalog;
pub mod mixture;
pub mod estimate;
pub mod math;
pub mod engine;

pub mod audit;
pub mod bench;
pub mod forget;
pub mod generate;
pub mod import;
pub mod segment;
pub mod epoch;
pub mod personality;
pub mod entity;
pub mod db;
pub mod mutant;
pub mod progress;
pub mod clock;
pub mod error;

pub use http::app;
