//! The size table of `docs/scaling.md`, derived from what was measured on a small cluster (`docs/scaling.json`).
//!
//! Each shard works on its own people, so work and space per shard are proportional to its people. Only ties cross
//! between shards. What is not measured is assumed, and stands in the table's text: the cores of a shard, and the time
//! that a build and a portrait may take.

use std::{fmt::Write as _, path::Path};

use anyhow::Context as _;
use serde::Deserialize;

/// Cores of a shard of the table.
const CORES: f64 = 16.0;
/// The time that a build may take, in seconds.
const BUILD_S: f64 = 3_600.0;
/// The time that the sums of a new portrait may take, in seconds.
const PORTRAIT_S: f64 = 1.0;
/// Visits of a person in the raw tables: a year with 60 in 84 days.
const VISITS_PER_PERSON: f64 = 260.0;
/// Visits of a person in a week.
const VISITS_PER_WEEK: f64 = 5.0;

/// What was measured on a cluster, for all shards together.
#[derive(Deserialize)]
pub struct Measured {
    people: f64,
    visits: f64,
    /// Bytes on disk of agents and profiles, visits, ties, and of the rollup of one epoch.
    people_bytes: f64,
    visits_bytes: f64,
    ties_bytes: f64,
    rollup_bytes: f64,
    /// Uncompressed bytes that the build sends to other shards or keeps as ties.
    exchanged_bytes: f64,
    /// Processor seconds of the import process for all visits.
    import_process_cpu_s: f64,
    /// Processor seconds of the servers.
    import_servers_cpu_s: f64,
    build_servers_cpu_s: f64,
    portrait_servers_cpu_s: f64,
    /// The share of the cores that the servers used during the build.
    build_cores_used: f64,
    /// Peak memory of the import process, and what of it does not depend on the number of people.
    import_process_bytes: f64,
    import_batches_bytes: f64,
}

/// Prints the table.
///
/// # Errors
/// The file cannot be read, or a number is missing.
pub fn print(file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let measured: Measured = serde_json::from_str(&text).with_context(|| format!("{}", file.display()))?;
    println!("{}", table(&measured));
    Ok(())
}

fn table(measured: &Measured) -> String {
    let header = [
        "people",
        "visits of a year",
        "disk",
        "shards",
        "`epoch build`",
        "import of a week",
        "sums of a portrait",
        "exchanged in a build",
        "memory of an import",
    ];
    let mut text = format!("| {} |\n|{}", header.join(" | "), "---|".repeat(header.len()));
    for people in [1e6, 1e7, 1e8, 1e9] {
        let size = Size::of(measured, people);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "\n| {} | {} | {} | {} | {} | {} | {} | {} | {} |",
            count(people),
            count(people * VISITS_PER_PERSON),
            bytes(size.disk_bytes),
            size.shards,
            time(size.build_s),
            time(size.week_import_s),
            time(size.portrait_s),
            bytes(size.exchanged_bytes),
            bytes(size.import_bytes),
        );
    }
    text
}

struct Size {
    disk_bytes: f64,
    shards: f64,
    build_s: f64,
    week_import_s: f64,
    portrait_s: f64,
    exchanged_bytes: f64,
    import_bytes: f64,
}

impl Size {
    fn of(measured: &Measured, people: f64) -> Self {
        let (scale, visits) = (people / measured.people, people * VISITS_PER_PERSON);
        let visit_scale = visits / measured.visits;
        // Two epochs are kept, and a third one exists while it is built.
        let disk_bytes = visit_scale * measured.visits_bytes
            + scale * (measured.people_bytes + measured.ties_bytes + 3.0 * measured.rollup_bytes);
        // A build reads all visits, because a first visit may be old.
        let build_cpu_s = visit_scale * measured.build_servers_cpu_s / measured.build_cores_used;
        let portrait_cpu_s = scale * measured.portrait_servers_cpu_s;
        let shards = (build_cpu_s / CORES / BUILD_S).max(portrait_cpu_s / CORES / PORTRAIT_S).ceil().max(1.0);
        let week = people * VISITS_PER_WEEK / measured.visits;
        Self {
            disk_bytes,
            shards,
            build_s: build_cpu_s / CORES / shards,
            // One process reads the files; the servers insert meanwhile.
            week_import_s: (week * measured.import_process_cpu_s)
                .max(week * measured.import_servers_cpu_s / CORES / shards),
            portrait_s: portrait_cpu_s / CORES / shards,
            exchanged_bytes: scale * measured.exchanged_bytes * (shards - 1.0) / shards,
            import_bytes: measured.import_batches_bytes
                + scale * (measured.import_process_bytes - measured.import_batches_bytes),
        }
    }
}

/// A number with two significant digits and a unit.
fn rounded(number: f64, units: &[(f64, &str)]) -> String {
    let (unit, name) =
        units.iter().rev().find(|(unit, _)| number >= *unit).or(units.first()).copied().unwrap_or((1.0, ""));
    let value = number / unit;
    let step = 10_f64.powf(value.log10().floor() - 1.0).min(1.0);
    let value = (value / step).round() * step;
    let decimals = usize::from(value < 10.0 && step < 1.0);
    format!("{value:.decimals$} {name}").trim_end().to_owned()
}

fn count(number: f64) -> String {
    rounded(number, &[(1.0, ""), (1e6, "million"), (1e9, "billion")])
}

fn bytes(number: f64) -> String {
    if number == 0.0 {
        return "nothing".to_owned();
    }
    rounded(number, &[(1e6, "MB"), (1e9, "GB"), (1e12, "TB")])
}

fn time(seconds: f64) -> String {
    if seconds < 1.0 {
        return format!("{seconds:.2} s");
    }
    rounded(seconds, &[(1.0, "s"), (60.0, "min"), (3_600.0, "h")])
}
