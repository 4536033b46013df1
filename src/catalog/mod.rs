//! A partner's own products: what they are like, how they are stored, and how they rank for a segment. No partner's
//! products are ever read for another.

mod item;
mod shelf;
mod state;
pub mod store;
pub mod words;

pub use item::{Fault, Item};
pub use shelf::{Shelf, Shelved, Shelves};
pub use state::{Attribute, PriceBand, ProductState, Resolved, Source};

/// Products or ids that one mutation may send.
pub const MOST_SENT: usize = 500;
/// Products of one partner.
pub const MOST_PRODUCTS: u64 = 100_000;
