//! Requests that one account has in flight, bodies that are still on their way included: no partner can take all the
//! memory or all the workers.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Requests of one account at once; with the largest body that is 32 MiB.
pub const OF_ONE_ACCOUNT: usize = 128;

/// Who has how many.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<HashMap<String, usize>>>);

/// One of them; given back when it goes out of scope.
pub struct Taken {
    places: Places,
    account: String,
}

impl Places {
    /// Takes a place, unless the account has all of its own.
    pub fn take(&self, account: &str) -> Option<Taken> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = places.entry(account.to_owned()).or_default();
        if *taken >= OF_ONE_ACCOUNT {
            return None;
        }
        *taken += 1;
        Some(Taken { places: self.clone(), account: account.to_owned() })
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut places = self.places.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(taken) = places.get_mut(&self.account) {
            *taken -= 1;
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
        let all: Vec<_> = (0..OF_ONE_ACCOUNT).map(|_| places.take("a").unwrap()).collect();
        assert!(places.take("a").is_none() && places.take("b").is_some());
        drop(all);
        assert!(places.take("a").is_some() && places.0.lock().unwrap().is_empty());
    }
}
