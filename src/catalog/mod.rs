//! The product catalogs of partners: product states, storage, and ranking for a segment. A query reads the products of
//! one partner only.

mod item;
mod shelf;
mod state;
pub mod store;
pub mod words;

pub use item::{Fault, Item};
pub use shelf::{Shelf, Shelved, Shelves};
pub use state::{Attribute, PriceBand, ProductState, Resolved, Source};

/// The maximum number of products or ids in one mutation.
pub const MOST_SENT: usize = 500;
/// The maximum number of products of one partner.
pub const MOST_PRODUCTS: u64 = 100_000;
