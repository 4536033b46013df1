//! In-flight limit per account. Requests whose bodies are still arriving count too, so that no partner can occupy all
//! memory or all workers.

use std::{collections::HashMap, sync::Arc};

use parking_lot::Mutex;

use super::BODY_LIMIT;

/// Maximum number of requests that one account may have in flight. A request whose body may be larger than
/// [`BODY_LIMIT`] counts once per [`BODY_LIMIT`], rounded up, so that all bodies of an account together have at most 32
/// MiB.
pub const MAX_PER_ACCOUNT: usize = 128;

/// The number of requests in flight, by account.
#[derive(Clone, Default)]
pub struct InFlightLimiter(Arc<Mutex<HashMap<String, usize>>>);

/// A share of an account's in-flight limit, released when it is dropped.
pub struct InFlightPermit {
    limiter: InFlightLimiter,
    account: String,
    weight: usize,
}

impl InFlightLimiter {
    /// Takes the share for a body of at most `bytes` bytes. Returns `None` if the account's limit would be exceeded.
    pub fn take(&self, account: &str, bytes: usize) -> Option<InFlightPermit> {
        let weight = bytes.div_ceil(BODY_LIMIT).max(1);
        let mut in_flight = self.0.lock();
        let total = in_flight.get(account).copied().unwrap_or_default() + weight;
        if total > MAX_PER_ACCOUNT {
            return None;
        }
        in_flight.insert(account.to_owned(), total);
        Some(InFlightPermit { limiter: self.clone(), account: account.to_owned(), weight })
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        let mut in_flight = self.limiter.0.lock();
        if let Some(total) = in_flight.get_mut(&self.account) {
            *total -= self.weight;
            if *total == 0 {
                in_flight.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_a_limit_and_returns_its_permits() {
        let limiter = InFlightLimiter::default();
        let all: Vec<_> = (0..MAX_PER_ACCOUNT).map(|_| limiter.take("a", 0).unwrap()).collect();
        assert!(limiter.take("a", 1).is_none() && limiter.take("b", BODY_LIMIT).is_some());
        drop(all);
        let large: Vec<_> = (0..MAX_PER_ACCOUNT / 8).map(|_| limiter.take("a", 8 * BODY_LIMIT).unwrap()).collect();
        assert!(limiter.take("a", 0).is_none());
        drop(large);
        assert!(limiter.take("a", BODY_LIMIT + 1).is_some() && limiter.0.lock().is_empty());
    }
}
