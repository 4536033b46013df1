//! Budgets that several servers share: one Lua script takes from all budgets of an account at once, by the clock of
//! Redis.
//!
//! When Redis does not answer, the circuit opens: no request waits for it again until a task in the background has
//! reached it. Until then each server grants from a share of its own, a quarter of each limit, so that a partner is
//! neither locked out nor unlimited; with `n` servers a partner can get `n` quarters on top of what Redis had granted
//! (`docs/limits.md`).

use std::{
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use redis::{Client, Script, aio::MultiplexedConnection};

use super::{Ask, Days, Granted, LEASE_MS, Lease, NoDays, ProcessQuotas, QuotaStore, Refused, counters::Counters};
use crate::auth::{Limits, random_hex};

/// How long one request may wait for Redis, once, before the circuit opens.
pub const PATIENCE: Duration = Duration::from_millis(40);
/// How often a lost Redis is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The part of each limit that one server grants by itself.
const EMERGENCY_SHARE: u64 = 4;

const GRANTED: i64 = 1;
const SAY_TODAY: i64 = 2;

/// Budgets in Redis.
pub struct RedisQuotas {
    shared: Arc<Shared>,
    days: Arc<dyn Days>,
    emergency: ProcessQuotas,
    /// Tells the leases of servers apart.
    server: String,
    next: AtomicU64,
    /// What tests add to the clock of Redis.
    pub shift_ms: AtomicI64,
}

struct Shared {
    client: Client,
    patience: Duration,
    /// The closed circuit; `None` while it is open.
    connection: RwLock<Option<MultiplexedConnection>>,
    reserve: Script,
    settle: Script,
}

impl Shared {
    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn open_circuit(&self, cause: &str) {
        let mut connection = self.connection.write().unwrap_or_else(PoisonError::into_inner);
        if connection.take().is_some() {
            tracing::warn!(cause, "Redis does not answer: limits are kept per server, a quarter each, until it does");
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let connection = tokio::time::timeout(Duration::from_secs(2), self.client.get_multiplexed_async_connection());
        let mut connection =
            connection.await.map_err(|_| "timed out".to_owned())?.map_err(|cause| cause.to_string())?;
        let ping = redis::cmd("PING");
        let pong = tokio::time::timeout(self.patience, ping.query_async::<String>(&mut connection));
        pong.await.map_err(|_| "timed out".to_owned())?.map_err(|cause| cause.to_string())?;
        *self.connection.write().unwrap_or_else(PoisonError::into_inner) = Some(connection);
        Ok(())
    }
}

fn keys(account: &str) -> [String; 2] {
    // One hash tag, so that a cluster keeps both in one place.
    [format!("spots:{{{account}}}:counters"), format!("spots:{{{account}}}:leases")]
}

impl RedisQuotas {
    /// Connects; a Redis that is away is looked for in the background. `patience` is what one request may wait, once,
    /// before the circuit opens: [`PATIENCE`], unless a busy test must not meet an open one.
    ///
    /// # Errors
    /// The URL is not one. Never repeats it: it may hold a password.
    pub async fn connect(url: &str, days: Arc<dyn Days>, patience: Duration) -> anyhow::Result<Self> {
        let client = Client::open(url).map_err(|_| anyhow::anyhow!("not a redis:// URL")).context("REDIS_URL")?;
        let shared = Arc::new(Shared {
            client,
            patience,
            connection: RwLock::new(None),
            reserve: Script::new(include_str!("redis.lua")),
            settle: Script::new(include_str!("settle.lua")),
        });
        if let Err(cause) = shared.connect().await {
            tracing::warn!(
                cause,
                "Redis is not reachable yet: limits are kept per server, a quarter each, until it is"
            );
        }
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                let Some(shared) = weak.upgrade() else { return };
                if shared.connection().is_none() && shared.connect().await.is_ok() {
                    tracing::info!("Redis answers: limits are shared again");
                }
            }
        });
        Ok(Self {
            shared,
            days,
            emergency: ProcessQuotas::new(Arc::new(NoDays)),
            server: random_hex(6).map_err(crate::error::Error::explain)?,
            next: AtomicU64::new(0),
            shift_ms: AtomicI64::new(0),
        })
    }

    async fn call(&self, ask: &Ask, id: &str, today: Option<(u64, u64)>) -> Result<[i64; 8], String> {
        let mut connection = self.shared.connection().ok_or_else(|| "the circuit is open".to_owned())?;
        let (requests, points) =
            today.map_or_else(Default::default, |(requests, points)| (requests.to_string(), points.to_string()));
        let [counters, leases] = keys(&ask.account);
        let mut call = self.shared.reserve.key(counters);
        call.key(leases)
            .arg(ask.limits.per_minute)
            .arg(ask.limits.per_day)
            .arg(ask.limits.points_per_minute)
            .arg(ask.limits.points_per_day)
            .arg(ask.points)
            .arg(id)
            .arg(LEASE_MS)
            .arg(requests)
            .arg(points)
            .arg(self.shift_ms.load(Ordering::SeqCst));
        let answer = tokio::time::timeout(self.shared.patience, call.invoke_async::<Vec<i64>>(&mut connection)).await;
        let answer =
            answer.map_err(|_| "timed out".to_owned()).and_then(|answer| answer.map_err(|cause| cause.to_string()));
        let answer = answer.and_then(|numbers| numbers.try_into().map_err(|_| "not the script's answer".to_owned()));
        answer.inspect_err(|cause| self.shared.open_circuit(cause))
    }

    async fn emergency(&self, ask: &Ask, now_ms: i64) -> Granted {
        metrics::counter!("spots_quota_emergency_total").increment(1);
        match self.emergency.reserve(&share(ask), now_ms).await {
            Ok((lease, left)) => Ok((Lease { emergency: true, ..lease }, left)),
            Err(Refused::Limit { refusal, limits, left, .. }) => {
                Err(Refused::Limit { refusal, limits, left, emergency: true })
            }
            Err(refused) => Err(refused),
        }
    }
}

/// What one server grants by itself. The bucket still holds any query that is allowed.
fn share(ask: &Ask) -> Ask {
    let limits = &ask.limits;
    let part = |limit: u64| (limit / EMERGENCY_SHARE).max(1);
    let query = limits.max_query_points;
    let limits = Limits {
        per_minute: part(limits.per_minute),
        per_day: part(limits.per_day),
        max_query_points: query,
        points_per_minute: part(limits.points_per_minute).max(query.min(limits.points_per_minute)),
        points_per_day: part(limits.points_per_day).max(query.min(limits.points_per_day)),
    };
    Ask { limits, ..ask.clone() }
}

#[async_trait]
impl QuotaStore for RedisQuotas {
    async fn reserve(&self, ask: &Ask, now_ms: i64) -> Granted {
        let id = format!("{}-{}", self.server, self.next.fetch_add(1, Ordering::Relaxed));
        let mut answer = self.call(ask, &id, None).await;
        if let Ok([SAY_TODAY, _, _, _, day, ..]) = answer {
            let used = self.days.used(&ask.account, day).await.map_err(|cause| {
                tracing::error!(%cause, "cannot read what a key used today");
                Refused::Unavailable
            })?;
            answer = self.call(ask, &id, Some(used)).await;
        }
        let Ok([state, now_ms, began, minute, day, requests, points, bucket]) = answer else {
            return self.emergency(ask, now_ms).await;
        };
        let counters = Counters {
            minute_began_ms: began,
            minute: minute.unsigned_abs(),
            day,
            day_requests: requests.unsigned_abs(),
            day_points: points.unsigned_abs(),
            bucket: bucket.unsigned_abs(),
            bucket_at_ms: now_ms,
        };
        if state != GRANTED {
            return Err(counters.refuse(&ask.limits, ask.points, now_ms));
        }
        Ok((ask.lease(id, day), counters.left(&ask.limits, now_ms)))
    }

    fn settle(&self, lease: &Lease, unused: u64, now_ms: i64) {
        if lease.emergency {
            return self.emergency.settle(lease, unused, now_ms);
        }
        // In the background: nobody waits for it. A lease that is not settled comes back when it runs out.
        let Some(mut connection) = self.shared.connection() else { return };
        let (shared, lease) = (Arc::clone(&self.shared), lease.clone());
        tokio::spawn(async move {
            let [counters, leases] = keys(&lease.account);
            let mut call = shared.settle.key(counters);
            call.key(leases)
                .arg(format!("{}:{}:{}", lease.id, lease.points, lease.day))
                .arg(unused)
                .arg(lease.day)
                .arg(lease.limits.points_per_minute);
            let answer = tokio::time::timeout(shared.patience * 5, call.invoke_async::<i64>(&mut connection)).await;
            if !matches!(answer, Ok(Ok(_))) {
                shared.open_circuit("a reservation could not be settled");
            }
        });
    }
}
