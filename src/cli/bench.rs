//! `bench`: how fast this server is on this machine.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::table::{self, Format};
use crate::{
    bench::{
        self, Measured, Plan, Work,
        stage::{Child, Stage},
    },
    clock::{Clock as _, SystemClock},
    config::EngineKind,
    generate::DEMO_AGENTS,
};

/// Measure how fast a server answers on this machine: people who do not exist, a server of its own, real HTTP.
#[derive(Args)]
#[command(after_help = "\
Works:
  w1      a portrait of a segment (behavior, personality, network) that was released to this key
  w2      a portrait of another segment each time, never asked before
  w3      50 portraits in one document, released; w3-new: never asked before
  w4      a wrong key
  w5      { __typename } with a key
A code behind the numbers says how many answers were errors (`too near`, too few people): w2 and w3 ask at random.
First views take 25 ms or more, a wrong key 10 ms, on purpose (docs/privacy.md): at one connection w2 and w4 show that.
Each run leaves charges behind, and w2 adds up more of them in the next: compare databases that are equally new.

Examples:
  bench
  bench --engine memory --agents 200000 --works w2 --connections 1,16
  bench --json > before.json")]
pub(super) struct Bench {
    /// A database of its own: an empty one, or one that an earlier `bench` filled. Never one with real people.
    #[arg(
        id = "bench_database",
        long = "bench-database",
        value_name = "URL",
        default_value = "sqlite://data/bench.db?mode=rwc"
    )]
    database: String,
    /// People in a new population.
    #[arg(long, value_name = "N", default_value_t = DEMO_AGENTS, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    agents: u32,
    /// Who sums.
    #[arg(long, value_enum, default_value = "sql")]
    engine: EngineKind,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Work::ALL)]
    works: Vec<Work>,
    /// Connections at once, one after the other.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64], value_parser = clap::value_parser!(u16).range(1..=1_000))]
    connections: Vec<u16>,
    /// Seconds of a work in a round.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Rounds; in each a work is measured beside its floor.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// The program `floor` (`cargo build --release -p floor`); by default the one beside this program, if it is there.
    #[arg(long, value_name = "FILE")]
    floor: Option<PathBuf>,
    #[command(flatten)]
    format: Format,
}

/// All that was found.
#[derive(Serialize)]
struct Found {
    version: &'static str,
    machine: String,
    agents: u32,
    engine: &'static str,
    database: &'static str,
    ready_s: f64,
    peak_memory_mib: Option<f64>,
    works: Vec<Measured>,
}

impl Bench {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let stage = Stage::set(&self.database, self.agents, self.engine).await?;
        let floor = floor(self.floor.as_deref())?;
        let plan = Plan {
            works: self.works,
            connections: self.connections.into_iter().map(usize::from).collect(),
            time: Duration::from_secs(self.seconds),
            rounds: self.rounds,
            // Segments that no earlier run asked about.
            seed: u64::try_from(SystemClock.now_ms())?,
        };
        let works = bench::run(&plan, &stage, floor.as_ref(), |work| eprintln!("{work} ...")).await?;
        let found = Found {
            version: env!("CARGO_PKG_VERSION"),
            machine: machine(),
            agents: self.agents,
            engine: self.engine.name(),
            database: if self.database.starts_with("sqlite:") { "SQLite" } else { "PostgreSQL" },
            ready_s: stage.started_in.as_secs_f64(),
            peak_memory_mib: stage.server.peak_memory().map(|bytes| bytes as f64 / f64::from(1 << 20)),
            works,
        };
        self.format.show(&found, print)
    }
}

fn floor(named: Option<&Path>) -> anyhow::Result<Option<Child>> {
    let file = match named {
        Some(file) => file.to_owned(),
        None => std::env::current_exe()?.with_file_name("floor"),
    };
    if named.is_none() && !file.is_file() {
        eprintln!("no floor to compare with: `cargo build --release -p floor` makes it");
        return Ok(None);
    }
    Child::start(&mut Command::new(file), None).context("the floor does not run").map(Some)
}

/// What this machine is, in a few words.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let about = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = about.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let separator = if model.is_empty() { "" } else { ", " };
    format!("{cores} cores{separator}{model}")
}

fn print(found: &Found) -> anyhow::Result<()> {
    let rows: Vec<Vec<String>> = found
        .works
        .iter()
        .map(|work| {
            let percent = work.of_floor.map(|share| format!("{:.0} %", share * 100.0)).unwrap_or_default();
            let cpu = work.cpu_s_per_1000.map(|cpu| format!("{cpu:.2}")).unwrap_or_default();
            let codes: Vec<String> = work.codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
            let mut row = vec![work.work.to_owned(), work.connections.to_string(), work.answers.to_string()];
            row.push(format!("{:.1}", work.per_second));
            row.extend([work.p50_ms, work.p95_ms, work.p99_ms].map(|time| format!("{time:.2}")));
            row.extend([cpu, percent, codes.join(", ")]);
            row
        })
        .collect();
    let header = [
        "work",
        "connections",
        "answers",
        "a second",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU s / 1,000",
        "of floor",
        "errors",
    ];
    table::print(&header, &rows)?;
    let memory = found.peak_memory_mib.map(|mib| format!(", at most {mib:.0} MiB")).unwrap_or_default();
    say!(
        "\n{} people, engine {}, {}; ready after {:.2} s{memory}; {}",
        found.agents,
        found.engine,
        found.database,
        found.ready_s,
        found.machine
    );
    Ok(())
}
