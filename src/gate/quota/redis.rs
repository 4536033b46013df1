//! Budgets shared by several servers, in Redis. One Lua script charges all budgets of an account atomically, with the
//! clock of Redis.
//!
//! If Redis does not respond in time, the circuit opens: no request waits for Redis until a background task has reached
//! it again. Until then each server grants from an emergency share of its own, a quarter of each limit, so that a
//! partner is neither locked out nor unlimited. With `n` servers a partner can use `n` quarters in addition to what
//! Redis had granted (`docs/limits.md`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::RwLock;
use redis::{Client, Script, aio::MultiplexedConnection};

use super::{
    DailyUsage, LEASE_MS, Lease, NoUsage, ProcessQuotas, QuotaStore, ReservationRequest, ReserveError, ReserveResult,
    counters::Counters, daily_usage::load_usage,
};
use crate::domain::{key::Limits, random::random_hex};

/// Timeout of one reservation in Redis, after which the circuit opens.
pub const REDIS_TIMEOUT: Duration = Duration::from_millis(40);
/// Interval between attempts to reconnect while the circuit is open.
const RECONNECT_INTERVAL: Duration = Duration::from_millis(500);
/// Divisor of each limit for the emergency share of one server.
const EMERGENCY_SHARE: u64 = 4;

const GRANTED: i64 = 1;
const NEEDS_USAGE: i64 = 2;

/// Store of budgets in Redis.
pub struct RedisQuotas {
    shared: Arc<Shared>,
    usage: Arc<dyn DailyUsage>,
    emergency: ProcessQuotas,
    /// Random id of this server, which makes lease ids unique.
    server: String,
    next: AtomicU64,
    /// Offset that tests add to the clock of Redis, in milliseconds.
    pub shift_ms: AtomicI64,
}

struct Shared {
    client: Client,
    timeout: Duration,
    /// The connection; `None` while the circuit is open.
    connection: RwLock<Option<MultiplexedConnection>>,
    reserve: Script,
    settle: Script,
}

impl Shared {
    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.read().clone()
    }

    fn open_circuit(&self, cause: &str) {
        let mut connection = self.connection.write();
        if connection.take().is_some() {
            tracing::warn!(cause, "Redis does not respond: limits are kept per server, a quarter each, until it does");
        }
    }

    async fn connect(&self) -> Result<(), String> {
        let connection = tokio::time::timeout(Duration::from_secs(2), self.client.get_multiplexed_async_connection());
        let mut connection =
            connection.await.map_err(|_| "timed out".to_owned())?.map_err(|cause| cause.to_string())?;
        let ping = redis::cmd("PING");
        let pong = tokio::time::timeout(self.timeout, ping.query_async::<String>(&mut connection));
        pong.await.map_err(|_| "timed out".to_owned())?.map_err(|cause| cause.to_string())?;
        *self.connection.write() = Some(connection);
        Ok(())
    }
}

fn keys(account: &str) -> [String; 2] {
    // One hash tag, so that a cluster stores both keys on the same node.
    [format!("spots:{{{account}}}:counters"), format!("spots:{{{account}}}:leases")]
}

impl RedisQuotas {
    /// Connects to Redis. If it is unavailable, a background task retries. `timeout` is the timeout of one request to
    /// Redis, after which the circuit opens: [`REDIS_TIMEOUT`], except in tests on a busy machine.
    ///
    /// # Errors
    /// `url` is not a valid `redis://` URL (the message does not repeat it, because it may contain a password), or the
    /// operating system provides no randomness.
    pub async fn connect(url: &str, usage: Arc<dyn DailyUsage>, timeout: Duration) -> anyhow::Result<Self> {
        let client = Client::open(url).map_err(|_| anyhow::anyhow!("not a redis:// URL")).context("REDIS_URL")?;
        let shared = Arc::new(Shared {
            client,
            timeout,
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
                tokio::time::sleep(RECONNECT_INTERVAL).await;
                let Some(shared) = weak.upgrade() else { return };
                if shared.connection().is_none() && shared.connect().await.is_ok() {
                    tracing::info!("Redis responds: limits are shared again");
                }
            }
        });
        Ok(Self {
            shared,
            usage,
            emergency: ProcessQuotas::new(Arc::new(NoUsage)),
            server: random_hex(6).map_err(crate::domain::error::Error::into_anyhow)?,
            next: AtomicU64::new(0),
            shift_ms: AtomicI64::new(0),
        })
    }

    async fn call(
        &self,
        request: &ReservationRequest,
        id: &str,
        today: Option<(u64, u64)>,
    ) -> Result<[i64; 8], String> {
        let mut connection = self.shared.connection().ok_or_else(|| "the circuit is open".to_owned())?;
        let (requests, points) =
            today.map_or_else(Default::default, |(requests, points)| (requests.to_string(), points.to_string()));
        let [counters, leases] = keys(&request.account);
        let mut call = self.shared.reserve.key(counters);
        call.key(leases)
            .arg(request.limits.per_minute)
            .arg(request.limits.per_day)
            .arg(request.limits.points_per_minute)
            .arg(request.limits.points_per_day)
            .arg(request.points)
            .arg(id)
            .arg(LEASE_MS)
            .arg(requests)
            .arg(points)
            .arg(self.shift_ms.load(Ordering::SeqCst));
        let response = tokio::time::timeout(self.shared.timeout, call.invoke_async::<Vec<i64>>(&mut connection)).await;
        let response = response
            .map_err(|_| "timed out".to_owned())
            .and_then(|response| response.map_err(|cause| cause.to_string()));
        let response = response.and_then(|numbers| numbers.try_into().map_err(|_| "unexpected response".to_owned()));
        response.inspect_err(|cause| self.shared.open_circuit(cause))
    }

    async fn emergency(&self, request: &ReservationRequest, now_ms: i64) -> ReserveResult {
        metrics::counter!("spots_quota_emergency_total").increment(1);
        match self.emergency.reserve(&share(request), now_ms).await {
            Ok((lease, remaining)) => Ok((Lease { emergency: true, ..lease }, remaining)),
            Err(ReserveError::Limit { exceeded, limits, remaining, .. }) => {
                Err(ReserveError::Limit { exceeded, limits, remaining, emergency: true })
            }
            Err(rejected) => Err(rejected),
        }
    }
}

/// The limits of the emergency share of one server. Its point budgets still allow any single document that the key's
/// limits allow.
fn share(request: &ReservationRequest) -> ReservationRequest {
    let limits = &request.limits;
    let part = |limit: u64| (limit / EMERGENCY_SHARE).max(1);
    let query = limits.max_query_points;
    let limits = Limits {
        per_minute: part(limits.per_minute),
        per_day: part(limits.per_day),
        max_query_points: query,
        points_per_minute: part(limits.points_per_minute).max(query.min(limits.points_per_minute)),
        points_per_day: part(limits.points_per_day).max(query.min(limits.points_per_day)),
    };
    ReservationRequest { limits, ..request.clone() }
}

#[async_trait]
impl QuotaStore for RedisQuotas {
    async fn reserve(&self, request: &ReservationRequest, now_ms: i64) -> ReserveResult {
        let id = format!("{}-{}", self.server, self.next.fetch_add(1, Ordering::Relaxed));
        let mut response = self.call(request, &id, None).await;
        if let Ok([NEEDS_USAGE, _, _, _, day, ..]) = response {
            let used = load_usage(&*self.usage, &request.account, day).await?;
            response = self.call(request, &id, Some(used)).await;
        }
        let Ok([state, now_ms, began, minute, day, requests, points, bucket]) = response else {
            return self.emergency(request, now_ms).await;
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
            return Err(counters.reject(&request.limits, request.points, now_ms));
        }
        Ok((request.lease(id, day), counters.remaining(&request.limits, now_ms)))
    }

    fn settle(&self, lease: &Lease, unused: u64, now_ms: i64) {
        if lease.emergency {
            return self.emergency.settle(lease, unused, now_ms);
        }
        // In the background, so that the request does not wait. A lease that is not settled is returned when it
        // expires.
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
            let response = tokio::time::timeout(shared.timeout * 5, call.invoke_async::<i64>(&mut connection)).await;
            if !matches!(response, Ok(Ok(_))) {
                shared.open_circuit("cannot settle a reservation");
            }
        });
    }
}
