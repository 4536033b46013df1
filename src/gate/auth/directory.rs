//! Finds the caller for the API key of a request. Results are cached for a few seconds.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use moka::future::Cache;
use sea_orm::DatabaseConnection;

use super::{ApiKey, Caller};
use crate::{domain::error::Error, storage::keys};

/// Lifetime of a cache entry. A revocation or a changed limit takes effect on every server within this time.
const CACHE_TTL: Duration = Duration::from_secs(4);
/// Maximum number of cached valid keys, and of cached invalid keys.
const CACHE_CAPACITY: u64 = 10_000;

/// Finds callers by their API keys.
pub struct Directory {
    db: DatabaseConnection,
    known: Cache<Vec<u8>, Arc<Caller>>,
    /// Hashes of invalid keys. A separate cache, so that guesses cannot evict valid keys.
    unknown: Cache<Vec<u8>, ()>,
}

impl Directory {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            known: Cache::builder().max_capacity(CACHE_CAPACITY).time_to_live(CACHE_TTL).build(),
            unknown: Cache::builder().max_capacity(CACHE_CAPACITY).time_to_live(CACHE_TTL).build(),
        }
    }

    /// Returns the caller for the key in the headers. Unknown, revoked and malformed keys take the same path and have
    /// the same result. `now` is in Unix seconds.
    ///
    /// # Errors
    /// [`Error::AuthenticationFailed`] if there is no valid key, [`Error::ApiKeyExpired`] if the key has expired,
    /// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
    pub async fn authenticate(&self, headers: &HeaderMap, now: i64) -> Result<Arc<Caller>, Error> {
        let hash = ApiKey::from_headers(headers).ok_or(Error::AuthenticationFailed)?.hash();
        if self.unknown.contains_key(&hash) {
            return Err(Error::AuthenticationFailed);
        }
        // Concurrent requests with the same key share one read.
        let found = self.known.try_get_with_by_ref(&hash, self.read(&hash, now)).await;
        let caller = match found {
            Ok(caller) => caller,
            Err(error) => {
                if *error == Error::AuthenticationFailed {
                    self.unknown.insert(hash, ()).await;
                }
                return Err((*error).clone());
            }
        };
        if caller.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::ApiKeyExpired);
        }
        Ok(caller)
    }

    async fn read(&self, hash: &[u8], now: i64) -> Result<Arc<Caller>, Error> {
        let key = keys::find_by_hash(&self.db, hash).await?;
        let key = key.filter(|key| key.revoked_at.is_none_or(|at| at > now)).ok_or(Error::AuthenticationFailed)?;
        Ok(Arc::new(Caller::from(key)))
    }
}
