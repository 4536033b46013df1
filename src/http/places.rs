//! In-flight limit per account. Requests whose bodies are still arriving count too, so that no partner can occupy all
//! memory or all workers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::ask::BODY_LIMIT;

/// Maximum number of requests that one account may have in flight. A request whose body may be larger than
/// [`BODY_LIMIT`] counts once per [`BODY_LIMIT`], rounded up, so that all bodies of an account together have at most 32
/// MiB.
pub const OF_ONE_ACCOUNT: usize = 128;

/// The number of requests in flight, by account.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<String, usize>>>);

/// A part of an account's in-flight limit, released when it is dropped.
pub struct Taken {
    places: Places,
    account: String,
    many: usize,
}

impl Places {
    /// Takes the part for a body of at most `bytes` bytes. Returns `None` if the account's limit would be exceeded.
    pub fn take(&self, account: &str, bytes: usize) -> Option<Taken> {
        let many = bytes.div_ceil(BODY_LIMIT).max(1);
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.get(account).copied().unwrap_or_default() + many;
        if taken > OF_ONE_ACCOUNT {
            return None;
        }
        places.insert(account.to_owned(), taken);
        Some(Taken { places: self.clone(), account: account.to_owned(), many })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.account) {
            *taken -= self.many;
            if *taken == 0 {
                places.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_its_places_and_gives_them_back() {
        let places = Places::default();
        let all: Vec<_> = (0..OF_ONE_ACCOUNT).map(|_| places.take("a", 0).unwrap()).collect();
        assert!(places.take("a", 1).is_none() && places.take("b", BODY_LIMIT).is_some());
        drop(all);
        let large: Vec<_> = (0..OF_ONE_ACCOUNT / 8).map(|_| places.take("a", 8 * BODY_LIMIT).unwrap()).collect();
        assert!(places.take("a", 0).is_none());
        drop(large);
        assert!(places.take("a", BODY_LIMIT + 1).is_some() && places.0.lock().unwrap().is_empty());
    }
}
