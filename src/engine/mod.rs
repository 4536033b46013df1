//! Sums of integers over cohorts: any engine, any order, the same bits.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{
    epoch::Window,
    error::Error,
    privacy::{Bundle, Exact, Sums},
    segment::Cohort,
};

pub mod contribution;
mod memory;
pub mod rollup;
mod sql;

pub use memory::MemoryEngine;
pub use sql::SqlEngine;

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

    /// Makes ready for an epoch, beside the questions that are asked meanwhile; called again and again.
    ///
    /// # Errors
    /// The data cannot be reached: sums are made as before.
    async fn refresh(&self, _epoch_id: i32) -> anyhow::Result<()> {
        Ok(())
    }
}
