//! Measures how many requests a real server answers per second and how long each takes.
//!
//! The server runs as a separate process with synthetic people and answers over HTTP. Each workload is compared with a
//! baseline: axum and async-graphql answering constants (`baseline.rs`).

mod baseline;
mod environment;
mod load;
mod measurement;
mod pipeline;
mod scaling;
mod table;
mod timing;
mod workloads;

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use environment::{Environment, ServerProcess};
use measurement::{Measurement, Plan};
use pipeline::PipelineOptions;
use serde::Serialize;
use spots_enrichment::{
    cli::{Cli, config::EngineKind},
    domain::clock::{Clock as _, SystemClock},
    ingest::generate::DEMO_AGENTS,
};
use timing::TimingAttack;
use workloads::Workload;

/// The server's allocator: the benchmark serves with it too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measure how fast a server answers on this machine: synthetic people, a server process, real HTTP.
#[derive(Parser)]
#[command(
    version,
    max_term_width = 100,
    args_conflicts_with_subcommands = true,
    after_help = "\
Workloads:
  w1      a portrait of a segment (behavior, personality, network) that was already released to this key
  w2      a portrait of another segment each time, never requested before
  w3      50 portraits in one document, already released; w3-new: never requested before
  w4      an invalid key
  w5      { __typename } with a valid key
The error codes in the last column count answers that contain an error: w2 and w3 choose segments at random, and
some are too small or overlap with an earlier one.
A first view takes at least 10 ms and an invalid key at least 10 ms by design (docs/privacy.md): with one connection
w2 and w4 show these minimum times.
Each run leaves charges in its database, and they slow the next run of w2 down: compare databases of equal age.

Examples:
  cargo run -p bench --release
  cargo run -p bench --release -- --engine memory --agents 200000 --workloads w2 --connections 1,16
  cargo run -p bench --release -- --json > before.json
  cargo run -p bench --release -- pipeline --agents 200000 --visits 60 --json > pipeline.json
  cargo run -p bench --release -- table pipeline.json before.json"
)]
struct Bench {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    options: Options,
}

/// What the benchmark starts itself as.
#[derive(Subcommand)]
enum Role {
    /// Answer constants: the baseline.
    #[command(hide = true)]
    Baseline,
    /// Measure how long files take until an epoch is built from them, and fill the database for the workloads.
    Pipeline(PipelineOptions),
    /// Print reports (`--json`) as one table in Markdown.
    Table {
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Print the size table of `docs/scaling.md` from what was measured.
    Scaling {
        #[arg(value_name = "FILE", default_value = "docs/scaling.json")]
        file: PathBuf,
    },
    /// Do what `spots-enrichment` does.
    #[command(hide = true, disable_help_flag = true)]
    Run {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Serve as `spots-enrichment serve` does.
    #[command(hide = true, disable_help_flag = true)]
    Serve {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

#[derive(Args)]
struct Options {
    /// A separate database: an empty one, or one that an earlier run filled. Never one that holds real people.
    #[arg(long, value_name = "URL", default_value = "sqlite://data/bench.db?mode=rwc")]
    bench_database: String,
    /// The warehouse of the database, which `pipeline` has filled.
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,
    /// Number of synthetic people in a new database.
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEMO_AGENTS,
        value_parser = clap::value_parser!(u32).range(1_000..=5_000_000)
    )]
    agents: u32,
    /// The engine that computes the sums.
    #[arg(long, value_enum, default_value = "sql")]
    engine: EngineKind,
    /// The workloads to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Workload::ALL)]
    workloads: Vec<Workload>,
    /// Numbers of concurrent connections, measured one after the other.
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [1, 16, 64],
        value_parser = clap::value_parser!(u16).range(1..=1_000)
    )]
    connections: Vec<u16>,
    /// Seconds per workload and round.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Rounds; each measures a workload and its baseline one after the other.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Another binary to measure, such as one of an earlier version: it is started as `FILE serve`.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Instead of workloads: attack the first views of N segments, every second of which another key has viewed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(10..=10_000))]
    timing_attack: Option<u16>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The result of a run.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    machine: String,
    agents: u32,
    engine: &'static str,
    database: &'static str,
    ready_s: f64,
    peak_memory_mib: Option<f64>,
    workloads: Vec<Measurement>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let Bench { role, options } = Bench::parse();
    match role {
        Some(Role::Baseline) => Ok(baseline::serve().await?),
        Some(Role::Pipeline(options)) => options.run(),
        Some(Role::Table { files }) => table::print(&files),
        Some(Role::Scaling { file }) => scaling::print(&file),
        Some(Role::Run { arguments }) => {
            let arguments = ["spots-enrichment".to_owned()].into_iter().chain(arguments);
            spots_enrichment::cli::run(Cli::parse_from(arguments)).await
        }
        Some(Role::Serve { arguments }) => {
            let arguments = ["spots-enrichment", "serve"].into_iter().map(str::to_owned).chain(arguments);
            spots_enrichment::cli::run(Cli::parse_from(arguments)).await
        }
        None => options.run().await,
    }
}

impl Options {
    async fn run(self) -> anyhow::Result<()> {
        let this_program = std::env::current_exe()?;
        let server = self.server.as_ref().unwrap_or(&this_program);
        let environment =
            Environment::start(server, &self.bench_database, self.warehouse.as_deref(), self.agents, self.engine)
                .await?;
        // The current time: segments that no earlier run requested.
        let seed = u64::try_from(SystemClock.now_ms())?;
        if let Some(pages) = self.timing_attack {
            let attack = TimingAttack::run(&environment, usize::from(pages), seed).await?;
            if self.json {
                println!("{}", serde_json::to_string_pretty(&attack)?);
            } else {
                let TimingAttack { pages, median_stored_ms, median_new_ms, auc } = attack;
                println!(
                    "first views of {pages} segments: median {median_stored_ms:.2} ms if another key had viewed them, \
                     {median_new_ms:.2} ms if not; AUC of the times {auc:.3}"
                );
            }
            return Ok(());
        }
        let baseline = ServerProcess::start(Command::new(&this_program).arg("baseline"), None);
        let baseline = baseline.context("the baseline does not start")?;
        let plan = Plan {
            workloads: self.workloads,
            connections: self.connections.into_iter().map(usize::from).collect(),
            duration: Duration::from_secs(self.seconds),
            rounds: self.rounds,
            seed,
        };
        let progress = |workload: &str| eprintln!("{workload} ...");
        let workloads = measurement::run(&plan, &environment, &baseline, progress).await?;
        let report = Report {
            version: env!("CARGO_PKG_VERSION"),
            machine: machine(),
            agents: self.agents,
            engine: self.engine.name(),
            database: pipeline::store(&self.bench_database, self.warehouse.is_some()),
            ready_s: environment.startup_time.as_secs_f64(),
            peak_memory_mib: environment.server.peak_memory().map(|bytes| bytes as f64 / f64::from(1 << 20)),
            workloads,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            print(&report);
        }
        Ok(())
    }
}

/// The number of cores and the processor model.
fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpuinfo = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    let separator = if model.is_empty() { "" } else { ", " };
    format!("{cores} cores{separator}{model}")
}

fn print(report: &Report) {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header([
        "workload",
        "connections",
        "answers",
        "per second",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU s / 1,000",
        "of baseline",
        "errors",
    ]);
    for line in &report.workloads {
        let percent = line.of_baseline.map(|share| format!("{:.0} %", share * 100.0)).unwrap_or_default();
        let cpu = line.cpu_s_per_1000.map(|cpu| format!("{cpu:.2}")).unwrap_or_default();
        let codes: Vec<String> = line.codes.iter().map(|(code, count)| format!("{count} {code}")).collect();
        let mut row = vec![line.workload.to_owned(), line.connections.to_string(), line.answers.to_string()];
        row.push(format!("{:.1}", line.per_second));
        row.extend([line.p50_ms, line.p95_ms, line.p99_ms].map(|time| format!("{time:.2}")));
        row.extend([cpu, percent, codes.join(", ")]);
        table.add_row(row);
    }
    let memory = report.peak_memory_mib.map(|mib| format!(", peak memory {mib:.0} MiB")).unwrap_or_default();
    println!(
        "{table}\n\n{} people, engine {}, {}; ready after {:.2} s{memory}; {}",
        report.agents, report.engine, report.database, report.ready_s, report.machine
    );
}
