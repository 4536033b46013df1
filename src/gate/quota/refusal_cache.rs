//! Cache of recent rejections. A request of an account that is over a request limit is rejected again for one second
//! without reading its document, so that a client that retries in a loop causes almost no load.

use moka::sync::Cache;

use super::{ReserveError, counters::MINUTE_MS};
use crate::domain::{key::Limits, quota::LimitExceeded};

/// How long a rejection is repeated, in milliseconds. A raised limit takes effect after this time at the latest.
const REPEAT_MS: i64 = 1_000;
/// Maximum number of cached accounts.
const MAX_ACCOUNTS: u64 = 10_000;

/// Cache of recent rejections, by account.
pub struct RefusalCache {
    rejected: Cache<String, (ReserveError, i64)>,
    /// When the current minute of rejections that charge nothing began, and their number in it.
    uncharged: Cache<String, (i64, u64)>,
}

impl Default for RefusalCache {
    fn default() -> Self {
        Self { rejected: Cache::new(MAX_ACCOUNTS), uncharged: Cache::new(MAX_ACCOUNTS) }
    }
}

impl RefusalCache {
    /// Returns the rejection of an account in the last second.
    #[must_use]
    pub fn find(&self, account: &str, now_ms: i64) -> Option<ReserveError> {
        let (rejected, at_ms) = self.rejected.get(account)?;
        if (at_ms..at_ms + REPEAT_MS).contains(&now_ms) {
            return Some(rejected);
        }
        self.rejected.invalidate(account);
        None
    }

    /// Stores a rejection by a request limit, which applies to every document. Rejections by points are not stored.
    pub fn insert(&self, account: &str, rejected: &ReserveError, now_ms: i64) {
        if let ReserveError::Limit { exceeded, .. } = rejected
            && (exceeded.limit == "minute" || exceeded.limit == "day")
        {
            self.rejected.insert(account.to_owned(), (rejected.clone(), now_ms));
        }
    }

    /// Counts a rejection that charges nothing but causes work: the document exceeded the cost limit, or the account
    /// did not have enough points. An account may have as many of these per minute as requests.
    pub fn count_uncharged(&self, account: &str, now_ms: i64) {
        let (began_ms, number) = self.uncharged(account, now_ms);
        self.uncharged.insert(account.to_owned(), (began_ms, number + 1));
    }

    /// Returns the rejection of an account that has reached this limit.
    #[must_use]
    pub fn uncharged_limit(&self, account: &str, limits: &Limits, now_ms: i64) -> Option<LimitExceeded> {
        let (began_ms, number) = self.uncharged(account, now_ms);
        let wait_ms = u64::try_from(began_ms + MINUTE_MS - now_ms).unwrap_or(0);
        let (limit, allowed, retry_after_s) = ("minute", limits.per_minute, wait_ms.div_ceil(1000).max(1));
        (number >= allowed).then_some(LimitExceeded { limit, allowed, available: 0, retry_after_s })
    }

    /// When the current minute began, and the number of rejections in it.
    fn uncharged(&self, account: &str, now_ms: i64) -> (i64, u64) {
        let known = self.uncharged.get(account);
        known.filter(|(began_ms, _)| (0..MINUTE_MS).contains(&(now_ms - began_ms))).unwrap_or((now_ms, 0))
    }
}
