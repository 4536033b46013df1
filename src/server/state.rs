//! Application state: the parts that all requests share, and the dependencies that `serve` or a test supplies.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderValue;
use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;

use super::{
    request_log::{LogContext, LogWriter},
    telemetry::Traces,
};
use crate::{
    catalog::CatalogCache,
    domain::{clock::Clock, epoch::Epoch},
    gate::{
        auth::Directory,
        documents::DocumentCache,
        in_flight::InFlightLimiter,
        persisted::PersistedDocuments,
        quota::{QuotaStore, RefusalCache},
    },
    graphql::{
        context::Services,
        schema::{self, Schema},
        test_mode::TestMode,
    },
    privacy::{Engine, NoiseSource, ReleaseService, steps},
    statistics::knots::KnotCache,
    storage::epochs::CurrentEpoch,
};

/// State shared by all requests. Cloning is cheap.
#[derive(Clone)]
pub struct AppState(Arc<Parts>);

/// The parts of an [`AppState`].
pub struct Parts {
    /// What resolvers use.
    pub services: Arc<Services>,
    pub schema: Schema,
    pub epoch: CurrentEpoch,
    pub quotas: Arc<dyn QuotaStore>,
    /// Recent rejections by limits.
    pub refusals: RefusalCache,
    pub log: LogContext,
    pub directory: Directory,
    pub documents: DocumentCache,
    /// Documents that requests name by their hash.
    pub persisted: PersistedDocuments,
    /// In-flight limit per account.
    pub in_flight: InFlightLimiter,
    /// Free slots for requests to be processed.
    pub workers: Semaphore,
    pub timeouts: Timeouts,
    pub public_introspection: bool,
    pub cors_origins: Vec<HeaderValue>,
}

/// Dependencies of an [`AppState`].
pub struct AppDependencies {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub noise: Arc<dyn NoiseSource>,
    pub engine: Arc<dyn Engine>,
    pub quotas: Arc<dyn QuotaStore>,
    pub log: LogWriter,
    /// Where spans are sent; `None` if tracing is disabled.
    pub traces: Option<Arc<Traces>>,
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

impl AppState {
    /// Creates the state.
    ///
    /// # Errors
    /// A bundle loses more privacy than it charges ([`steps::check`]), or the price table contains a field that the
    /// schema lacks. In both cases the server must not start.
    pub fn new(dependencies: AppDependencies) -> anyhow::Result<Self> {
        steps::check()?;
        let AppDependencies { db, clock, noise, engine, quotas, log, traces, epoch, .. } = dependencies;
        let services = Services {
            releases: Arc::new(ReleaseService::new(db.clone(), engine, noise, Arc::clone(&clock))),
            catalogs: CatalogCache::new(db.clone()),
            knots: KnotCache::default(),
            documents: schema::document_reader()?,
            test_mode: TestMode::default(),
            clock: Arc::clone(&clock),
            db: db.clone(),
        };
        Ok(Self(Arc::new(Parts {
            services: Arc::new(services),
            schema: schema::build(),
            epoch: CurrentEpoch::new(db.clone(), Arc::clone(&clock), epoch),
            quotas,
            refusals: RefusalCache::default(),
            log: LogContext { clock, writer: log, traces },
            persisted: PersistedDocuments::new(db.clone()),
            directory: Directory::new(db),
            documents: DocumentCache::default(),
            in_flight: InFlightLimiter::default(),
            workers: Semaphore::new(WORKERS),
            timeouts: dependencies.timeouts,
            public_introspection: dependencies.public_introspection,
            cors_origins: dependencies.cors_origins,
        })))
    }

    /// The time in milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.services.clock.now_ms()
    }
}

impl std::ops::Deref for AppState {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
