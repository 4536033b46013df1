//! Test mode: a key with it reads synthetic people who use the vocabulary of the newest epoch. They are in a database
//! of their own in memory, so that nothing about real people is read and no privacy units are charged.

use std::sync::Arc;

use sea_orm::DatabaseConnection;
use tokio::sync::Mutex;

use crate::{
    domain::{
        clock::Clock,
        epoch::{Epoch, Vocabulary},
        error::Error,
    },
    engine::SqlEngine,
    ingest::synthetic,
    privacy::{OsNoise, ReleaseService},
    storage::{
        accounts,
        db::{self, DatabaseOptions},
    },
};

/// The privacy caps, in microunits: large enough never to be reached.
const CAP_MICROUNITS: i64 = i64::MAX / 1_000_000;

/// The synthetic people of all test keys, made when the first of them asks.
#[derive(Clone, Default)]
pub struct TestMode(Arc<Mutex<Option<Arc<TestData>>>>);

/// Synthetic people.
pub struct TestData {
    db: DatabaseConnection,
    /// The vocabulary that the people use.
    vocabulary: Arc<Vocabulary>,
    pub releases: Arc<ReleaseService>,
    pub epoch: Arc<Epoch>,
}

impl TestMode {
    /// The synthetic people for the vocabulary of `epoch`. They are made again when the vocabulary changes. That takes
    /// some seconds and goes on if the request ends before.
    ///
    /// # Errors
    /// [`Error::Internal`] if they cannot be made; the cause is logged.
    pub async fn find(&self, epoch: &Epoch, clock: &Arc<dyn Clock>) -> Result<Arc<TestData>, Error> {
        let (mode, vocabulary, clock) = (self.clone(), Arc::clone(&epoch.vocabulary), Arc::clone(clock));
        let finding = tokio::spawn(async move {
            let mut known = mode.0.lock().await;
            if let Some(data) = known.as_ref().filter(|data| data.vocabulary == vocabulary) {
                return Ok(Arc::clone(data));
            }
            let data = Arc::new(TestData::make(vocabulary, clock).await?);
            *known = Some(Arc::clone(&data));
            anyhow::Ok(data)
        });
        let found = finding.await.map_err(Error::internal)?;
        found.map_err(|cause| Error::internal(format!("test mode: {cause:#}")))
    }
}

impl TestData {
    async fn make(vocabulary: Arc<Vocabulary>, clock: Arc<dyn Clock>) -> anyhow::Result<Self> {
        // Each connection to a database in memory has a database of its own.
        let url = "sqlite::memory:".to_owned();
        let db = db::open(&DatabaseOptions { url, max_connections: 1, create: true }).await?;
        let epoch = synthetic::fill(&db, &vocabulary).await?;
        accounts::cap_all_regions(&db, CAP_MICROUNITS).await?;
        let engine = Arc::new(SqlEngine::new(db.clone()));
        let releases = Arc::new(ReleaseService::new(db.clone(), engine, Arc::new(OsNoise), clock));
        Ok(Self { db, vocabulary, releases, epoch: Arc::new(epoch) })
    }

    /// Opens an account of a test key in the database of the synthetic people.
    ///
    /// # Errors
    /// [`Error::Internal`] if the database fails.
    pub async fn open_account(&self, account: &str) -> Result<(), Error> {
        Ok(accounts::open(&self.db, account, CAP_MICROUNITS, None).await?)
    }
}
