//! Budgets kept in the memory of this process.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use parking_lot::Mutex;

use super::{
    DailyUsage, LEASE_MS, Lease, QuotaStore, ReservationRequest, ReserveResult,
    counters::{Counters, day_of},
    daily_usage::load_usage,
};

/// The budgets of an account.
struct Account {
    counters: Counters,
    /// Unsettled reservations, by id: points, day, and the time in milliseconds at which they expire.
    leases: HashMap<String, (u64, i64, i64)>,
}

/// Budgets of all accounts that were used since the start. Only valid keys reach this, so their number is bounded by
/// that of the keys.
pub struct ProcessQuotas {
    accounts: Mutex<HashMap<String, Account>>,
    usage: Arc<dyn DailyUsage>,
    next: AtomicU64,
}

impl ProcessQuotas {
    #[must_use]
    pub fn new(usage: Arc<dyn DailyUsage>) -> Self {
        Self { accounts: Mutex::default(), usage, next: AtomicU64::new(0) }
    }

    fn contains(&self, account: &str) -> bool {
        self.accounts.lock().contains_key(account)
    }
}

#[async_trait]
impl QuotaStore for ProcessQuotas {
    async fn reserve(&self, request: &ReservationRequest, now_ms: i64) -> ReserveResult {
        let day = day_of(now_ms);
        let mut used = (0, 0);
        if !self.contains(&request.account) {
            used = load_usage(&*self.usage, &request.account, day).await?;
        }
        let limits = &request.limits;
        let mut accounts = self.accounts.lock();
        let account = accounts
            .entry(request.account.clone())
            .or_insert_with(|| Account { counters: Counters::first(limits, now_ms, used), leases: HashMap::new() });
        let mut counters = account.counters.at(limits, now_ms);
        account.leases.retain(|_, (points, day, ends_at_ms)| {
            let over = now_ms >= *ends_at_ms;
            if over {
                counters.restore(limits, *points, *day);
            }
            !over
        });
        let fits = counters.reserve(limits, request.points);
        account.counters = counters;
        if !fits {
            return Err(counters.reject(limits, request.points, now_ms));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed).to_string();
        account.leases.insert(id.clone(), (request.points, counters.day, now_ms + LEASE_MS));
        Ok((request.lease(id, counters.day), counters.remaining(limits, now_ms)))
    }

    fn settle(&self, lease: &Lease, unused: u64, now_ms: i64) {
        let mut accounts = self.accounts.lock();
        let Some(account) = accounts.get_mut(&lease.account) else { return };
        if account.leases.remove(&lease.id).is_some() {
            account.counters = account.counters.at(&lease.limits, now_ms);
            account.counters.restore(&lease.limits, unused, lease.day);
        }
    }
}
