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
    /// When a minute of refusals that spend nothing began, and how many there were.
    unpaid: Cache<String, (i64, u64)>,
}

impl Default for Lately {
    fn default() -> Self {
        Self { refused: Cache::new(REMEMBERED), unpaid: Cache::new(REMEMBERED) }
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

    /// Counts a refusal that spends nothing and makes work: a document that was too costly, or for which there were no
    /// points. A key may have as many of them in a minute as requests.
    pub fn note_unpaid(&self, account: &str, now_ms: i64) {
        let (began_ms, number) = self.unpaid(account, now_ms);
        self.unpaid.insert(account.to_owned(), (began_ms, number + 1));
    }

    /// The refusal of an account that had more of them.
    #[must_use]
    pub fn brake(&self, account: &str, limits: &Limits, now_ms: i64) -> Option<Refusal> {
        let (began_ms, number) = self.unpaid(account, now_ms);
        let wait_ms = u64::try_from(began_ms + MINUTE_MS - now_ms).unwrap_or(0);
        let (limit, allowed, retry_after_s) = ("minute", limits.per_minute, wait_ms.div_ceil(1000).max(1));
        (number >= allowed).then_some(Refusal { limit, allowed, available: 0, retry_after_s })
    }

    /// When the minute at hand began, and how many refusals there were in it.
    fn unpaid(&self, account: &str, now_ms: i64) -> (i64, u64) {
        let known = self.unpaid.get(account);
        known.filter(|(began_ms, _)| (0..MINUTE_MS).contains(&(now_ms - began_ms))).unwrap_or((now_ms, 0))
    }
}
