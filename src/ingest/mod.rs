//! From files to epochs: import, the epoch builder, erasure, and synthetic people.

pub mod epoch_builder;
pub mod erasure;
pub mod generate;
pub mod import;
pub mod progress;
pub mod synthetic;
