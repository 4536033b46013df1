//! A database of synthetic people and a server process over it.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use sea_orm::DatabaseConnection;
use spots_enrichment::{
    cli::config::EngineKind,
    domain::{
        clock::{Clock as _, DAY, SystemClock},
        epoch::Vocabulary,
        key::{Environment as KeyEnvironment, Limits},
        scope::Scope,
    },
    engine::EPOCH_LOADED,
    gate::auth::{NewKey, create_key},
    ingest::{
        epoch_builder,
        generate::{ENDS_AT, Population},
        progress::Progress,
    },
    storage::{accounts, db, epochs, partners, people},
};

use crate::pipeline;

/// The partner that owns the keys. A database without this partner was not made by the benchmark.
pub const PARTNER: &str = "bench";
/// No privacy cap may end a measurement; the data holds synthetic people only. In microunits.
const CAP_MICROUNITS: i64 = 1_000_000_000_000;
/// Keys of a run. A real key sees some segments, not thousands; each new view is compared with the key's earlier ones.
const KEYS: usize = 64;
/// How long a server may take until it listens, and until it has loaded an epoch into memory.
const START_TIMEOUT: Duration = Duration::from_mins(5);

/// A running server over a database of synthetic people.
pub struct Environment {
    pub server: ServerProcess,
    pub keys: Vec<String>,
    pub vocabulary: Vocabulary,
    /// From the start of the process until it listens.
    pub startup_time: Duration,
}

impl Environment {
    /// Fills the database if it is empty, and starts the server.
    ///
    /// # Errors
    /// The database holds other data, or the server does not start.
    pub async fn start(
        program: &Path,
        url: &str,
        warehouse: Option<&str>,
        agents: u32,
        engine: EngineKind,
    ) -> anyhow::Result<Self> {
        let db = db::connect(url).await?;
        prepare(&db, warehouse.is_some(), agents).await?;
        let epoch = epochs::load_newest(&db, SystemClock.now()).await?.context("there is no readable epoch")?;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            keys.push(key(&db).await?);
        }
        db.close().await?;
        let mut command = Command::new(program);
        command
            .args(["serve", "--listen-addr", "127.0.0.1:0", "--metrics-addr", "", "--redis-url", ""])
            .args(["--engine", engine.name()])
            // Not an argument: arguments are visible in the list of processes.
            .env("DATABASE_URL", url)
            .env("WAREHOUSE_URL", warehouse.unwrap_or_default());
        let started = Instant::now();
        let server = ServerProcess::start(&mut command, (engine == EngineKind::Memory).then_some(EPOCH_LOADED))?;
        let startup_time = server.listening_since - started;
        Ok(Self { server, keys, vocabulary: epoch.vocabulary.as_ref().clone(), startup_time })
    }
}

async fn prepare(db: &DatabaseConnection, has_warehouse: bool, agents: u32) -> anyhow::Result<()> {
    db::migrate_if_fresh(db).await?;
    let is_ours = partners::exists(db, PARTNER).await?;
    let count = people::count(db).await?;
    if has_warehouse {
        ensure!(is_ours, "fill the database and the warehouse with `bench pipeline` first");
    } else if count == 0 {
        eprintln!("generating {agents} synthetic people ...");
        Population::new(agents, 1).store(db, PARTNER).await?;
        epoch_builder::build(db, ENDS_AT, SystemClock.now(), Progress::Shown).await?;
    } else {
        ensure!(is_ours, "this database was not made by `bench`, which lifts all privacy caps: use an empty one");
        ensure!(
            count == u64::from(agents),
            "this database holds {count} people: use --agents {count} or an empty database"
        );
    }
    Ok(accounts::cap_all_regions(db, CAP_MICROUNITS).await?)
}

/// A key that no limit stops, valid for a day.
async fn key(db: &DatabaseConnection) -> anyhow::Result<String> {
    let (per_document, per_period) = (1_000_000, 1_000_000_000);
    let now = SystemClock.now();
    let new = NewKey {
        partner_id: PARTNER.to_owned(),
        environment: KeyEnvironment::Poc,
        scopes: vec![Scope::Behavior, Scope::Personality, Scope::Network],
        limits: Limits {
            per_minute: per_document,
            per_day: per_period,
            max_query_points: per_document,
            points_per_minute: per_period,
            points_per_day: per_period,
        },
        expires_at: Some(now + DAY),
        cap_microunits: CAP_MICROUNITS,
        name: "bench".to_owned(),
        documents_only: false,
        test_mode: false,
    };
    Ok(create_key(db, &new, now).await?.1.reveal().to_owned())
}

/// A server process; it is killed when this value is dropped.
pub struct ServerProcess {
    process: std::process::Child,
    pub address: SocketAddr,
    listening_since: Instant,
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl ServerProcess {
    /// Starts a program that prints `listening on http://ADDRESS`. With `ready`, also waits for that text on standard
    /// error.
    ///
    /// # Errors
    /// The program does not start, ends, or is not ready within five minutes.
    pub fn start(command: &mut Command, ready: Option<&'static str>) -> anyhow::Result<Self> {
        let program = Path::new(command.get_program()).display().to_string();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let (out, errors) = (process.stdout.take(), process.stderr.take());
        let mut server =
            Self { process, address: SocketAddr::from(([127, 0, 0, 1], 0)), listening_since: Instant::now() };
        let (sender, is_ready) = mpsc::channel();
        if let Some(errors) = errors {
            thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    if ready.is_some_and(|text| line.contains(text)) {
                        let _ = sender.send(());
                    } else if line.contains("WARN")
                        || line.contains("ERROR")
                        || line.to_lowercase().starts_with("error")
                    {
                        eprintln!("{line}");
                    }
                }
            });
        }
        let mut line = String::new();
        if let Some(out) = out {
            BufReader::new(out).read_line(&mut line)?;
        }
        let Some(address) = line.trim().strip_prefix("listening on http://") else {
            bail!("{program} ended before it listened");
        };
        server.address = address.parse()?;
        server.listening_since = Instant::now();
        if ready.is_some() {
            is_ready.recv_timeout(START_TIMEOUT).with_context(|| format!("{program} is not ready"))?;
        }
        Ok(server)
    }

    /// The CPU time that the process has used; `None` where `/proc` is missing.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // The fields follow the process name, which can hold any character. The 12th and 13th are clock ticks, and
        // Linux reports 100 of them per second.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
        Some(Duration::from_millis((ticks.next()? + ticks.next()?) * 10))
    }

    /// The peak resident memory of the process in bytes; `None` where `/proc` is missing.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        pipeline::peak_memory(self.process.id())
    }
}
