//! Budgets shared by several servers, in Redis. One Lua script charges all budgets of an account atomically, with the
//! clock of Redis.
//!
//! If Redis does not respond in time, or refuses the script, the circuit opens: no request waits for Redis until a
//! background task has reached it again. Until then each server grants from an emergency share of its own, a quarter of
//! each limit, so that a partner is neither locked out nor unlimited. With `n` servers a partner can use `n` quarters
//! in addition to what Redis had granted (`docs/limits.md`).

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::Context as _;
use async_trait::async_trait;
use parking_lot::{Mutex, RwLock};
use redis::{Client, ErrorKind, RedisError, Script, aio::MultiplexedConnection};

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

/// Time limit for a new connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// The account of the script that checks a connection.
const PROBE: &str = "probe";
/// Writes and deletes both keys of an account.
const PROBE_SCRIPT: &str = "
for _, key in ipairs(KEYS) do
    redis.call('set', key, '1', 'px', 1000)
    redis.call('del', key)
end
return 1";
const TIMED_OUT: &str = "it does not respond in time";

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
    /// Why the circuit is open, as it was logged: each cause is logged once.
    cause: Mutex<Option<&'static str>>,
    probe: Script,
    reserve: Script,
    settle: Script,
}

impl Shared {
    fn connection(&self) -> Option<MultiplexedConnection> {
        self.connection.read().clone()
    }

    fn open_circuit(&self, cause: &'static str) {
        drop(self.connection.write().take());
        if self.cause.lock().replace(cause) != Some(cause) {
            tracing::warn!(cause, "Redis is not used: limits are kept per server, a quarter each, until it can be");
        }
    }

    /// Connects, and checks that Redis executes a script on keys like those of an account: a server that answers PING
    /// can refuse that.
    async fn connect(&self) -> Result<(), &'static str> {
        let connection = tokio::time::timeout(CONNECT_TIMEOUT, self.client.get_multiplexed_async_connection());
        let mut connection = connection.await.map_err(|_| TIMED_OUT)?.map_err(|cause| redis_cause(&cause))?;
        let [counters, leases] = keys(PROBE);
        let mut call = self.probe.key(counters);
        call.key(leases);
        let probe = tokio::time::timeout(self.timeout * 5, call.invoke_async::<i64>(&mut connection));
        probe.await.map_err(|_| TIMED_OUT)?.map_err(|cause| redis_cause(&cause))?;
        *self.connection.write() = Some(connection);
        if self.cause.lock().take().is_some() {
            tracing::info!("Redis is used: limits are shared again");
        }
        Ok(())
    }
}

/// The cause of a failure, and its remedy. It contains nothing of the server's text, which can name the user of the
/// URL.
fn redis_cause(cause: &RedisError) -> &'static str {
    match cause.code() {
        Some("NOPERM") => "its user may not run scripts on the keys spots:*; allow it ~spots:* +@all",
        Some("READONLY") => "it is a replica; REDIS_URL must name the primary",
        Some("OOM") => "its memory is full; raise maxmemory",
        Some("MISCONF") => "it cannot write its snapshots and refuses writes",
        Some("LOADING" | "BUSY" | "MASTERDOWN" | "CLUSTERDOWN") => "it is not ready yet",
        Some("NOAUTH" | "WRONGPASS") => "it requires another user or password",
        _ if cause.is_timeout() => TIMED_OUT,
        _ if cause.kind() == ErrorKind::AuthenticationFailed => "it requires another user or password",
        _ if cause.is_connection_refusal() => "no server answers at its host and port",
        _ if cause.is_io_error() => "the connection failed or was lost",
        _ => "it refuses the script",
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
    /// `url` is not a valid `redis://` or `rediss://` URL (the message does not repeat it, because it may contain a
    /// password), or the operating system provides no randomness.
    pub async fn connect(url: &str, usage: Arc<dyn DailyUsage>, timeout: Duration) -> anyhow::Result<Self> {
        let client =
            Client::open(url).map_err(|_| anyhow::anyhow!("not a redis:// or rediss:// URL")).context("REDIS_URL")?;
        let shared = Arc::new(Shared {
            client,
            timeout,
            connection: RwLock::new(None),
            cause: Mutex::new(None),
            probe: Script::new(PROBE_SCRIPT),
            reserve: Script::new(include_str!("redis.lua")),
            settle: Script::new(include_str!("settle.lua")),
        });
        if let Err(cause) = shared.connect().await {
            shared.open_circuit(cause);
        }
        let weak = Arc::downgrade(&shared);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(RECONNECT_INTERVAL).await;
                let Some(shared) = weak.upgrade() else { return };
                if shared.connection().is_none()
                    && let Err(cause) = shared.connect().await
                {
                    shared.open_circuit(cause);
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

    async fn call(&self, request: &ReservationRequest, id: &str, today: Option<(u64, u64)>) -> Result<[i64; 8], ()> {
        let mut connection = self.shared.connection().ok_or(())?;
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
        let response =
            response.map_err(|_| TIMED_OUT).and_then(|response| response.map_err(|cause| redis_cause(&cause)));
        let response = response.and_then(|numbers| numbers.try_into().map_err(|_| "its response is not valid"));
        response.map_err(|cause| self.shared.open_circuit(cause))
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
            match response {
                Ok(Ok(_)) => {}
                Ok(Err(cause)) => shared.open_circuit(redis_cause(&cause)),
                Err(_) => shared.open_circuit(TIMED_OUT),
            }
        });
    }
}
