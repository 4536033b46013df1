//! The pipeline: how long the program takes to load the files of synthetic people and to build their epoch, and how
//! much memory.
//!
//! The floor is `import --dry-run`, which reads and checks the same files and stores nothing.

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, ensure};
use clap::Args;
use serde::{Deserialize, Serialize};
use spots_enrichment::{domain::clock::format_time, ingest::generate::ENDS_AT};

use crate::environment::PARTNER;

/// The interval at which the memory of a process is read.
const MEMORY_INTERVAL: Duration = Duration::from_millis(20);

#[derive(Args)]
pub struct PipelineOptions {
    /// An empty database. It can be measured with workloads afterwards.
    #[arg(long, value_name = "URL", default_value = "sqlite://data/bench.db?mode=rwc")]
    bench_database: String,
    /// A warehouse with an empty database, beside a PostgreSQL database.
    #[arg(long, value_name = "URL")]
    warehouse: Option<String>,
    /// Number of synthetic people.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    agents: u32,
    /// Average number of visits of a person.
    #[arg(long, value_name = "N", default_value_t = 60)]
    visits: u32,
    /// The folder of the files; they are generated if it does not exist.
    #[arg(long, value_name = "DIR", default_value = "data/bench-files")]
    files: PathBuf,
    /// Another binary to measure, such as one of an earlier version.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The time and the peak memory of a command.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Used {
    pub seconds: f64,
    /// Absent where `/proc` is missing.
    pub peak_memory_mib: Option<f64>,
}

/// What the steps of the pipeline took.
#[derive(Debug, Serialize, Deserialize)]
pub struct Pipeline {
    pub store: String,
    pub agents: u32,
    pub visits_per_person: u32,
    /// Reading and checking the files: the floor of `import`.
    pub dry_run: Used,
    pub import: Used,
    pub epoch_build: Used,
}

impl PipelineOptions {
    /// Generates the files if they are missing, loads them and builds the epoch.
    ///
    /// # Errors
    /// A command fails; its standard error is shown.
    pub fn run(&self) -> anyhow::Result<()> {
        if !self.files.exists() {
            eprintln!("generating the files of {} people ...", self.agents);
            let (agents, visits) = (self.agents.to_string(), self.visits.to_string());
            self.step(&["generate", "--agents", &agents, "--visits", &visits, "--dir", self.dir()?])?;
        }
        self.step(&["migrate", "up"])?;
        let import = ["import", "--dir", self.dir()?, "--partner", PARTNER];
        eprintln!("import --dry-run ...");
        let dry_run = self.step(&[&import[..], &["--dry-run"]].concat())?;
        eprintln!("import ...");
        let imported = self.step(&import)?;
        eprintln!("epoch build ...");
        let as_of = format_time(ENDS_AT);
        let epoch_build = self.step(&["epoch", "build", "--as-of", &as_of[..10]])?;
        let pipeline = Pipeline {
            store: store(&self.bench_database, self.warehouse.is_some()).to_owned(),
            agents: self.agents,
            visits_per_person: self.visits,
            dry_run,
            import: imported,
            epoch_build,
        };
        if self.json {
            println!("{}", serde_json::to_string_pretty(&pipeline)?);
        } else {
            for (step, used) in
                [("import --dry-run", dry_run), ("import", pipeline.import), ("epoch build", epoch_build)]
            {
                let memory = used.peak_memory_mib.map(|mib| format!(", {mib:.0} MiB")).unwrap_or_default();
                println!("{step:>16}: {:.1} s{memory}", used.seconds);
            }
        }
        Ok(())
    }

    fn dir(&self) -> anyhow::Result<&str> {
        self.files.to_str().context("the name of the folder is not UTF-8")
    }

    /// Runs a command of the program.
    fn step(&self, arguments: &[&str]) -> anyhow::Result<Used> {
        let mut command = if let Some(program) = &self.server {
            Command::new(program)
        } else {
            let mut this_program = Command::new(std::env::current_exe()?);
            this_program.arg("run");
            this_program
        };
        // Not arguments: arguments are visible in the list of processes.
        command.args(arguments).env("DATABASE_URL", &self.bench_database).stdout(Stdio::null());
        command.env("WAREHOUSE_URL", self.warehouse.as_deref().unwrap_or_default());
        let started = Instant::now();
        let mut process = command.spawn().context("cannot start the program")?;
        let mut peak = None;
        let status = loop {
            peak = peak_memory(process.id()).or(peak);
            if let Some(status) = process.try_wait()? {
                break status;
            }
            std::thread::sleep(MEMORY_INTERVAL);
        };
        ensure!(status.success(), "`{}` failed", arguments.join(" "));
        let peak_memory_mib = peak.map(|bytes| bytes as f64 / f64::from(1 << 20));
        Ok(Used { seconds: started.elapsed().as_secs_f64(), peak_memory_mib })
    }
}

/// The name of a store in reports.
#[must_use]
pub fn store(database: &str, has_warehouse: bool) -> &'static str {
    match (has_warehouse, database.starts_with("sqlite:")) {
        (true, _) => "ClickHouse",
        (false, true) => "SQLite",
        (false, false) => "PostgreSQL",
    }
}

/// The peak resident memory of a process in bytes; `None` where `/proc` is missing.
#[must_use]
pub fn peak_memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1_024)
}
