//! Requests that one account has in flight, bodies that are still on their way included: no partner can take all the
//! memory or all the workers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use super::ask::BODY_LIMIT;

/// Requests of one account at once. One whose body may be larger than [`BODY_LIMIT`] takes as many places as its body
/// may hold of that, so that all bodies of an account together hold 32 MiB at most.
pub const OF_ONE_ACCOUNT: usize = 128;

/// Who has how many.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<String, usize>>>);

/// Some of them; given back when it goes out of scope.
pub struct Taken {
    places: Places,
    account: String,
    many: usize,
}

impl Places {
    /// Takes the places for a body of so many bytes, unless the account has not as many left.
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
