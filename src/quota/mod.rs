//! Requests a minute and a day: plain counters, with "now" passed in.

use crate::{auth::Caller, error::Error};

mod process;

pub use process::ProcessQuotas;

/// What is left of a key's request limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Left {
    pub minute: u64,
    pub day: u64,
}

/// Counts requests.
pub trait QuotaStore: Send + Sync {
    /// Counts one request, or refuses it without counting it.
    ///
    /// # Errors
    /// [`Error::RateLimitExceeded`] naming the limit and when the next request is possible.
    fn admit(&self, caller: &Caller, now_ms: i64) -> Result<Left, Error>;
}
