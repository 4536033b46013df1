//! `bench` counts answers correctly and does not touch a database that it did not make. Speed is not asserted.

use sea_orm::EntityTrait as _;
use serde_json::Value;
use spots_enrichment::{db, entity::privacy_account, privacy::ledger};

use crate::{
    app::{On, TestApp, folder},
    cli::binary,
};

/// With 6,000 people a number about all of them is withheld only if its noise exceeds 8 standard deviations; with
/// 3,000, 2.5 are enough (`viralPotential`).
const PEOPLE: &str = "6000";

fn bench(dir: &std::path::Path, more: &[&str]) -> (Option<i32>, String, String) {
    let output = binary(dir).args(["bench", "--agents", PEOPLE, "--seconds", "1", "--rounds", "1"]).args(more).output();
    let output = output.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

#[test]
fn bench_counts_the_answers_of_its_own_server() {
    let dir = folder("bench");
    let (status, out, stderr) = bench(&dir, &["--connections", "2", "--engine", "memory", "--json"]);
    assert_eq!(status, Some(0), "{stderr}");
    let found: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&found["agents"], &found["engine"], &found["database"]),
        (&6_000.into(), &"memory".into(), &"SQLite".into())
    );
    let number = |line: &Value, field: &str| line[field].as_f64().unwrap();
    for line in found["works"].as_array().unwrap() {
        assert!(number(line, "answers") > 0.0 && number(line, "per_second") > 0.0, "{line}");
        assert!(number(line, "p50_ms") <= number(line, "p95_ms"), "{line}");
        assert!(number(line, "p95_ms") <= number(line, "p99_ms"), "{line}");
        let errors = match line["work"].as_str().unwrap() {
            // New random segments may be rejected.
            work if work.starts_with("W2") || work.starts_with("W3") => continue,
            work if work.starts_with("W4") => serde_json::json!({ "AUTHENTICATION_FAILED": line["answers"] }),
            _ => serde_json::json!({}),
        };
        assert_eq!(line["codes"], errors, "{line}");
        let floor = std::path::Path::new(env!("CARGO_BIN_EXE_spots-enrichment")).with_file_name("floor");
        assert_eq!(line["of_floor"].is_number(), floor.is_file(), "{line}");
    }
    assert_eq!(found["works"].as_array().unwrap().len(), 6);

    let (status, out, _) = bench(&dir, &["--connections", "1", "--works", "w5"]);
    assert!(
        status == Some(0) && out.contains("W5 __typename") && out.contains("6000 people, engine sql, SQLite"),
        "{out}"
    );
    let other = ["bench", "--agents", "4000", "--works", "w5"];
    let stderr = String::from_utf8(binary(&dir).args(other).output().unwrap().stderr).unwrap();
    assert!(stderr.contains("this database holds 6000 people: ask for --agents 6000"), "{stderr}");
}

#[tokio::test]
async fn bench_rejects_a_database_that_it_did_not_make() {
    let dir = folder("bench");
    let database = TestApp::database(On::Sqlite).await;
    let (status, out, stderr) = bench(&dir, &["--bench-database", &database.url]);
    assert_eq!((status, out.as_str()), (Some(1), ""));
    assert!(stderr.contains("was not made by `bench`"), "{stderr}");
    // No cap was raised.
    let db = db::connect(&database.url).await.unwrap();
    let accounts = privacy_account::Entity::find().all(&db).await.unwrap();
    assert!(accounts.iter().all(|account| account.cap_mu <= ledger::REGION_CAP_MU), "{accounts:?}");
}
