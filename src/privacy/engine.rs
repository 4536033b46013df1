//! The port through which this room gets exact sums; the room `engine` implements it.

use std::sync::Arc;

use async_trait::async_trait;

use super::{Bundle, Exact, Sums};
use crate::domain::{epoch::Window, error::Error, segment::Cohort};

/// One bundle of one cohort in one window.
#[derive(Clone, Debug)]
pub struct SumRequest {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
}

/// Makes exact sums, which only [`crate::privacy`] can turn into something that may be seen.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The sums of each request, in their order, each in the order of its bundle's groups.
    ///
    /// # Errors
    /// The data cannot be reached.
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error>;

    /// Prepares for an epoch while questions are answered. Called repeatedly.
    ///
    /// # Errors
    /// The data cannot be reached: sums are made as before.
    async fn refresh(&self, _epoch_id: i32) -> anyhow::Result<()> {
        Ok(())
    }
}
