//! Engines: implementations of the port [`crate::privacy::Engine`]. All return the same integers.

mod columns;
mod memory;
mod sql;
mod warehouse;

pub use memory::{EPOCH_LOADED, MemoryEngine};
pub use sql::SqlEngine;
pub use warehouse::WarehouseEngine;
