//! A partner's own products: upload, and ranking for a segment. No partner's products are ever read for another.

mod cache;
mod ranking;
pub mod upload;

pub use cache::{CatalogCache, RankedCatalog, RankedProduct};
pub use ranking::{Ranked, load, rank};
