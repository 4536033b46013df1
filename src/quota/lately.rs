//! Refusals of the last second: whoever is over a limit of requests is told so again without the work of reading the
//! document, so that asking in a loop costs the server next to nothing.

use moka::sync::Cache;

use super::Refused;

/// How long a refusal is repeated; limits that are raised meanwhile are seen after that.
const REPEATED_MS: i64 = 1_000;
/// Accounts remembered.
const REMEMBERED: u64 = 10_000;

/// Accounts that were refused lately.
pub struct Lately(Cache<String, (Refused, i64)>);

impl Default for Lately {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

impl Lately {
    /// The refusal that an account got in the last second.
    #[must_use]
    pub fn of(&self, account: &str, now_ms: i64) -> Option<Refused> {
        let (refused, at_ms) = self.0.get(account)?;
        if (at_ms..at_ms + REPEATED_MS).contains(&now_ms) {
            return Some(refused);
        }
        self.0.invalidate(account);
        None
    }

    /// Remembers a refusal that any document would get: by requests, not by points.
    pub fn note(&self, account: &str, refused: &Refused, now_ms: i64) {
        if let Refused::Limit { refusal, .. } = refused
            && (refusal.limit == "minute" || refusal.limit == "day")
        {
            self.0.insert(account.to_owned(), (refused.clone(), now_ms));
        }
    }
}
