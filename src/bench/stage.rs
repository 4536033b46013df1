//! What is measured: people who do not exist, in a database of their own, and servers as processes.

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
use sea_orm::{DatabaseConnection, EntityTrait, PaginatorTrait};

use crate::{
    auth::{self, Environment, Limits, NewKey, Scope},
    clock::{Clock as _, DAY, SystemClock},
    config::EngineKind,
    db,
    engine::rollup,
    entity::{agent, partner},
    epoch::{Epoch, Vocabulary},
    generate::{ENDS_AT, Population},
    privacy::ledger,
    progress::Progress,
};

/// Whose keys ask. A database without this partner is not ours.
const PARTNER: &str = "bench";
/// No cap may stop a measurement; nobody who exists is in the data.
const CAP_MU: i64 = 1_000_000_000_000;
/// Keys of a run. A partner asks about some segments, not about thousands, and what a key has seen is compared with.
const KEYS: usize = 64;
/// How long a server may take until it listens, and until it holds an epoch in memory.
const PATIENCE: Duration = Duration::from_mins(5);

/// A server over a database of people who do not exist.
pub struct Stage {
    pub server: Child,
    pub keys: Vec<String>,
    pub vocabulary: Vocabulary,
    /// From the start of the process until it listens.
    pub started_in: Duration,
}

impl Stage {
    /// Makes the people if there are none, and starts a server.
    ///
    /// # Errors
    /// The database holds something else, or the server does not start.
    pub async fn set(url: &str, agents: u32, engine: EngineKind) -> anyhow::Result<Self> {
        let db = db::connect(url).await?;
        prepare(&db, agents).await?;
        let epoch = Epoch::load_newest(&db, SystemClock.now()).await?.context("there is no readable epoch")?;
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            keys.push(key(&db).await?);
        }
        db.close().await?;
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["serve", "--listen-addr", "127.0.0.1:0", "--metrics-addr", "", "--redis-url", ""])
            .args(["--engine", engine.name()])
            // Not an argument: the list of processes shows these.
            .env("DATABASE_URL", url);
        let started = Instant::now();
        let server = Child::start(&mut command, (engine == EngineKind::Memory).then_some("epoch in memory"))?;
        let started_in = server.listened - started;
        Ok(Self { server, keys, vocabulary: epoch.vocabulary.as_ref().clone(), started_in })
    }
}

async fn prepare(db: &DatabaseConnection, agents: u32) -> anyhow::Result<()> {
    db::migrate_if_fresh(db).await?;
    let people = agent::Entity::find().count(db).await?;
    if people == 0 {
        eprintln!("making {agents} people who do not exist ...");
        Population { agents, seed: 1 }.store(db, PARTNER).await?;
        rollup::build(db, ENDS_AT, SystemClock.now(), Progress::Shown).await?;
    } else {
        let ours = partner::Entity::find_by_id(PARTNER).one(db).await?.is_some();
        ensure!(ours, "this database was not made by `bench`, which lifts all privacy caps: give it an empty one");
        ensure!(
            people == u64::from(agents),
            "this database holds {people} people: ask for --agents {people}, or give an empty one"
        );
    }
    Ok(ledger::cap_all_regions(db, CAP_MU).await?)
}

/// A key without limits, for a day.
async fn key(db: &DatabaseConnection) -> anyhow::Result<String> {
    let (few, many) = (1_000_000, 1_000_000_000);
    let now = SystemClock.now();
    let new = NewKey {
        partner_id: PARTNER.to_owned(),
        environment: Environment::Poc,
        scopes: vec![Scope::Behavior, Scope::Personality, Scope::Network],
        limits: Limits {
            per_minute: few,
            per_day: many,
            max_query_points: few,
            points_per_minute: many,
            points_per_day: many,
        },
        expires_at: Some(now + DAY),
        cap_mu: CAP_MU,
    };
    Ok(auth::create_key(db, &new, now).await?.1.reveal().to_owned())
}

/// A server as a process, which ends with this value.
pub struct Child {
    process: std::process::Child,
    pub address: SocketAddr,
    listened: Instant,
}

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Child {
    /// Starts a program that says `listening on http://ADDRESS`; waits for words on standard error too, if there are
    /// some to wait for.
    ///
    /// # Errors
    /// It does not start, or ends.
    pub fn start(command: &mut Command, ready: Option<&'static str>) -> anyhow::Result<Self> {
        let program = Path::new(command.get_program()).display().to_string();
        let mut process = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let (out, errors) = (process.stdout.take(), process.stderr.take());
        let mut child = Self { process, address: SocketAddr::from(([127, 0, 0, 1], 0)), listened: Instant::now() };
        let (sender, is_ready) = mpsc::channel();
        if let Some(errors) = errors {
            thread::spawn(move || {
                for line in BufReader::new(errors).lines().map_while(Result::ok) {
                    if ready.is_some_and(|words| line.contains(words)) {
                        let _ = sender.send(());
                    } else if line.contains("WARN") || line.contains("ERROR") || line.starts_with("error") {
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
        child.address = address.parse()?;
        child.listened = Instant::now();
        if ready.is_some() {
            is_ready.recv_timeout(PATIENCE).with_context(|| format!("{program} is not ready"))?;
        }
        Ok(child)
    }

    /// The CPU time that the process has used; `None` where the system does not tell.
    #[must_use]
    pub fn cpu(&self) -> Option<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).ok()?;
        // Behind the name, which may hold anything: the 12th and 13th are ticks, of which Linux shows 100 a second.
        let (_, fields) = stat.rsplit_once(')')?;
        let mut ticks = fields.split_whitespace().skip(11).map_while(|field| field.parse::<u64>().ok());
        Some(Duration::from_millis((ticks.next()? + ticks.next()?) * 10))
    }

    /// The largest memory that the process has held at once, in bytes; `None` where the system does not tell.
    #[must_use]
    pub fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
    }
}
