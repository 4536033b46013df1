//! Cache of recent rejections. A request of an account that is over a request limit is rejected again for one second
//! without reading its document, so that a client that retries in a loop causes almost no load.

use moka::sync::Cache;

use super::{Refusal, Refused, counters::MINUTE_MS};
use crate::auth::Limits;

/// How long a rejection is repeated, in milliseconds. A raised limit takes effect after this time at the latest.
const REPEATED_MS: i64 = 1_000;
/// Maximum number of cached accounts.
const REMEMBERED: u64 = 10_000;

/// Cache of recent rejections, by account.
pub struct Lately {
    refused: Cache<String, (Refused, i64)>,
    /// When the current minute of rejections that charge nothing began, and their number in it.
    unpaid: Cache<String, (i64, u64)>,
}

impl Default for Lately {
    fn default() -> Self {
        Self { refused: Cache::new(REMEMBERED), unpaid: Cache::new(REMEMBERED) }
    }
}

impl Lately {
    /// Returns the rejection of an account in the last second.
    #[must_use]
    pub fn of(&self, account: &str, now_ms: i64) -> Option<Refused> {
        let (refused, at_ms) = self.refused.get(account)?;
        if (at_ms..at_ms + REPEATED_MS).contains(&now_ms) {
            return Some(refused);
        }
        self.refused.invalidate(account);
        None
    }

    /// Stores a rejection by a request limit, which applies to every document. Rejections by points are not stored.
    pub fn note(&self, account: &str, refused: &Refused, now_ms: i64) {
        if let Refused::Limit { refusal, .. } = refused
            && (refusal.limit == "minute" || refusal.limit == "day")
        {
            self.refused.insert(account.to_owned(), (refused.clone(), now_ms));
        }
    }

    /// Counts a rejection that charges nothing but causes work: the document exceeded the cost limit, or the account
    /// did not have enough points. An account may have as many of these per minute as requests.
    pub fn note_unpaid(&self, account: &str, now_ms: i64) {
        let (began_ms, number) = self.unpaid(account, now_ms);
        self.unpaid.insert(account.to_owned(), (began_ms, number + 1));
    }

    /// Returns the rejection of an account that has reached this limit.
    #[must_use]
    pub fn brake(&self, account: &str, limits: &Limits, now_ms: i64) -> Option<Refusal> {
        let (began_ms, number) = self.unpaid(account, now_ms);
        let wait_ms = u64::try_from(began_ms + MINUTE_MS - now_ms).unwrap_or(0);
        let (limit, allowed, retry_after_s) = ("minute", limits.per_minute, wait_ms.div_ceil(1000).max(1));
        (number >= allowed).then_some(Refusal { limit, allowed, available: 0, retry_after_s })
    }

    /// When the current minute began, and the number of rejections in it.
    fn unpaid(&self, account: &str, now_ms: i64) -> (i64, u64) {
        let known = self.unpaid.get(account);
        known.filter(|(began_ms, _)| (0..MINUTE_MS).contains(&(now_ms - began_ms))).unwrap_or((now_ms, 0))
    }
}
