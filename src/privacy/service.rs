//! The release service: the only holder of exact sums.

use std::{collections::BTreeMap, sync::Arc};

use moka::sync::Cache;
use sea_orm::DatabaseConnection;

use super::{
    Engine, NoiseSource, SumRequest,
    budget::{Budget, Budgets, RegionBudget},
    release::StepRow,
};
use crate::{
    domain::{
        atom::{Atom, ByBand},
        clock::Clock,
        error::Error,
    },
    storage::charges::Charge,
};

/// Entries of the caches of holdings and of verdicts.
const CACHED_HOLDINGS: u64 = 100_000;
/// Entries of the cache of epochs.
const CACHED_EPOCHS: u64 = 16;

/// The release service: answers questions from stored releases, and makes releases from the engine's exact sums.
pub struct ReleaseService {
    pub(super) db: DatabaseConnection,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) noise: Arc<dyn NoiseSource>,
    pub(super) clock: Arc<dyn Clock>,
    /// The first steps of a measurement that an account is known to have been charged for.
    pub(super) held: Cache<(String, SumRequest), Arc<Vec<Arc<StepRow>>>>,
    /// Stored minimum-difference verdicts: (payer, key of the verdict) -> whether the segment may be shown. A verdict
    /// never changes.
    pub(super) verdicts: Cache<(String, String), bool>,
    /// Whether releases of the policy 2026-1 are stored for an epoch.
    pub(super) old_epochs: Cache<i32, bool>,
    budgets: Budgets,
}

impl ReleaseService {
    pub fn new(
        db: DatabaseConnection,
        engine: Arc<dyn Engine>,
        noise: Arc<dyn NoiseSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            budgets: Budgets::new(db.clone()),
            db,
            engine,
            noise,
            clock,
            held: Cache::new(CACHED_HOLDINGS),
            verdicts: Cache::new(CACHED_HOLDINGS),
            old_epochs: Cache::new(CACHED_EPOCHS),
        }
    }

    /// The budget of an account, from committed charges.
    pub async fn budget(&self, account: &str) -> Result<Budget, Error> {
        self.budgets.of(account, self.clock.now()).await
    }

    /// When an account's budget of an atom becomes available again; see [`Budgets::returns`].
    pub async fn returns(&self, account: &str, atom: &Atom) -> Result<Vec<Charge>, Error> {
        self.budgets.returns(account, atom, self.clock.now()).await
    }

    /// The part of the budgets of `regions` that is available to an account.
    pub async fn region_budgets(&self, account: &str, regions: &[String]) -> Result<Vec<RegionBudget>, Error> {
        self.budgets.of_regions(account, regions, self.clock.now()).await
    }

    /// The budget of an account as of at most a few seconds ago, for the response to a document.
    pub async fn recent_budget(&self, account: &str) -> Result<Arc<Budget>, Error> {
        self.budgets.recent(account, self.clock.now()).await
    }

    /// Adds a charge to the cached budget of an account; see [`Budgets::add_to_recent`].
    pub(super) fn add_to_recent_budget(&self, account: &str, charged: &BTreeMap<String, ByBand>) {
        self.budgets.add_to_recent(account, charged);
    }
}
