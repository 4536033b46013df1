//! Refusals of the last second: whoever is over a limit of requests is told so again without the work of reading the
//! document, so that asking in a loop costs the server next to nothing.

use moka::sync::Cache;

use super::{Refusal, Refused, counters::MINUTE_MS};
use crate::auth::Limits;

/// How long a refusal is repeated; limits that are raised meanwhile are seen after that.
const REPEATED_MS: i64 = 1_000;
/// Accounts remembered.
const REMEMBERED: u64 = 10_000;

/// Accounts that were refused lately.
pub struct Lately {
    refused: Cache<String, (Refused, i64)>,
    /// When a minute of documents that were too costly began, and how many there were.
    too_costly: Cache<String, (i64, u64)>,
}

impl Default for Lately {
    fn default() -> Self {
        Self { refused: Cache::new(REMEMBERED), too_costly: Cache::new(REMEMBERED) }
    }
}

impl Lately {
    /// The refusal that an account got in the last second.
    #[must_use]
    pub fn of(&self, account: &str, now_ms: i64) -> Option<Refused> {
        let (refused, at_ms) = self.refused.get(account)?;
        if (at_ms..at_ms + REPEATED_MS).contains(&now_ms) {
            return Some(refused);
        }
        self.refused.invalidate(account);
        None
    }

    /// Remembers a refusal that any document would get: by requests, not by points.
    pub fn note(&self, account: &str, refused: &Refused, now_ms: i64) {
        if let Refused::Limit { refusal, .. } = refused
            && (refusal.limit == "minute" || refusal.limit == "day")
        {
            self.refused.insert(account.to_owned(), (refused.clone(), now_ms));
        }
    }

    /// Counts a document that was too costly, which spends nothing and makes work: as many as there may be requests in
    /// a minute; beyond that they are refused like requests.
    pub fn one_more_too_costly(&self, account: &str, limits: &Limits, now_ms: i64) -> Option<Refusal> {
        let (began_ms, number) = self.too_costly.get(account).unwrap_or((now_ms, 0));
        let over = !(0..MINUTE_MS).contains(&(now_ms - began_ms));
        let (began_ms, number) = if over { (now_ms, 1) } else { (began_ms, number + 1) };
        self.too_costly.insert(account.to_owned(), (began_ms, number));
        let wait_ms = u64::try_from(began_ms + MINUTE_MS - now_ms).unwrap_or(0);
        let retry_after_s = wait_ms.div_ceil(1000).max(1);
        (number > limits.per_minute).then_some(Refusal {
            limit: "minute",
            allowed: limits.per_minute,
            available: 0,
            retry_after_s,
        })
    }
}
