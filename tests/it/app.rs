//! Test setup: an app over its own database, with a clock and a noise source that the test controls.

use std::{
    collections::HashMap,
    io::Write as _,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, StatusCode},
};
use http_body_util::BodyExt as _;
use migration::{Migrator, MigratorTrait as _};
use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use spots_enrichment::{
    domain::{
        clock::{Clock, DAY},
        epoch::WindowLength,
        error::Error,
        key::{Environment, Limits},
        scope::Scope,
        segment::{Cohort, Definition},
    },
    engine::SqlEngine,
    gate::{
        auth::{self, NewKey},
        quota::{LoggedUsage, ProcessQuotas, QuotaStore},
    },
    ingest::{
        epoch_builder,
        generate::{ENDS_AT, Population},
        progress::Progress,
    },
    privacy::{Bundle, Exact, NoiseSource, SumRequest, Sums, ledger, noise, steps::STEPS},
    server::{
        request_log::LogWriter,
        state::{AppDependencies, AppState, Timeouts},
    },
    storage::{
        db,
        entity::{agent_summary, privacy_charge},
        epochs,
    },
};
use tokio::sync::OnceCell;
use tower::ServiceExt as _;

/// The time at which tests begin, in Unix seconds: ten days after the twelve weeks of the synthetic data end.
pub const NOW: i64 = ENDS_AT + 10 * DAY;

/// The default privacy cap of a key, in milliunits.
pub const KEY_CAP_MILLIUNITS: i64 = ledger::KEY_CAP_MICROUNITS / 1000;

/// Every scope that reads data.
pub const ALL: [Scope; 4] = [Scope::Behavior, Scope::Personality, Scope::Network, Scope::Catalog];

/// A clock that advances only when a test moves it.
pub struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl TestClock {
    pub fn advance_s(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

/// The server's sampler on a seeded generator. It counts the samples.
pub struct SeededNoise {
    seed: u64,
    pub draws: AtomicU32,
}

impl NoiseSource for SeededNoise {
    fn sample(&self, release_key: &str, bundle: Bundle, step: u8) -> Result<Vec<i64>, Error> {
        self.draws.fetch_add(1, Ordering::SeqCst);
        // The seed depends on the release, so that the order of the releases does not matter.
        let seed = Sha256::digest(format!("{}:{release_key}", self.seed));
        noise::sample(bundle, step, &mut ChaCha20Rng::from_seed(seed.into()))
    }
}

/// Zero noise, for tests that compare exact sums. The server has no such noise source.
pub struct Silence;

impl NoiseSource for Silence {
    fn sample(&self, _: &str, bundle: Bundle, _: u8) -> Result<Vec<i64>, Error> {
        Ok(vec![0; bundle.width()])
    }
}

/// The exact sums of a bundle, for tests that compare sums. A size is not one of them: it may be suppressed.
pub fn exact_sums(exact: Exact<Sums>, bundle: Bundle) -> Vec<i64> {
    let rows = exact.publish(bundle, &[], &[(STEPS, String::new())], &Silence).unwrap();
    rows[0].values.clone().unwrap()
}

/// The database engine that a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum On {
    Sqlite,
    Postgres,
}

/// The available database engines: SQLite, and PostgreSQL if `TEST_DATABASE_URL` is set.
pub fn databases() -> Vec<On> {
    let mut databases = vec![On::Sqlite];
    match postgres_url() {
        Some(_) => databases.push(On::Postgres),
        None => left_out("PostgreSQL (TEST_DATABASE_URL is not set)"),
    }
    databases
}

#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn postgres_url() -> Option<String> {
    std::env::var("TEST_DATABASE_URL").ok()
}

/// Writes past the test runner's capture which tests were skipped. Panics if `CI` is `true`: CI must skip nothing.
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
pub fn left_out(what: &str) {
    static SEEN: std::sync::Mutex<Vec<String>> = std::sync::Mutex::new(Vec::new());
    assert!(std::env::var("CI").as_deref() != Ok("true"), "left out in CI: {what}");
    let mut seen = SEEN.lock().unwrap();
    if !seen.iter().any(|line| line == what) {
        seen.push(what.to_owned());
        let _ = writeln!(std::io::stderr(), "left out: {what}");
    }
}

/// The database of one test: empty, or a copy of a template. It is removed on drop.
pub struct TestDb {
    pub url: String,
    remove: Remove,
}

/// What is removed with a [`TestDb`].
enum Remove {
    Nothing,
    File(PathBuf),
    /// A database of the PostgreSQL server.
    Named(String),
}

impl Drop for TestDb {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.remove, Remove::Nothing) {
            Remove::Nothing => {}
            Remove::File(file) => {
                for ending in ["", "-wal", "-shm"] {
                    let _ = std::fs::remove_file(format!("{}{ending}", file.display()));
                }
            }
            Remove::Named(name) => {
                // A test's runtime cannot wait here, so another one does.
                let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let sql = format!("drop database if exists {name} with (force)");
                let _ = std::thread::spawn(move || runtime().block_on(postgres(&sql))).join();
            }
        }
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);

fn unique(prefix: &str) -> String {
    format!("{prefix}_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::SeqCst))
}

/// Creates a unique folder for the files of a test, under `target`.
pub fn folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(unique(name));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

async fn postgres(sql: &str) {
    let admin = db::connect(&postgres_url().unwrap()).await.unwrap();
    admin.execute_unprepared(sql).await.unwrap();
    admin.close().await.unwrap();
}

fn postgres_database(name: &str) -> String {
    let url = postgres_url().unwrap();
    let (server, query) = url.split_once('?').map_or((url.as_str(), String::new()), |(s, q)| (s, format!("?{q}")));
    let (server, _) = server.rsplit_once('/').unwrap();
    format!("{server}/{name}{query}")
}

impl TestDb {
    /// A database without tables.
    pub async fn empty(on: On) -> Self {
        match on {
            On::Sqlite => {
                let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}.db", unique("test")));
                Self { url: format!("sqlite://{}?mode=rwc", file.display()), remove: Remove::File(file) }
            }
            On::Postgres => {
                let name = unique("spots_test");
                postgres(&format!("create database {name}")).await;
                Self { url: postgres_database(&name), remove: Remove::Named(name) }
            }
        }
    }

    /// A database that another value removes.
    pub fn borrowed(url: &str) -> Self {
        Self { url: url.to_owned(), remove: Remove::Nothing }
    }

    /// A migrated database with empty tables, and a connection to it.
    pub async fn migrated(on: On) -> (Self, DatabaseConnection) {
        let database = Self::empty(on).await;
        let db = db::connect(&database.url).await.unwrap();
        Migrator::up(&db, None).await.unwrap();
        (database, db)
    }

    /// Runs a statement over a PostgreSQL administrator connection; `NAME` is replaced by the name of this database.
    pub async fn execute(&self, sql: &str) {
        let name = self.url.rsplit('/').next().unwrap().split('?').next().unwrap();
        postgres(&sql.replace("NAME", name)).await;
    }

    /// A copy of a template database, which a test run makes once.
    async fn copy_of(template: &Template) -> Self {
        match template {
            Template::File(from) => {
                let copy = Self::empty(On::Sqlite).await;
                let Remove::File(file) = &copy.remove else { panic!("a database without a file") };
                std::fs::copy(from, file).unwrap();
                copy
            }
            Template::Named(from) => {
                let name = unique("spots_test");
                postgres(&format!("create database {name} template {from}")).await;
                Self { url: postgres_database(&name), remove: Remove::Named(name) }
            }
        }
    }
}

enum Template {
    File(PathBuf),
    Named(String),
}

impl Template {
    async fn make(on: On, fill: impl AsyncFnOnce(DatabaseConnection)) -> Self {
        let (mut database, db) = TestDb::migrated(on).await;
        fill(db.clone()).await;
        if on == On::Sqlite {
            // Moves the write-ahead log into the file that is copied.
            db.execute_unprepared("pragma wal_checkpoint(truncate)").await.unwrap();
        }
        db.close().await.unwrap();
        match std::mem::replace(&mut database.remove, Remove::Nothing) {
            Remove::File(file) => Self::File(file),
            Remove::Named(name) => Self::Named(name),
            Remove::Nothing => panic!("a template is created here"),
        }
    }
}

/// 3,000 synthetic people with an epoch: `demo-harbor` is large, `demo-coast` has too few over 64 for a release.
async fn synthetic(on: On) -> &'static Template {
    static SQLITE: OnceCell<Template> = OnceCell::const_new();
    static POSTGRES: OnceCell<Template> = OnceCell::const_new();
    let cell = if on == On::Sqlite { &SQLITE } else { &POSTGRES };
    cell.get_or_init(|| {
        Template::make(on, async |db| {
            Population::new(3_000, 1).store(&db, "other").await.unwrap();
            epoch_builder::build(&db, ENDS_AT, NOW, Progress::Hidden).await.unwrap();
        })
    })
    .await
}

/// The real check-ins of New York with the epoch of 2012-05-28; `None` if the data are missing.
pub async fn new_york(on: On) -> Option<TestDb> {
    static SQLITE: OnceCell<Template> = OnceCell::const_new();
    static POSTGRES: OnceCell<Template> = OnceCell::const_new();
    let folder = crate::shared::folder("data/nyc")?;
    let cell = if on == On::Sqlite { &SQLITE } else { &POSTGRES };
    let template = cell
        .get_or_init(|| {
            Template::make(on, async move |db| {
                crate::nyc::import_and_build(&db, &folder).await;
            })
        })
        .await;
    Some(TestDb::copy_of(template).await)
}

/// The whole server behind its router, with the handles that tests need.
pub struct TestApp {
    pub state: AppState,
    pub clock: Arc<TestClock>,
    pub noise: Arc<SeededNoise>,
    pub database: TestDb,
    router: Router,
}

impl TestApp {
    /// A server over the synthetic people.
    pub async fn new(on: On) -> Self {
        Self::with(on, |_| {}).await
    }

    /// The same, with changed dependencies.
    pub async fn with(on: On, change: impl FnOnce(&mut AppDependencies)) -> Self {
        Self::start(TestDb::copy_of(synthetic(on).await).await, NOW, 1, change).await
    }

    /// A server over the synthetic people that answers introspection without a key.
    pub async fn with_public_introspection() -> Self {
        Self::with(On::Sqlite, |dependencies| dependencies.public_introspection = true).await
    }

    /// A server over a database that has an epoch. `now` is in Unix seconds; `seed` seeds the noise.
    pub async fn over(database: TestDb, now: i64, seed: u64) -> Self {
        Self::start(database, now, seed, |_| {}).await
    }

    /// The same, with changed dependencies.
    pub async fn start(database: TestDb, now: i64, seed: u64, change: impl FnOnce(&mut AppDependencies)) -> Self {
        let db = db::connect(&database.url).await.unwrap();
        let clock = Arc::new(TestClock(AtomicI64::new(now * 1000)));
        let noise = Arc::new(SeededNoise { seed, draws: AtomicU32::new(0) });
        let (log, _) = LogWriter::start(db.clone());
        let mut dependencies = AppDependencies {
            clock: clock.clone(),
            noise: noise.clone(),
            engine: Arc::new(SqlEngine::new(db.clone())),
            quotas: Arc::new(ProcessQuotas::new(Arc::new(LoggedUsage(db.clone())))),
            log,
            traces: None,
            epoch: epochs::load_newest(&db, now).await.unwrap().unwrap(),
            timeouts: Timeouts::default(),
            public_introspection: false,
            cors_origins: Vec::new(),
            db,
        };
        change(&mut dependencies);
        let state = AppState::new(dependencies).unwrap();
        Self { router: spots_enrichment::app(state.clone()), state, clock, noise, database }
    }

    /// A second server on the database of another server.
    pub async fn second_on(url: &str) -> Self {
        Self::second_at(url, NOW).await
    }

    /// The same at another time, in Unix seconds.
    pub async fn second_at(url: &str, now: i64) -> Self {
        Self::start(TestDb::borrowed(url), now, 2, |_| {}).await
    }

    /// The same server with another quota store.
    pub fn with_quotas(self, quotas: Arc<dyn QuotaStore>) -> Self {
        let state = AppState::new(AppDependencies {
            db: self.db().clone(),
            clock: self.clock.clone(),
            noise: self.noise.clone(),
            engine: Arc::new(SqlEngine::new(self.db().clone())),
            quotas,
            log: self.state.log.writer.clone(),
            traces: None,
            epoch: self.state.epoch.get().as_ref().clone(),
            timeouts: Timeouts::default(),
            public_introspection: false,
            cors_origins: Vec::new(),
        })
        .unwrap();
        Self { router: spots_enrichment::app(state.clone()), state, ..self }
    }

    /// The price of the releases that were charged to a ledger account, in milliunits, rounded up.
    pub async fn charged(&self, subject: &str) -> i64 {
        let charges = privacy_charge::Entity::find().filter(privacy_charge::COLUMN.subject.eq(subject));
        let mut prices: HashMap<String, i64> = HashMap::new();
        for charge in charges.all(self.db()).await.unwrap() {
            // One row for each region and, of a release of NETWORK, for the other age bands.
            let price = prices.entry(charge.release_key).or_default();
            *price = charge.microunits.max(*price);
        }
        (prices.values().sum::<i64>() + 999) / 1000
    }

    /// The key of the release of a step of a bundle for a definition (JSON) in the default window of 28 days.
    pub fn release_key(&self, definition: &str, bundle: Bundle, step: u8) -> String {
        let epoch = self.state.epoch.get();
        let definition: Definition = serde_json::from_str(definition).unwrap();
        let cohort = Cohort::parse(&definition, &epoch.vocabulary).unwrap().into();
        SumRequest { cohort, window: epoch.window(WindowLength::Days28), bundle }.release_key(step)
    }

    /// A database with the synthetic people, for a server that runs in its own process.
    pub async fn database(on: On) -> TestDb {
        TestDb::copy_of(synthetic(on).await).await
    }

    pub fn db(&self) -> &DatabaseConnection {
        &self.state.services.db
    }

    /// A key of partner `acme` with these scopes and the default caps and limits.
    pub async fn client(&self, scopes: &[Scope]) -> Client<'_> {
        self.client_of("acme", scopes, KEY_CAP_MILLIUNITS).await
    }

    /// A key with a privacy cap in microunits.
    pub async fn client_of(&self, partner: &str, scopes: &[Scope], cap_milliunits: i64) -> Client<'_> {
        self.client_with(partner, scopes, cap_milliunits, Limits::DEFAULT).await
    }

    /// A key of partner `acme` with all scopes and these limits.
    pub async fn limited(&self, limits: Limits) -> Client<'_> {
        self.client_with("acme", &ALL, KEY_CAP_MILLIUNITS, limits).await
    }

    /// A key with scopes, a privacy cap in microunits and limits.
    pub async fn client_with(
        &self,
        partner: &str,
        scopes: &[Scope],
        cap_milliunits: i64,
        limits: Limits,
    ) -> Client<'_> {
        // The table demands a scope; `admin` reads no data, so it is used for an empty list.
        let scopes = if scopes.is_empty() { vec![Scope::Admin] } else { scopes.to_vec() };
        let new = NewKey {
            partner_id: partner.to_owned(),
            environment: Environment::Poc,
            scopes,
            limits,
            expires_at: None,
            cap_microunits: cap_milliunits * 1000,
            name: String::new(),
            documents_only: false,
            test_mode: false,
        };
        let (key_id, key) = auth::create_key(self.db(), &new, self.clock.now()).await.unwrap();
        Client { app: self, key_id, key: key.reveal().to_owned() }
    }

    /// A test key with all scopes.
    pub async fn test_client(&self) -> Client<'_> {
        let client = self.client(&ALL).await;
        let test = format!("update api_keys set test_mode = true where key_id = '{}'", client.key_id);
        self.db().execute_unprepared(&test).await.unwrap();
        client
    }

    /// A client with an existing key, which another server may have created.
    pub fn client_from(&self, key_id: &str, key: &str) -> Client<'_> {
        Client { app: self, key_id: key_id.to_owned(), key: key.to_owned() }
    }

    /// Sends a request unchanged.
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status, headers: parts.headers, text, body }
    }

    /// Sends a request and returns the headers and the bytes of the response.
    pub async fn bytes(&self, request: Request<Body>) -> (HeaderMap, Vec<u8>) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes().to_vec())
    }
}

/// A client with a key.
pub struct Client<'a> {
    app: &'a TestApp,
    pub key_id: String,
    pub key: String,
}

impl Client<'_> {
    /// The clock of the server.
    pub fn clock(&self) -> &TestClock {
        &self.app.clock
    }

    pub async fn ask(&self, query: &str) -> Answer {
        self.ask_with(query, json!({})).await
    }

    pub async fn ask_with(&self, query: &str, variables: Value) -> Answer {
        self.send(&[], json!({"query": query, "variables": variables})).await
    }

    /// Sends a JSON body with additional headers.
    pub async fn send(&self, headers: &[(&str, &str)], body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.key);
        let headers: Vec<_> = headers.iter().copied().chain([("authorization", bearer.as_str())]).collect();
        self.app.send(post(&headers, body.to_string())).await
    }
}

/// The twelve means of a per-agent summary row, as differences from 0.5 in units of 1/10,000.
pub fn means(row: &agent_summary::Model) -> [i32; 12] {
    [
        row.mean_0,
        row.mean_1,
        row.mean_2,
        row.mean_3,
        row.mean_4,
        row.mean_5,
        row.mean_6,
        row.mean_7,
        row.mean_8,
        row.mean_9,
        row.mean_10,
        row.mean_11,
    ]
}

/// `POST /graphql` with a JSON body.
pub fn post(headers: &[(&str, &str)], body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/graphql").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub body: Value,
}

impl Answer {
    /// `data` at a JSON pointer.
    pub fn data(&self, pointer: &str) -> &Value {
        self.body["data"].pointer(pointer).unwrap_or(&Value::Null)
    }

    /// The data of an answer that must have status 200 and no errors.
    #[track_caller]
    pub fn ok(&self) -> &Value {
        assert_eq!((self.status, &self.body["errors"]), (StatusCode::OK, &Value::Null), "{}", self.text);
        &self.body["data"]
    }

    /// A number in `extensions.cost`.
    #[track_caller]
    pub fn cost(&self, name: &str) -> u64 {
        self.body["extensions"]["cost"][name].as_u64().unwrap_or_else(|| panic!("no {name} in {}", self.text))
    }

    /// The codes of the errors, in their order.
    pub fn codes(&self) -> Vec<&str> {
        let errors = self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap_or("none")).collect()
    }
}
