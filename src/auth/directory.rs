//! Headers -> caller, with a memory of a few seconds.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use moka::future::Cache;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter};

use super::{ApiKey, Caller, Scope, issue};
use crate::{entity::api_key, error::Error};

/// How long a key is believed without looking: a revocation or a new limit works on every server within this time.
const BELIEVED: Duration = Duration::from_secs(4);
/// Keys remembered, and as many strings that are no keys.
const REMEMBERED: u64 = 10_000;

/// Finds callers.
pub struct Directory {
    db: DatabaseConnection,
    known: Cache<Vec<u8>, Arc<Caller>>,
    /// Apart from the known ones, so that guessing cannot push those out.
    unknown: Cache<Vec<u8>, ()>,
}

impl Directory {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            known: Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build(),
            unknown: Cache::builder().max_capacity(REMEMBERED).time_to_live(BELIEVED).build(),
        }
    }

    /// Finds out who asks. A key that is unknown, revoked or not a key at all takes the same path and ends the same.
    ///
    /// # Errors
    /// [`Error::AuthenticationFailed`] or [`Error::ApiKeyExpired`].
    pub async fn authenticate(&self, headers: &HeaderMap, now: i64) -> Result<Arc<Caller>, Error> {
        let hash = ApiKey::from_headers(headers).ok_or(Error::AuthenticationFailed)?.hash();
        if self.unknown.contains_key(&hash) {
            return Err(Error::AuthenticationFailed);
        }
        // Requests that come together with one key wait for one read.
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
        let row = api_key::Entity::find().filter(api_key::COLUMN.key_hash.eq(hash)).one(&self.db).await?;
        let row = row.filter(|row| row.revoked_at.is_none_or(|at| at > now)).ok_or(Error::AuthenticationFailed)?;
        Ok(Arc::new(Caller {
            limits: issue::of(&row),
            scopes: Scope::parse_list(&row.scopes),
            key_id: row.key_id,
            partner_id: row.partner_id,
            environment: row.environment,
            account: row.privacy_subject,
            expires_at: row.expires_at,
        }))
    }
}
