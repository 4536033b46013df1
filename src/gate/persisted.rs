//! Documents that a request names by their SHA-256: trusted documents, which the operator stored, and automatic
//! persisted queries, which clients register with their first request.

use std::{sync::Arc, time::Duration};

use moka::{future::Cache as FutureCache, sync::Cache};
use sea_orm::DatabaseConnection;
use sha2::{Digest as _, Sha256};

use super::auth::Caller;
use crate::{domain::error::Error, storage::trusted_documents};

/// Maximum memory of registered documents, in bytes. The least used ones are forgotten; clients then send them again.
const MAX_REGISTERED_BYTES: u64 = 32 << 20;
/// The time after which a registered document that is not used is forgotten.
const REGISTERED_IDLE_TIME: Duration = Duration::from_hours(24);
/// Maximum number of cached lookups of trusted documents.
const MAX_LOOKUPS: u64 = 10_000;
/// The lifetime of a cached lookup. An added or removed document takes effect on every server within this time.
const LOOKUP_TTL: Duration = Duration::from_secs(4);

/// How a request states its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DocumentSource {
    /// The text.
    Text(String),
    /// The SHA-256 of the text, in lower-case hex.
    Hash(String),
    /// The text and its SHA-256, to register it.
    Register { text: String, hash: String },
}

/// The SHA-256 of a document, in lower-case hex.
#[must_use]
pub fn document_hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// Finds documents by their hash.
pub struct PersistedDocuments {
    db: DatabaseConnection,
    /// Trusted documents by partner and hash; `None` = there is none.
    trusted: FutureCache<(String, String), Option<Arc<str>>>,
    /// Registered documents by account and hash: what one account sends is never executed for another.
    registered: Cache<(String, String), Arc<str>>,
}

impl PersistedDocuments {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        let weight = |(account, hash): &(String, String), text: &Arc<str>| {
            u32::try_from(account.len() + hash.len() + text.len()).unwrap_or(u32::MAX)
        };
        Self {
            db,
            trusted: FutureCache::builder().max_capacity(MAX_LOOKUPS).time_to_live(LOOKUP_TTL).build(),
            registered: Cache::builder()
                .max_capacity(MAX_REGISTERED_BYTES)
                .weigher(weight)
                .time_to_idle(REGISTERED_IDLE_TIME)
                .build(),
        }
    }

    /// Returns the text of a document.
    ///
    /// # Errors
    /// [`Error::PersistedQueryNotFound`] if no document has the hash, [`Error::InvalidRequest`] if a hash is not that
    /// of its text, [`Error::DocumentNotTrusted`] if the key is limited to trusted documents and this is none,
    /// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
    pub async fn resolve(&self, caller: &Caller, source: &DocumentSource) -> Result<Arc<str>, Error> {
        match source {
            DocumentSource::Hash(hash) => {
                if let Some(trusted) = self.find_trusted(caller, hash).await? {
                    return Ok(trusted);
                }
                let registered = self.registered.get(&(caller.account.clone(), hash.clone()));
                registered.filter(|_| !caller.documents_only).ok_or(Error::PersistedQueryNotFound)
            }
            DocumentSource::Text(text) => self.permit(caller, text, None).await,
            DocumentSource::Register { text, hash } => {
                if document_hash(text) != *hash {
                    let message = "The hash of the persisted query is not the SHA-256 of the query.".to_owned();
                    return Err(Error::InvalidRequest { message });
                }
                self.permit(caller, text, Some(hash)).await
            }
        }
    }

    /// Registers a document that was resolved, after it has proved valid.
    pub fn register(&self, caller: &Caller, source: &DocumentSource) {
        if let DocumentSource::Register { text, hash } = source
            && !caller.is_public()
        {
            self.registered.insert((caller.account.clone(), hash.clone()), text.as_str().into());
        }
    }

    /// Checks that the caller may send this text.
    async fn permit(&self, caller: &Caller, text: &str, hash: Option<&String>) -> Result<Arc<str>, Error> {
        if caller.documents_only {
            let hash = hash.map_or_else(|| document_hash(text), Clone::clone);
            return self.find_trusted(caller, &hash).await?.ok_or(Error::DocumentNotTrusted);
        }
        Ok(text.into())
    }

    async fn find_trusted(&self, caller: &Caller, hash: &str) -> Result<Option<Arc<str>>, Error> {
        if caller.is_public() {
            return Ok(None);
        }
        let key = (caller.partner_id.clone(), hash.to_owned());
        let find = async {
            let found = trusted_documents::find(&self.db, &caller.partner_id, hash).await?;
            Ok::<_, Error>(found.map(Arc::from))
        };
        self.trusted.try_get_with(key, find).await.map_err(|cause| (*cause).clone())
    }
}
