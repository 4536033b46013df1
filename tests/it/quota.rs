//! One suite for both quota stores, which must answer alike.

use std::{
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use spots_enrichment::{
    domain::{key::Limits, quota::LimitExceeded},
    gate::quota::{
        Lease, NoUsage, ProcessQuotas, QuotaStore, REDIS_TIMEOUT, RedisQuotas, Remaining, ReservationRequest,
        ReserveError,
    },
};

use crate::app::left_out;

/// A Redis server that one test starts. It is killed on drop.
pub struct RedisServer {
    child: Child,
    port: u16,
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl RedisServer {
    /// Starts on a free port; `None` if Redis is not installed.
    pub fn start() -> Option<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self::start_at(port)
    }

    pub fn start_at(port: u16) -> Option<Self> {
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--user", "default", "on", "nopass", "~*", "&*", "+@all"]);
        command.args(["--user", "app", "on", ">secret", "~app:*", "&*", "+@all"]);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = child else {
            left_out("Redis (redis-server is not installed)");
            return None;
        };
        let server = Self { child, port };
        for _ in 0..200 {
            if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("redis-server does not answer on port {port}");
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Suspends the process: it accepts connections and never answers.
    pub fn freeze(&self) {
        Command::new("kill").args(["-STOP", &self.child.id().to_string()]).status().unwrap();
    }
}

/// A quota store with a clock that the test moves.
struct Store {
    quotas: Arc<dyn QuotaStore>,
    /// Moves the store's clock. The clock of Redis also advances by itself.
    shift_ms: Box<dyn Fn(i64) + Send + Sync>,
    now_ms: AtomicI64,
    server: Option<RedisServer>,
}

/// Noon of a day in Unix milliseconds, so that no test crosses midnight by accident.
const NOON: i64 = 20_000 * 86_400_000 + 43_200_000;

impl Store {
    async fn all() -> Vec<Self> {
        let process = Self {
            quotas: Arc::new(ProcessQuotas::new(Arc::new(NoUsage))),
            shift_ms: Box::new(|_| {}),
            now_ms: AtomicI64::new(NOON),
            server: None,
        };
        let mut stores = vec![process];
        if let Some(server) = RedisServer::start() {
            let timeout = Duration::from_secs(10);
            let redis = RedisQuotas::connect(&server.url(), Arc::new(NoUsage), timeout).await.unwrap();
            let redis = Arc::new(redis);
            let quotas = redis.clone();
            let store = Self {
                quotas,
                shift_ms: Box::new(move |ms| {
                    redis.shift_ms.fetch_add(ms, Ordering::SeqCst);
                }),
                now_ms: AtomicI64::new(NOON),
                server: Some(server),
            };
            store.to_noon();
            stores.push(store);
        }
        stores
    }

    #[expect(clippy::disallowed_methods, reason = "the clock of Redis is the machine's")]
    fn to_noon(&self) {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        (self.shift_ms)(NOON - i64::try_from(now.as_millis()).unwrap());
    }

    fn advance_s(&self, seconds: i64) {
        self.now_ms.fetch_add(seconds * 1000, Ordering::SeqCst);
        (self.shift_ms)(seconds * 1000);
    }

    async fn reserve(&self, account: &str, limits: Limits, points: u64) -> Result<(Lease, Remaining), LimitExceeded> {
        let request = ReservationRequest { account: account.to_owned(), limits, points };
        match self.quotas.reserve(&request, self.now_ms.load(Ordering::SeqCst)).await {
            Ok(granted) => Ok(granted),
            Err(ReserveError::Limit { exceeded, .. }) => Err(exceeded),
            Err(ReserveError::Unavailable) => panic!("the store is unavailable"),
        }
    }

    /// Settles, and waits until Redis has processed it.
    async fn settle(&self, lease: &Lease, unused: u64) {
        self.quotas.settle(lease, unused, self.now_ms.load(Ordering::SeqCst));
        tokio::time::sleep(Duration::from_millis(if self.server.is_some() { 30 } else { 0 })).await;
    }
}

const SMALL: Limits =
    Limits { per_minute: 3, per_day: 5, max_query_points: 100, points_per_minute: 120, points_per_day: 300 };

#[tokio::test]
async fn a_minute_begins_with_its_first_request_and_a_rejected_one_is_not_counted() {
    for store in Store::all().await {
        let left = |granted: Result<(Lease, Remaining), LimitExceeded>| granted.unwrap().1.minute;
        assert_eq!(left(store.reserve("a", SMALL, 0).await).left, 2);
        store.advance_s(20);
        assert_eq!(left(store.reserve("a", SMALL, 0).await).full_in_s, 40);
        assert_eq!(left(store.reserve("a", SMALL, 0).await).left, 0);
        store.advance_s(15);
        let refusal = store.reserve("a", SMALL, 0).await.unwrap_err();
        assert_eq!((refusal.limit, refusal.allowed, refusal.retry_after_s), ("minute", 3, 25));
        assert!(store.reserve("b", SMALL, 0).await.is_ok(), "accounts are independent");
        store.advance_s(25);
        let (_, left) = store.reserve("a", SMALL, 0).await.unwrap();
        assert_eq!((left.minute.left, left.day.left), (2, 1), "the rejected one is not counted");
    }
}

#[tokio::test]
async fn a_day_ends_at_midnight_utc() {
    for store in Store::all().await {
        for _ in 0..5 {
            store.reserve("a", SMALL, 0).await.unwrap();
            store.advance_s(61);
        }
        let refusal = store.reserve("a", SMALL, 0).await.unwrap_err();
        assert_eq!((refusal.limit, refusal.allowed), ("day", 5));
        let wait = 43_200 - 5 * 61;
        assert!((wait - 2..=wait).contains(&i64::try_from(refusal.retry_after_s).unwrap()), "{refusal:?}");
        store.advance_s(wait);
        assert_eq!(store.reserve("a", SMALL, 0).await.unwrap().1.day.left, 4);
    }
}

#[tokio::test]
async fn the_bucket_refills_evenly_and_reports_when_a_document_fits() {
    for store in Store::all().await {
        let limits = Limits { per_minute: 100, per_day: 1_000, points_per_day: 10_000, ..SMALL };
        store.reserve("a", limits, 100).await.unwrap();
        let refusal = store.reserve("a", limits, 80).await.unwrap_err();
        // 20 points are left, and two are restored per second.
        assert_eq!((refusal.limit, refusal.available, refusal.retry_after_s), ("points_per_minute", 20, 30));
        store.advance_s(29);
        assert!(store.reserve("a", limits, 80).await.is_err());
        store.advance_s(1);
        assert!(store.reserve("a", limits, 80).await.is_ok());
        store.advance_s(600);
        assert_eq!(store.reserve("a", limits, 0).await.unwrap().1.points.left, 120, "at most its capacity");
    }
}

#[tokio::test]
async fn a_request_rejected_by_one_limit_spends_none_of_the_others() {
    for store in Store::all().await {
        let limits = Limits { per_minute: 100, per_day: 1_000, ..SMALL };
        let left = |granted: Result<(Lease, Remaining), LimitExceeded>| {
            let left = granted.unwrap().1;
            (left.minute.left, left.day.left, left.points.left, left.points_day.left)
        };
        let before = left(store.reserve("a", limits, 0).await);
        store.reserve("a", limits, 121).await.unwrap_err();
        assert_eq!(left(store.reserve("a", limits, 0).await), (before.0 - 1, before.1 - 1, before.2, before.3));
        for _ in 0..3 {
            let (lease, _) = store.reserve("a", limits, 100).await.unwrap();
            store.settle(&lease, 0).await;
            store.advance_s(60);
        }
        let refusal = store.reserve("a", limits, 1).await.unwrap_err();
        assert_eq!((refusal.limit, refusal.available), ("points_per_day", 0));
        assert_eq!(left(store.reserve("a", limits, 0).await).2, 120, "the bucket was not touched");
    }
}

#[tokio::test]
async fn unused_points_are_returned_once() {
    for store in Store::all().await {
        let limits = Limits { per_minute: 100, ..SMALL };
        let (lease, _) = store.reserve("a", limits, 100).await.unwrap();
        store.settle(&lease, 70).await;
        store.settle(&lease, 70).await;
        let left = store.reserve("a", limits, 0).await.unwrap().1;
        assert_eq!((left.points.left, left.points_day.left), (90, 270));
    }
}

#[tokio::test]
async fn the_lease_of_a_server_that_died_is_returned_whole() {
    for store in Store::all().await {
        let limits = Limits { per_minute: 100, points_per_minute: 1_000, points_per_day: 1_000, per_day: 100, ..SMALL };
        let (dead, _) = store.reserve("a", limits, 900).await.unwrap();
        store.advance_s(59);
        assert_eq!(store.reserve("a", limits, 0).await.unwrap().1.points_day.left, 100);
        store.advance_s(2);
        assert_eq!(store.reserve("a", limits, 0).await.unwrap().1.points_day.left, 1_000);
        // The server was alive after all: its late settlement is ignored.
        store.settle(&dead, 900).await;
        assert_eq!(store.reserve("a", limits, 0).await.unwrap().1.points_day.left, 1_000);
    }
}

/// Random reservations, settlements and servers that die: in the end every point is accounted for.
#[tokio::test]
async fn every_reservation_is_settled_exactly_once_under_random_interleavings() {
    for store in Store::all().await {
        let limits = Limits {
            per_minute: 10_000,
            per_day: 100_000,
            max_query_points: 100,
            points_per_minute: 5_000,
            points_per_day: 1_000_000,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        let (mut open, mut used) = (Vec::new(), 0);
        for _ in 0..400 {
            match rng.random_range(0..10) {
                0..5 => match store.reserve("a", limits, rng.random_range(0..100)).await {
                    Ok((lease, _)) => open.push(lease),
                    Err(refusal) => assert_eq!(refusal.limit, "points_per_minute"),
                },
                5..8 if !open.is_empty() => {
                    let lease: Lease = open.swap_remove(rng.random_range(0..open.len()));
                    let unused = rng.random_range(0..=lease.points);
                    used += lease.points - unused;
                    store.quotas.settle(&lease, unused, store.now_ms.load(Ordering::SeqCst));
                    if rng.random_range(0..3) == 0 {
                        store.quotas.settle(&lease, unused, store.now_ms.load(Ordering::SeqCst));
                    }
                }
                // The server of this lease dies.
                8 if !open.is_empty() => drop(open.swap_remove(rng.random_range(0..open.len()))),
                _ => store.advance_s(rng.random_range(0..3)),
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        store.advance_s(120);
        let left = store.reserve("a", limits, 0).await.unwrap().1;
        assert_eq!((left.points.left, left.points_day.left), (5_000, 1_000_000 - used));
    }
}

#[tokio::test]
async fn concurrent_requests_get_no_more_than_the_limit() {
    for store in Store::all().await {
        let store = Arc::new(store);
        let limits = Limits { per_minute: 20, per_day: 1_000, ..SMALL };
        let asked = (0..60).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.reserve("a", limits, 1).await.is_ok() })
        });
        let granted = futures_util::future::join_all(asked).await;
        assert_eq!(granted.into_iter().filter(|granted| *granted.as_ref().unwrap()).count(), 20);
    }
}

#[tokio::test]
async fn new_limits_apply_to_a_known_account() {
    for store in Store::all().await {
        store.reserve("a", SMALL, 100).await.unwrap();
        let less = Limits { per_minute: 1, ..SMALL };
        assert_eq!(store.reserve("a", less, 0).await.unwrap_err().limit, "minute");
        let more = Limits { per_minute: 10, points_per_minute: 6_000, ..SMALL };
        assert_eq!(store.reserve("a", more, 0).await.unwrap().1.minute.left, 8);
    }
}

#[tokio::test]
async fn without_redis_a_share_is_granted_until_redis_is_back() {
    let Some(server) = RedisServer::start() else { return };
    let port = server.port();
    let quotas = RedisQuotas::connect(&server.url(), Arc::new(NoUsage), REDIS_TIMEOUT).await.unwrap();
    let limits = Limits { per_minute: 40, ..Limits::DEFAULT };
    let request = ReservationRequest { account: "a".to_owned(), limits, points: 1_000 };
    let (lease, _) = quotas.reserve(&request, NOON).await.unwrap();
    assert!(!lease.emergency);

    server.freeze();
    // A quarter of 40 requests. The bucket of the share is at least as large as the most expensive query allowed.
    let mut granted = 0;
    for _ in 0..30 {
        let free = ReservationRequest { points: 0, ..request.clone() };
        granted += u32::from(quotas.reserve(&free, NOON).await.is_ok_and(|(lease, _)| lease.emergency));
    }
    assert_eq!(granted, 10);
    drop(server);
    let Err(ReserveError::Limit { exceeded: refusal, limits, emergency: true, .. }) =
        quotas.reserve(&request, NOON).await
    else {
        panic!("the share did not reject the request")
    };
    assert_eq!((refusal.limit, limits.per_minute, limits.points_per_minute), ("minute", 10, 1_500));

    let _server = RedisServer::start_at(port).unwrap();
    for _ in 0..100 {
        if quotas.reserve(&request, NOON).await.is_ok_and(|(lease, _)| !lease.emergency) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("Redis is back, but the store still grants its share");
}

/// A Redis that answers but refuses the scripts or the keys is not used, and this is said once.
#[tokio::test]
async fn a_redis_that_refuses_scripts_is_named_once() {
    let Some(server) = RedisServer::start() else { return };
    let database = crate::app::TestApp::database(crate::app::On::Sqlite).await;
    let url = format!("redis://app:secret@127.0.0.1:{}", server.port());
    let served = crate::served::Served::start(&database.url, |command| {
        command.env("REDIS_URL", &url);
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    let log = served.said();
    assert_eq!(log.matches("Redis is not used").count(), 1, "{log}");
    assert!(log.contains("may not run scripts on the keys spots:*") && !log.contains("secret"), "{log}");
    assert!(!log.contains("limits are shared again"), "{log}");
}
