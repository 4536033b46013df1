//! One table of several reports: a column for each store and engine, a row for each figure.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::PathBuf,
};

use anyhow::Context as _;
use serde_json::Value;

use crate::pipeline::Pipeline;

/// Prints the reports of `--json` as one table in Markdown. Reports of the same store and engine share a column; a
/// pipeline stands in every column of its store.
///
/// # Errors
/// A file cannot be read, or is no report.
pub fn print(files: &[PathBuf]) -> anyhow::Result<()> {
    let mut pipelines = Vec::new();
    let mut columns: BTreeMap<String, Figures> = BTreeMap::new();
    for file in files {
        let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
        if let Ok(pipeline) = serde_json::from_str::<Pipeline>(&text) {
            pipelines.push(pipeline);
            continue;
        }
        let report: Value = serde_json::from_str(&text).context("not a report")?;
        let name = |field: &str| report[field].as_str().with_context(|| format!("{} has no {field}", file.display()));
        let column = format!("{}, `{}`", name("database")?, name("engine")?);
        columns.entry(column).or_default().add_report(&report);
    }
    for pipeline in &pipelines {
        let of_store: Vec<&mut Figures> = columns
            .iter_mut()
            .filter(|(column, _)| column.starts_with(&pipeline.store))
            .map(|(_, figures)| figures)
            .collect();
        if of_store.is_empty() {
            columns.entry(pipeline.store.clone()).or_default().add_pipeline(pipeline);
        } else {
            for figures in of_store {
                figures.add_pipeline(pipeline);
            }
        }
    }
    println!("{}", markdown(&columns));
    Ok(())
}

/// The figures of a column by row. Rows are sorted by their number.
#[derive(Default)]
struct Figures(BTreeMap<(u32, String), String>);

impl Figures {
    fn add(&mut self, place: u32, row: String, figure: String) {
        self.0.insert((place, row), figure);
    }

    fn add_pipeline(&mut self, pipeline: &Pipeline) {
        let (import, floor) = (pipeline.import, pipeline.dry_run);
        self.add(0, "`import`".to_owned(), format!("{:.1} s", import.seconds));
        self.add(1, "floor of `import`: `--dry-run`".to_owned(), format!("{:.1} s", floor.seconds));
        self.add(2, "`epoch build`".to_owned(), format!("{:.1} s", pipeline.epoch_build.seconds));
        let memory = [import, pipeline.epoch_build].map(|used| used.peak_memory_mib.unwrap_or_default());
        self.add(3, "peak memory of both".to_owned(), format!("{:.0}, {:.0} MiB", memory[0], memory[1]));
    }

    fn add_report(&mut self, report: &Value) {
        let number = |value: &Value| value.as_f64().unwrap_or_default();
        for (place, line) in report["workloads"].as_array().into_iter().flatten().enumerate() {
            let row = format!("{} at {}", line["workload"].as_str().unwrap_or_default(), line["connections"]);
            let mut figure = format!("{:.1}/s, p95 {:.1} ms", number(&line["per_second"]), number(&line["p95_ms"]));
            if let Some(share) = line["of_baseline"].as_f64() {
                let _ = write!(figure, ", {:.0} % of the floor", share * 100.0);
            }
            self.add(10 + u32::try_from(place).unwrap_or_default(), row, figure);
        }
        if let Some(memory) = report["peak_memory_mib"].as_f64() {
            self.add(1_000, "peak memory of the server".to_owned(), format!("{memory:.0} MiB"));
        }
    }
}

fn markdown(columns: &BTreeMap<String, Figures>) -> String {
    let rows: BTreeSet<&(u32, String)> = columns.values().flat_map(|figures| figures.0.keys()).collect();
    let mut text = format!("| | {} |\n|---|", columns.keys().cloned().collect::<Vec<_>>().join(" | "));
    text.push_str(&"---|".repeat(columns.len()));
    for row in rows {
        let figures = columns.values().map(|figures| figures.0.get(row).map_or("", String::as_str));
        // Writing to a String cannot fail.
        let _ = write!(text, "\n| {} | {} |", row.1, figures.collect::<Vec<_>>().join(" | "));
    }
    text
}
