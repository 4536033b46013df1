//! What the server is made of: all that a test must supply.

use std::sync::{Arc, PoisonError, RwLock};

use sea_orm::DatabaseConnection;

use crate::{
    clock::Clock,
    engine::Engine,
    epoch::Epoch,
    log::LogWriter,
    privacy::{Desk, NoiseSource, bundles},
    quota::QuotaStore,
    schema::{self, Schema},
};

/// Shared by all requests; cloning is cheap.
#[derive(Clone)]
pub struct State(Arc<Parts>);

/// The parts of a [`State`].
pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub quotas: Arc<dyn QuotaStore>,
    pub desk: Desk,
    pub log: LogWriter,
    pub schema: Schema,
    pub public_introspection: bool,
    epoch: RwLock<Arc<Epoch>>,
}

/// What a test or `serve` decides.
pub struct Given {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub noise: Arc<dyn NoiseSource>,
    pub engine: Arc<dyn Engine>,
    pub quotas: Arc<dyn QuotaStore>,
    pub log: LogWriter,
    pub epoch: Epoch,
    pub public_introspection: bool,
}

impl State {
    /// Puts the parts together.
    ///
    /// # Errors
    /// The privacy table loses more than it charges ([`bundles::check`]): such a server must not start.
    pub fn new(given: Given) -> anyhow::Result<Self> {
        bundles::check()?;
        let Given { db, clock, noise, engine, quotas, log, epoch, public_introspection } = given;
        let desk = Desk::new(db.clone(), engine, noise, Arc::clone(&clock));
        let epoch = RwLock::new(Arc::new(epoch));
        Ok(Self(Arc::new(Parts { db, clock, quotas, desk, log, schema: schema::build(), public_introspection, epoch })))
    }

    /// The newest readable epoch that this server knows of.
    #[must_use]
    pub fn epoch(&self) -> Arc<Epoch> {
        Arc::clone(&self.0.epoch.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks for a newer epoch; requests in flight keep theirs.
    ///
    /// # Errors
    /// As the database says.
    pub async fn refresh_epoch(&self) -> Result<(), sea_orm::DbErr> {
        if let Some(newest) = Epoch::load_newest(&self.db, self.clock.now()).await? {
            let mut known = self.0.epoch.write().unwrap_or_else(PoisonError::into_inner);
            if newest.ends_at > known.ends_at {
                tracing::info!(epoch = newest.epoch_id, "new epoch");
                *known = Arc::new(newest);
            }
        }
        Ok(())
    }
}

impl std::ops::Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
