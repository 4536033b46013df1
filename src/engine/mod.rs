//! Sums of integers over cohorts. All engines return the same integers, whatever the order of summation.

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

/// A request for the sums of one bundle over one cohort in one window.
#[derive(Clone, Debug)]
pub struct SumRequest {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
}

/// Computes exact sums. Only [`crate::privacy`] can turn them into values that may be released.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The sums of each request, in the order of `requests`; each vector is in the order of its bundle's groups.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database is unreachable or an epoch has been deleted. [`Error::Internal`] for any
    /// other failure.
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error>;

    /// Prepares the engine for an epoch while requests are served. Called periodically.
    ///
    /// # Errors
    /// If the data of the epoch cannot be loaded. The engine then continues as before.
    async fn refresh(&self, _epoch_id: i32) -> anyhow::Result<()> {
        Ok(())
    }
}
