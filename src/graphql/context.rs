//! Context of one request for its resolvers: caller, epoch, and the data loaders that batch its reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::{Context, dataloader::DataLoader};
use sea_orm::DatabaseConnection;
use tokio::sync::OnceCell;

use super::{
    batches::Batches,
    loaders::{ReleaseLoader, SegmentLoader},
    test_mode::TestMode,
};
use crate::{
    catalog::{CatalogCache, RankedCatalog},
    domain::{
        clock::Clock,
        epoch::{Epoch, WindowLength},
        error::Error,
        precision::Precision,
        segment::{Cohort, Definition},
    },
    gate::{
        auth::Caller,
        documents::DocumentReader,
        prices::PRICES,
        quota::{Remaining, Reservation},
    },
    privacy::{Bundle, Question, ReleaseService, Released},
    statistics::knots::KnotCache,
};

/// The services that resolvers use, shared by all requests.
pub struct Services {
    pub db: DatabaseConnection,
    pub clock: Arc<dyn Clock>,
    pub releases: Arc<ReleaseService>,
    pub catalogs: CatalogCache,
    pub knots: KnotCache,
    pub documents: DocumentReader,
    /// The synthetic people of test keys.
    pub test_mode: TestMode,
}

/// The context of one request.
pub struct RequestContext {
    pub services: Arc<Services>,
    pub caller: Caller,
    pub epoch: Arc<Epoch>,
    /// What remained of the key's limits after this request was reserved.
    pub remaining: Remaining,
    /// Number of unknown slugs for which suggestions were made.
    pub suggestions: AtomicU64,
    /// Points of the fields that this request has started.
    started_points: Arc<AtomicU64>,
    /// Loads saved segments.
    pub segments: DataLoader<SegmentLoader>,
    /// Loads releases of segments.
    pub releases: DataLoader<ReleaseLoader>,
    /// Runs the batches of the loaders.
    pub batches: Arc<Batches>,
    /// Privacy units charged to this request so far, in microunits.
    pub charged_microunits: Arc<AtomicI64>,
    /// The partner's ranked catalog, loaded on first use.
    catalog: OnceCell<Arc<RankedCatalog>>,
}

impl RequestContext {
    /// Creates the context of a request that the limits admitted. A test key reads synthetic people.
    ///
    /// # Errors
    /// [`Error::Internal`] if the synthetic people cannot be made.
    pub async fn new(
        services: Arc<Services>,
        caller: Caller,
        epoch: Arc<Epoch>,
        reservation: &Reservation,
    ) -> Result<Self, Error> {
        let (mut epoch, mut service) = (epoch, Arc::clone(&services.releases));
        if caller.test_mode {
            let data = services.test_mode.find(&epoch, &services.clock).await?;
            data.open_account(&caller.account).await?;
            (epoch, service) = (Arc::clone(&data.epoch), Arc::clone(&data.releases));
        }
        let (charged_microunits, batches) = (Arc::<AtomicI64>::default(), Arc::<Batches>::default());
        let segments = SegmentLoader { db: services.db.clone(), partner_id: caller.partner_id.clone() };
        let releases = ReleaseLoader {
            releases: service,
            account: caller.account.clone(),
            epoch: Arc::clone(&epoch),
            charged_microunits: (!caller.test_mode).then(|| Arc::clone(&charged_microunits)),
        };
        let (lookups, questions) = (Arc::clone(&batches), Arc::clone(&batches));
        Ok(Self {
            services,
            caller,
            epoch,
            remaining: reservation.remaining(),
            suggestions: AtomicU64::default(),
            started_points: reservation.started_points(),
            segments: DataLoader::new(segments, move |batch| lookups.queue_lookups(batch)).delay(Duration::ZERO),
            releases: DataLoader::new(releases, move |batch| questions.queue_questions(batch))
                .delay(Duration::ZERO)
                // A full batch would run before the rest of the document has queued its questions.
                .max_batch_size(usize::MAX),
            batches,
            charged_microunits,
            catalog: OnceCell::new(),
        })
    }

    /// Returns the context of the current request.
    ///
    /// # Errors
    /// [`Error::AuthenticationFailed`] if the caller has no key. Such callers may only use introspection.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Error> {
        ctx.data_opt::<Self>().ok_or(Error::AuthenticationFailed)
    }

    /// Charges the points of a field that starts, with which `items` items were sent. They stay charged even if the
    /// request ends early.
    pub fn charge_points(&self, on: &str, field: &str, items: usize) {
        self.started_points.fetch_add(PRICES.weight(on, field, items), Ordering::Relaxed);
    }

    /// Returns the partner's ranked catalog, as of the first use in this request.
    pub async fn catalog(&self) -> Result<Arc<RankedCatalog>, Error> {
        let load = || self.services.catalogs.find(&self.caller.partner_id);
        self.catalog.get_or_try_init(load).await.cloned()
    }

    /// Resolves a segment definition with the vocabulary of this epoch.
    ///
    /// # Errors
    /// [`Error::BadUserInput`] or [`Error::NotInVocabulary`] if the definition is invalid.
    pub fn cohort(&self, definition: &Definition) -> Result<Arc<Cohort>, Error> {
        Cohort::parse(definition, &self.epoch.vocabulary).map(Arc::new)
    }

    /// The question for a bundle of a segment, in a window that ends with this epoch.
    #[must_use]
    pub fn question(
        &self,
        cohort: &Arc<Cohort>,
        length: WindowLength,
        bundle: Bundle,
        precision: Precision,
    ) -> Question {
        let window = self.epoch.window(length);
        Question { cohort: Arc::clone(cohort), window, bundle, precision, comparison_only: false }
    }

    /// Loads the release that answers a question, in one batch with all others of the document.
    ///
    /// # Errors
    /// Those of [`ReleaseService::answer`], and those of the question itself.
    pub async fn release(&self, question: Question) -> Result<Released, Error> {
        self.releases.load_one(question).await?.unwrap_or(Err(Error::Internal))
    }
}
