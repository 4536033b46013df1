//! What one request carries through its resolvers: who asks, of which epoch, and the loader that batches.

use std::sync::Arc;

use async_graphql::{Context, dataloader::DataLoader};

use crate::{
    auth::Caller, batch::Batches, epoch::Epoch, error::Error, loader::Loader, quota::Left, segment::Cohort,
    state::State,
};

/// One request.
pub struct Session {
    pub state: State,
    pub caller: Caller,
    pub epoch: Arc<Epoch>,
    pub left: Left,
    /// Looks saved segments up.
    pub segments: DataLoader<Loader>,
    /// Answers questions about segments.
    pub answers: DataLoader<Loader>,
    pub batches: Arc<Batches>,
}

impl Session {
    /// The session of a resolver.
    ///
    /// # Errors
    /// There is none: somebody asks without a key, where only introspection is answered.
    pub fn of<'a>(ctx: &Context<'a>) -> Result<&'a Self, Error> {
        ctx.data_opt::<Self>().ok_or(Error::AuthenticationFailed)
    }

    /// A definition's cohort in this epoch.
    ///
    /// # Errors
    /// The definition is not one.
    pub fn cohort(&self, definition: &crate::segment::Definition) -> Result<Arc<Cohort>, Error> {
        Cohort::parse(definition, &self.epoch.vocabulary).map(Arc::new)
    }
}
