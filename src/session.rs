//! What one request carries through its resolvers: who asks, of which epoch, and the loaders that gather its questions.

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

/// One request.
pub struct Session {
    pub state: State,
    pub caller: Caller,
    pub epoch: Arc<Epoch>,
    /// What was left of the key's limits when this request began.
    pub left: Left,
    /// Unknown slugs to which suggestions were made.
    pub suggested: AtomicU64,
    /// Points of what this request has begun.
    pub begun: Arc<AtomicU64>,
    /// Looks saved segments up.
    pub segments: DataLoader<Loader>,
    /// Answers questions about segments.
    pub answers: DataLoader<Loader>,
    /// When the loaders' batches run.
    pub batches: Arc<Batches>,
    /// What this request paid, in milli-units.
    pub paid_mu: Arc<AtomicI64>,
    /// The caller's products, once they are needed.
    shelf: OnceCell<Arc<Shelf>>,
}

impl Session {
    /// The session of a caller whose request was admitted.
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
            // A batch that is full would go before the rest of the document.
            .max_batch_size(usize::MAX);
        let (left, begun) = (reservation.left(), reservation.begun());
        let suggested = AtomicU64::default();
        let shelf = OnceCell::new();
        Self { state, caller, epoch, left, suggested, begun, segments, answers, batches, paid_mu, shelf }
    }

    /// The session of a resolver.
    ///
    /// # Errors
    /// There is none: somebody asks without a key, where only introspection is answered.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Error> {
        ctx.data_opt::<Self>().ok_or(Error::AuthenticationFailed)
    }

    /// Counts points of what begins now: they are kept if the request is cut short.
    pub fn begin(&self, points: u64) {
        self.begun.fetch_add(points, Ordering::Relaxed);
    }

    /// The caller's products, as they are when a request first needs them.
    ///
    /// # Errors
    /// As the database says.
    pub async fn shelf(&self) -> Result<Arc<Shelf>, Error> {
        self.shelf.get_or_try_init(|| self.state.shelves.of(&self.caller.partner_id)).await.cloned()
    }

    /// A definition's cohort in this epoch.
    ///
    /// # Errors
    /// The definition is not one.
    pub fn cohort(&self, definition: &Definition) -> Result<Arc<Cohort>, Error> {
        Cohort::parse(definition, &self.epoch.vocabulary).map(Arc::new)
    }
}
