//! Everything that a request must pass before a resolver runs: its size, the key, the document, the price, the quotas.

pub mod auth;
pub mod documents;
pub mod in_flight;
pub mod persisted;
pub mod prices;
pub mod quota;

/// Maximum size of a request body, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;
/// Maximum size of a request body of a key with the scope `catalog`, in bytes: a batch of products.
pub const CATALOG_BODY_LIMIT: usize = 2 * 1024 * 1024;
