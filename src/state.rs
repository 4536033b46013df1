//! What the server is made of: all that a test must supply.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::http::HeaderValue;
use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;

use crate::{
    auth::Directory,
    catalog::Shelves,
    clock::Clock,
    cost::Shape,
    engine::Engine,
    epoch::Epoch,
    http::{Documents, Places},
    log::LogWriter,
    privacy::{Desk, NoiseSource, bundles},
    quota::{Lately, QuotaStore},
    schema::{self, Checker, Schema},
    types::knot::Knots,
};

/// Shared by all requests; cloning is cheap.
#[derive(Clone)]
pub struct State(Arc<Parts>);

/// The parts of a [`State`].
pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub quotas: Arc<dyn QuotaStore>,
    /// Who was refused a moment ago.
    pub lately: Lately,
    pub desk: Desk,
    /// The partners' products, ready to be ranked.
    pub shelves: Shelves,
    /// Knots that were computed.
    pub knots: Knots,
    pub log: LogWriter,
    pub directory: Directory,
    pub schema: Schema,
    pub checker: Checker,
    pub shape: Shape,
    pub documents: Documents,
    /// Requests that each account has in flight.
    pub places: Places,
    /// Requests that may be worked on at once.
    pub workers: Semaphore,
    pub timeouts: Timeouts,
    pub public_introspection: bool,
    pub cors_origins: Vec<HeaderValue>,
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
    pub timeouts: Timeouts,
    pub public_introspection: bool,
    pub cors_origins: Vec<HeaderValue>,
}

/// How long what may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// The headers of a request.
    pub header: Duration,
    /// The body of a request.
    pub body: Duration,
    /// A connection on which nothing is asked.
    pub idle: Duration,
    /// From the body to the answer.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [ten, thirty] = [10, 30].map(Duration::from_secs);
        Self { header: ten, body: ten, idle: thirty, request: ten }
    }
}

/// Requests that are worked on at once; the next one is told to come back.
pub const WORKERS: usize = 512;

impl State {
    /// Puts the parts together.
    ///
    /// # Errors
    /// The privacy table loses more than it charges ([`bundles::check`]), or the price table names what the schema lacks:
    /// such a server must not start.
    pub fn new(given: Given) -> anyhow::Result<Self> {
        bundles::check()?;
        let Given { db, clock, noise, engine, quotas, log, epoch, timeouts, public_introspection, cors_origins } =
            given;
        let schema = schema::build();
        Ok(Self(Arc::new(Parts {
            desk: Desk::new(db.clone(), engine, noise, Arc::clone(&clock)),
            lately: Lately::default(),
            shelves: Shelves::new(db.clone()),
            knots: Knots::default(),
            directory: Directory::new(db.clone()),
            shape: Shape::parse(&schema.sdl())?,
            checker: Checker::build(),
            schema,
            documents: Documents::default(),
            places: Places::default(),
            workers: Semaphore::new(WORKERS),
            epoch: RwLock::new(Arc::new(epoch)),
            db,
            clock,
            quotas,
            log,
            timeouts,
            public_introspection,
            cors_origins,
        })))
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
