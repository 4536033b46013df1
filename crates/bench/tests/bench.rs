//! The benchmark counts answers correctly and does not touch a database that it did not make. Speed is not asserted.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use migration::{Migrator, MigratorTrait as _};
use sea_orm::EntityTrait as _;
use serde_json::Value;
use spots_enrichment::{
    domain::clock::DAY,
    ingest::{
        epoch_builder,
        generate::{ENDS_AT, Population},
        progress::Progress,
    },
    privacy::ledger,
    storage::{db, entity::privacy_account},
};

/// With 6,000 people a number about all of them is withheld only if its noise exceeds 8 standard deviations; with
/// 3,000, 2.5 are enough (`viralPotential`).
const PEOPLE: &str = "6000";

fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}_{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn bench(folder: &Path, arguments: &[&str]) -> (Option<i32>, String, String) {
    let program = env!("CARGO_BIN_EXE_bench");
    let output = Command::new(program).args(arguments).env_clear().current_dir(folder).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn the_benchmark_counts_the_answers_of_its_server() {
    let folder = folder("bench");
    let short = ["--agents", PEOPLE, "--seconds", "1", "--rounds", "1"];
    let arguments = [&short[..], &["--connections", "2", "--engine", "memory", "--json"]].concat();
    let (status, out, stderr) = bench(&folder, &arguments);
    assert_eq!(status, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["agents"], &report["engine"], &report["database"]),
        (&6_000.into(), &"memory".into(), &"SQLite".into())
    );
    let number = |line: &Value, field: &str| line[field].as_f64().unwrap();
    for line in report["workloads"].as_array().unwrap() {
        assert!(number(line, "answers") > 0.0 && number(line, "per_second") > 0.0, "{line}");
        assert!(number(line, "p50_ms") <= number(line, "p95_ms"), "{line}");
        assert!(number(line, "p95_ms") <= number(line, "p99_ms"), "{line}");
        let name = line["workload"].as_str().unwrap();
        let has_baseline = ["W1", "W3 50 released", "W4", "W5"].iter().any(|workload| name.starts_with(workload));
        assert_eq!(line["of_baseline"].is_number(), has_baseline, "{line}");
        let codes = match name {
            // New random segments may be rejected.
            name if name.starts_with("W2") || name.starts_with("W3") => continue,
            name if name.starts_with("W4") => serde_json::json!({ "AUTHENTICATION_FAILED": line["answers"] }),
            _ => serde_json::json!({}),
        };
        assert_eq!(line["codes"], codes, "{line}");
    }
    assert_eq!(report["workloads"].as_array().unwrap().len(), 6);

    let arguments = [&short[..], &["--connections", "1", "--workloads", "w5"]].concat();
    let (status, out, _) = bench(&folder, &arguments);
    let is_complete = out.contains("W5 __typename") && out.contains("6000 people, engine sql, SQLite");
    assert!(status == Some(0) && is_complete, "{out}");
    let (_, _, stderr) = bench(&folder, &["--agents", "4000", "--workloads", "w5"]);
    assert!(stderr.contains("use --agents 6000"), "{stderr}");
}

#[tokio::test]
async fn a_database_that_the_benchmark_did_not_make_is_rejected() {
    let folder = folder("foreign");
    let url = format!("sqlite://{}?mode=rwc", folder.join("people.db").display());
    let db = db::connect(&url).await.unwrap();
    Migrator::up(&db, None).await.unwrap();
    Population::new(1_000, 1).store(&db, "other").await.unwrap();
    epoch_builder::build(&db, ENDS_AT, ENDS_AT + 10 * DAY, Progress::Hidden).await.unwrap();
    let (status, out, stderr) = bench(&folder, &["--bench-database", &url]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(stderr.contains("was not made by `bench`"), "{stderr}");
    // No cap was raised.
    let accounts = privacy_account::Entity::find().all(&db).await.unwrap();
    assert!(!accounts.is_empty());
    let cap = ledger::REGION_CAP_MICROUNITS;
    assert!(accounts.iter().all(|account| account.cap_microunits <= cap), "{accounts:?}");
}

#[test]
fn the_pipeline_fills_a_database_and_reports_become_one_table() {
    let folder = folder("pipeline");
    let size = ["--agents", "1500", "--visits", "4"];
    let (status, pipeline, stderr) = bench(&folder, &[&["pipeline"], &size[..], &["--json"]].concat());
    assert_eq!(status, Some(0), "{stderr}");
    let report: Value = serde_json::from_str(&pipeline).unwrap();
    for step in ["dry_run", "import", "epoch_build"] {
        assert!(report[step]["seconds"].as_f64().unwrap() > 0.0, "{report}");
    }
    std::fs::write(folder.join("pipeline.json"), pipeline).unwrap();
    let short = ["--agents", "1500", "--seconds", "1", "--rounds", "1", "--connections", "2", "--workloads", "w3,w5"];
    let (status, workloads, stderr) = bench(&folder, &[&short[..], &["--json"]].concat());
    assert_eq!(status, Some(0), "{stderr}");
    std::fs::write(folder.join("workloads.json"), workloads).unwrap();
    let (status, table, stderr) = bench(&folder, &["table", "pipeline.json", "workloads.json"]);
    assert_eq!(status, Some(0), "{stderr}");
    assert!(table.starts_with("| | SQLite, `sql` |\n|---|---|\n| `import` | "), "{table}");
    for row in [
        "| floor of `import`",
        "| `epoch build` |",
        "| W3 50 released at 2 |",
        "of the floor",
        "| peak memory of the server",
    ] {
        assert!(table.contains(row), "{row}: {table}");
    }
    let (status, _, stderr) = bench(&folder, &["table", "missing.json"]);
    assert!(status == Some(1) && stderr.contains("cannot read missing.json"), "{stderr}");
}

#[test]
fn the_size_table_of_the_documents_is_derived_from_what_was_measured() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    let (status, table, stderr) = bench(&docs, &["scaling", "scaling.json"]);
    assert_eq!(status, Some(0), "{stderr}");
    let text = std::fs::read_to_string(docs.join("scaling.md")).unwrap();
    let shown = text.split_once("<!-- scaling: begin -->\n").unwrap().1.split_once("<!-- scaling: end -->").unwrap().0;
    assert_eq!(shown.trim(), table.trim(), "docs/scaling.md: replace the table by that of `bench scaling`");
}
