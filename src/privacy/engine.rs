//! The port through which this layer gets exact sums; the layer `engine` implements it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Bundle, Exact, Sums};
use crate::domain::{epoch::Window, error::Error, segment::Cohort};

/// One bundle of one cohort in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SumRequest {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
}

/// Computes exact sums. Only [`crate::privacy`] can turn them into a release.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The sums of each request, in their order, each in the order of its bundle's groups.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error>;

    /// Loads what the engine needs for an epoch. Called every five seconds, also while requests run.
    ///
    /// # Errors
    /// The database fails. [`Engine::sums`] still works.
    async fn refresh(&self, _epoch_id: i32) -> anyhow::Result<()> {
        Ok(())
    }
}
