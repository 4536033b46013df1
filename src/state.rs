//! Application state: the parts that all requests share, and the dependencies that `serve` or a test supplies.

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

/// State shared by all requests. Cloning is cheap.
#[derive(Clone)]
pub struct State(Arc<Parts>);

/// The parts of a [`State`].
pub struct Parts {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub quotas: Arc<dyn QuotaStore>,
    /// Recent rejections by limits.
    pub lately: Lately,
    pub desk: Desk,
    /// Ranked catalogs of the partners.
    pub shelves: Shelves,
    /// Cache of computed knots.
    pub knots: Knots,
    pub log: LogWriter,
    pub directory: Directory,
    pub schema: Schema,
    pub checker: Checker,
    pub shape: Shape,
    pub documents: Documents,
    /// In-flight limit per account.
    pub places: Places,
    /// Free slots for requests to be processed.
    pub workers: Semaphore,
    pub timeouts: Timeouts,
    pub public_introspection: bool,
    pub cors_origins: Vec<HeaderValue>,
    epoch: RwLock<Arc<Epoch>>,
}

/// Dependencies of a [`State`].
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

/// Timeouts of connections and requests.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Until the headers of a request are complete.
    pub header: Duration,
    /// Until the body of a request is complete.
    pub body: Duration,
    /// Until a connection without a running request is closed.
    pub idle: Duration,
    /// From the complete body to the response.
    pub request: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let [ten, thirty] = [10, 30].map(Duration::from_secs);
        Self { header: ten, body: ten, idle: thirty, request: ten }
    }
}

/// Maximum number of requests that are processed at the same time. Further ones are rejected with `UNAVAILABLE`.
pub const WORKERS: usize = 512;

impl State {
    /// Creates the state.
    ///
    /// # Errors
    /// A bundle loses more privacy than it charges ([`bundles::check`]), or the price table contains a field that the
    /// schema lacks. In both cases the server must not start.
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

    /// The newest readable epoch that this server has loaded.
    #[must_use]
    pub fn epoch(&self) -> Arc<Epoch> {
        Arc::clone(&self.0.epoch.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Loads a newer epoch if there is one. Requests in flight keep theirs.
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
