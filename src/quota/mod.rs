//! Requests and points: reserve before a document runs, settle after it, exactly once.
//!
//! An account has four budgets: requests in a minute (which begins with its first request) and in a day (UTC), points
//! in a bucket that is restored evenly and in a day. A request takes from all of them or from none. What it reserved
//! and did not use comes back when it ends, however it ends; a server that dies cannot say, so a reservation is a lease
//! and comes back whole when it runs out.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::{auth::Limits, clock::Clock};

mod counters;
mod days;
mod lately;
mod process;
mod redis;

pub use self::redis::{PATIENCE as REDIS_PATIENCE, RedisQuotas};
pub use counters::{Budget, Left, Refusal};
pub use days::{Days, LoggedDays, NoDays};
pub use lately::Lately;
pub use process::ProcessQuotas;

/// How long a reservation is kept for a server that does not settle it. Longer than any request may take.
const LEASE_MS: i64 = 60_000;

/// What a request asks for.
#[derive(Clone, Debug)]
pub struct Ask {
    pub account: String,
    pub limits: Limits,
    pub points: u64,
}

impl Ask {
    /// The lease that grants it.
    fn lease(&self, id: String, day: i64) -> Lease {
        Lease { id, account: self.account.clone(), limits: self.limits, points: self.points, day, emergency: false }
    }
}

/// A reservation as its store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: String,
    pub account: String,
    pub limits: Limits,
    pub points: u64,
    /// The day whose points it took.
    pub day: i64,
    /// Granted from the emergency share of one server, because the shared store is away.
    pub emergency: bool,
}

/// What a store answers.
pub type Granted = Result<(Lease, Left), Refused>;

/// Why it did not grant.
#[derive(Clone, Debug, PartialEq)]
pub enum Refused {
    /// A limit.
    Limit {
        refusal: Refusal,
        /// The limits in force: of an emergency share they are smaller than the key's.
        limits: Limits,
        left: Left,
        emergency: bool,
    },
    /// The store cannot say, and limits are never failed open.
    Unavailable,
}

/// Where budgets are kept.
#[async_trait]
pub trait QuotaStore: Send + Sync {
    /// Takes one request and its points from all budgets of an account, or from none.
    async fn reserve(&self, ask: &Ask, now_ms: i64) -> Granted;

    /// Gives the unused points of a reservation back; a second time, or after the lease, does nothing.
    fn settle(&self, lease: &Lease, unused: u64, now_ms: i64);
}

/// Points that are reserved for the request at hand. Dropped before it is settled, it keeps what had begun and gives
/// the rest back: the client has gone, or the time is over.
pub struct Reservation {
    store: Arc<dyn QuotaStore>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    left: Left,
    /// Points of what was begun so far.
    begun: Arc<AtomicU64>,
    settled: bool,
}

impl Reservation {
    /// Reserves.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn take(store: &Arc<dyn QuotaStore>, clock: &Arc<dyn Clock>, ask: &Ask) -> Result<Self, Refused> {
        let (lease, left) = store.reserve(ask, clock.now_ms()).await?;
        let (store, clock) = (Arc::clone(store), Arc::clone(clock));
        Ok(Self { store, clock, lease, left, begun: Arc::default(), settled: false })
    }

    /// What was left right after the reservation.
    #[must_use]
    pub fn left(&self) -> Left {
        self.left
    }

    /// Where a request counts what it begins.
    #[must_use]
    pub fn begun(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.begun)
    }

    /// The limits in force: of an emergency share they are smaller than the key's.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.lease.limits
    }

    /// Whether it came from the emergency share.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        self.lease.emergency
    }

    /// Gives back what was not used; says what is left then.
    #[must_use]
    pub fn settle(mut self, used: u64) -> Left {
        let unused = self.end(used);
        let limits = self.lease.limits;
        let mut left = self.left;
        left.points.left = (left.points.left + unused).min(limits.points_per_minute);
        let missing = limits.points_per_minute - left.points.left;
        left.points.whole_in_s = (missing * 60).div_ceil(limits.points_per_minute.max(1));
        left.points_day.left = (left.points_day.left + unused).min(limits.points_per_day);
        left
    }

    fn end(&mut self, used: u64) -> u64 {
        let unused = self.lease.points.saturating_sub(used);
        if !self.settled {
            self.settled = true;
            self.store.settle(&self.lease, unused, self.clock.now_ms());
        }
        unused
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.end(self.begun.load(Ordering::Relaxed));
    }
}
