//! Limits on requests and points: points are reserved before a document is executed and settled once afterwards.
//!
//! An account has four budgets: requests per minute (a minute begins with its first request) and per UTC day, points in
//! a bucket that is restored continuously, and points per UTC day. A request is charged to all of them or to none.
//! Points that it reserved and did not use are returned when it ends, however it ends. A server that crashes cannot
//! settle, so a reservation is a lease: when it expires, all its points are returned.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;

use crate::domain::{clock::Clock, key::Limits, quota::LimitExceeded};

mod counters;
mod daily_usage;
mod process;
mod redis;
mod refusal_cache;

pub use self::redis::{REDIS_TIMEOUT, RedisQuotas};
pub use counters::{Budget, Remaining};
pub use daily_usage::{DailyUsage, LoggedUsage, NoUsage};
pub use process::ProcessQuotas;
pub use refusal_cache::RefusalCache;

/// Time after which a reservation that was not settled expires, in milliseconds. Longer than any request may take.
const LEASE_MS: i64 = 60_000;

/// A request for a reservation.
#[derive(Clone, Debug)]
pub struct ReservationRequest {
    pub account: String,
    pub limits: Limits,
    pub points: u64,
}

impl ReservationRequest {
    /// The lease that grants this request.
    fn lease(&self, id: String, day: i64) -> Lease {
        Lease { id, account: self.account.clone(), limits: self.limits, points: self.points, day, emergency: false }
    }
}

/// A reservation as it is kept in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub id: String,
    pub account: String,
    pub limits: Limits,
    pub points: u64,
    /// The day whose points were charged, in days since 1970-01-01 UTC.
    pub day: i64,
    /// Whether it was granted from the emergency share of one server, because the shared store is unavailable.
    pub emergency: bool,
}

/// The result of a reservation.
pub type ReserveResult = Result<(Lease, Remaining), ReserveError>;

/// Why a reservation was rejected.
#[derive(Clone, Debug, PartialEq)]
pub enum ReserveError {
    /// By a limit.
    Limit {
        exceeded: LimitExceeded,
        /// The limits in force. Those of an emergency share are lower than those of the key.
        limits: Limits,
        remaining: Remaining,
        emergency: bool,
    },
    /// The usage cannot be read. Requests are rejected in this case, not admitted.
    Unavailable,
}

/// Store of budgets.
#[async_trait]
pub trait QuotaStore: Send + Sync {
    /// Charges one request and its points to all budgets of an account, or to none.
    async fn reserve(&self, request: &ReservationRequest, now_ms: i64) -> ReserveResult;

    /// Returns the unused points of a reservation. Has no effect if it was settled before or the lease has expired.
    fn settle(&self, lease: &Lease, unused: u64, now_ms: i64);
}

/// Points reserved for one request. If it is dropped before it is settled (the client disconnected, or the request
/// timed out), the points of the fields that had started stay charged, and the rest is returned.
pub struct Reservation {
    store: Arc<dyn QuotaStore>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    remaining: Remaining,
    /// Points of the fields that have started so far.
    started_points: Arc<AtomicU64>,
    settled: bool,
}

impl Reservation {
    /// Reserves one request and its points.
    ///
    /// # Errors
    /// [`ReserveError::Limit`] if a limit rejects the request, [`ReserveError::Unavailable`] if its usage cannot be
    /// read.
    pub async fn take(
        store: &Arc<dyn QuotaStore>,
        clock: &Arc<dyn Clock>,
        request: &ReservationRequest,
    ) -> Result<Self, ReserveError> {
        let (lease, remaining) = store.reserve(request, clock.now_ms()).await?;
        let (store, clock) = (Arc::clone(store), Arc::clone(clock));
        Ok(Self { store, clock, lease, remaining, started_points: Arc::default(), settled: false })
    }

    /// What was left after the reservation.
    #[must_use]
    pub fn remaining(&self) -> Remaining {
        self.remaining
    }

    /// Counter for the points of the fields that the request starts.
    #[must_use]
    pub fn started_points(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.started_points)
    }

    /// The limits in force. Those of an emergency share are lower than those of the key.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.lease.limits
    }

    /// Whether it was granted from an emergency share.
    #[must_use]
    pub fn is_emergency(&self) -> bool {
        self.lease.emergency
    }

    /// Charges `used` points and returns the rest to the budgets. Returns what is left afterwards.
    #[must_use]
    pub fn settle(mut self, used: u64) -> Remaining {
        let unused = self.end(used);
        let limits = self.lease.limits;
        let mut remaining = self.remaining;
        remaining.points.left = (remaining.points.left + unused).min(limits.points_per_minute);
        let missing = limits.points_per_minute - remaining.points.left;
        remaining.points.full_in_s = (missing * 60).div_ceil(limits.points_per_minute.max(1));
        remaining.points_day.left = (remaining.points_day.left + unused).min(limits.points_per_day);
        remaining
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
        self.end(self.started_points.load(Ordering::Relaxed));
    }
}
