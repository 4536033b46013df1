//! The in-memory engine: holds the newest epoch in memory and returns the same integers as [`SqlEngine`].
//!
//! The epoch is loaded in the background. Requests that the loaded data cannot answer (an older epoch, an epoch from
//! which a person has been erased since it was loaded, a value that is not in the vocabulary) are passed to
//! [`SqlEngine`]. So no request waits for loading, and an erased person is in no later sum.

use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::RwLock;
use sea_orm::{DatabaseConnection, DbErr};

use super::SqlEngine;
use crate::{
    domain::error::Error,
    privacy::{
        Exact, Sums,
        engine::{Engine, SumRequest},
    },
    storage::epochs,
};

mod people;

use people::People;

/// The message of the log line that says that an epoch has been loaded; `bench` waits for it.
pub const EPOCH_LOADED: &str = "epoch in memory";

/// Computes sums in memory, or in SQL if the required data is not loaded.
pub struct MemoryEngine {
    db: DatabaseConnection,
    sql: SqlEngine,
    loaded: RwLock<Option<Arc<Loaded>>>,
}

struct Loaded {
    version: Version,
    people: People,
}

/// Identifies the content of an epoch's rows. An epoch changes only when a person is erased.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Version {
    epoch_id: i32,
    built_at: i64,
    /// The `audit_id` of the last erasure of any person; `None` if there was none.
    erased: Option<i64>,
}

impl Version {
    /// The current version of an epoch; `None` if the epoch does not exist.
    async fn read(db: &DatabaseConnection, epoch_id: i32) -> Result<Option<Self>, DbErr> {
        let version = epochs::built_and_last_erasure(db, epoch_id).await?;
        Ok(version.map(|(built_at, erased)| Self { epoch_id, built_at, erased }))
    }
}

impl MemoryEngine {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self { sql: SqlEngine::new(db.clone()), db, loaded: RwLock::new(None) }
    }

    /// The size of the loaded epoch in bytes, and the number of its people; `None` while no epoch is loaded.
    #[must_use]
    pub fn size(&self) -> Option<(usize, usize)> {
        self.loaded().map(|loaded| (loaded.people.bytes(), loaded.people.count()))
    }

    fn loaded(&self) -> Option<Arc<Loaded>> {
        self.loaded.read().clone()
    }

    fn set_loaded(&self, loaded: Option<Loaded>) {
        *self.loaded.write() = loaded.map(Arc::new);
    }

    /// The loaded epoch, if it is current and can answer all of these requests.
    async fn loaded_for(&self, requests: &[SumRequest]) -> Result<Option<Arc<Loaded>>, DbErr> {
        let Some(loaded) = self.loaded() else { return Ok(None) };
        let epoch_id = loaded.version.epoch_id;
        let all = requests
            .iter()
            .all(|request| request.window.epoch_id == epoch_id && loaded.people.has_terms_of(&request.cohort));
        if !all || Version::read(&self.db, epoch_id).await? != Some(loaded.version) {
            return Ok(None);
        }
        Ok(Some(loaded))
    }
}

#[async_trait]
impl Engine for MemoryEngine {
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error> {
        let Some(loaded) = self.loaded_for(requests).await? else { return self.sql.sums(requests).await };
        let requests = requests.to_vec();
        let sums = move || requests.iter().map(|request| Exact::new(loaded.people.sums(request))).collect();
        tokio::task::spawn_blocking(sums).await.map_err(Error::internal)
    }

    async fn refresh(&self, epoch_id: i32) -> anyhow::Result<()> {
        let Some(version) = Version::read(&self.db, epoch_id).await? else { return Ok(()) };
        if self.loaded().is_some_and(|loaded| loaded.version == version) {
            return Ok(());
        }
        // Drop the old epoch first, so that two epochs are never in memory at once; it will not be requested again.
        self.set_loaded(None);
        let people = People::load(&self.db, epoch_id).await?;
        // Rows are read window by window. A person who is erased meanwhile may be in one window and not in another.
        if Version::read(&self.db, epoch_id).await? == Some(version) {
            tracing::info!(epoch = epoch_id, people = people.count(), bytes = people.bytes(), "{EPOCH_LOADED}");
            self.set_loaded(Some(Loaded { version, people }));
        }
        Ok(())
    }
}
