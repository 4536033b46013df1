//! Context of one request for its resolvers: caller, epoch, and the data loaders that batch its reads.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use async_graphql::{Context, dataloader::DataLoader};
use tokio::sync::OnceCell;

use crate::{
    auth::Caller,
    batch::Batches,
    catalog::Shelf,
    epoch::Epoch,
    error::Error,
    loader::Loader,
    quota::{Left, Reservation},
    segment::{Cohort, Definition},
    state::State,
};

/// The context of one request.
pub struct Session {
    pub state: State,
    pub caller: Caller,
    pub epoch: Arc<Epoch>,
    /// What was left of the key's limits after this request was reserved.
    pub left: Left,
    /// Number of unknown slugs for which suggestions were made.
    pub suggested: AtomicU64,
    /// Points of the fields that this request has started.
    pub begun: Arc<AtomicU64>,
    /// Loads saved segments.
    pub segments: DataLoader<Loader>,
    /// Loads releases of segments.
    pub answers: DataLoader<Loader>,
    /// Runs the batches of the loaders.
    pub batches: Arc<Batches>,
    /// Privacy units charged to this request so far, in milliunits.
    pub paid_mu: Arc<AtomicI64>,
    /// The partner's ranked catalog, loaded on first use.
    shelf: OnceCell<Arc<Shelf>>,
}

impl Session {
    /// Creates the session of a request that the limits admitted.
    #[must_use]
    pub fn open(state: State, caller: Caller, reservation: &Reservation) -> Self {
        let (epoch, paid_mu, batches) = (state.epoch(), Arc::<AtomicI64>::default(), Arc::<Batches>::default());
        let loader = Loader {
            state: state.clone(),
            caller: caller.clone(),
            epoch: Arc::clone(&epoch),
            paid_mu: Arc::clone(&paid_mu),
        };
        let (lookups, questions) = (Arc::clone(&batches), Arc::clone(&batches));
        let segments = DataLoader::new(loader.clone(), move |batch| lookups.look_up(batch)).delay(Duration::ZERO);
        let answers = DataLoader::new(loader, move |batch| questions.question(batch))
            .delay(Duration::ZERO)
            // A full batch would run before the rest of the document has queued its questions.
            .max_batch_size(usize::MAX);
        let (left, begun) = (reservation.left(), reservation.begun());
        let suggested = AtomicU64::default();
        let shelf = OnceCell::new();
        Self { state, caller, epoch, left, suggested, begun, segments, answers, batches, paid_mu, shelf }
    }

    /// Returns the session of the current request.
    ///
    /// # Errors
    /// [`Error::AuthenticationFailed`] if the caller has no key. Such callers may only use introspection.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Error> {
        ctx.data_opt::<Self>().ok_or(Error::AuthenticationFailed)
    }

    /// Adds the points of a field that starts. They are charged even if the request ends early.
    pub fn begin(&self, points: u64) {
        self.begun.fetch_add(points, Ordering::Relaxed);
    }

    /// Returns the partner's ranked catalog, as of the first use in this request.
    pub async fn shelf(&self) -> Result<Arc<Shelf>, Error> {
        self.shelf.get_or_try_init(|| self.state.shelves.of(&self.caller.partner_id)).await.cloned()
    }

    /// Resolves a segment definition with the vocabulary of this epoch.
    ///
    /// # Errors
    /// [`Error::BadUserInput`] or [`Error::NotInVocabulary`] if the definition is invalid.
    pub fn cohort(&self, definition: &Definition) -> Result<Arc<Cohort>, Error> {
        Cohort::parse(definition, &self.epoch.vocabulary).map(Arc::new)
    }
}
