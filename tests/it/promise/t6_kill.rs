//! T6: a server that is killed at any step leaves a ledger from which the next server continues: no answer without a
//! charge, no second charge, and only one sample that is ever returned.

use std::{collections::BTreeMap, thread};

use sea_orm::{DatabaseConnection, EntityTrait as _};
use spots_enrichment::{
    domain::mutant::Step,
    storage::{
        db,
        entity::{privacy_charge, privacy_release},
    },
};

use crate::{
    app::{ALL, NOW, On, TestApp, databases},
    served::{Served, send},
};

const PORTRAIT: &str = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value }
    behavior { release { id } visitsPerPerson { value } } personality { archetype dimensions { mean { value } } }
    network { connectionsPerPerson { value } } } }"#;

/// Charges by subject and release, and the payloads of published releases (`None`: suppressed).
async fn ledger(db: &DatabaseConnection) -> (BTreeMap<(String, String), i64>, BTreeMap<String, Option<String>>) {
    let charges = privacy_charge::Entity::find().all(db).await.unwrap();
    let releases = privacy_release::Entity::find().all(db).await.unwrap();
    (
        charges.into_iter().map(|charge| ((charge.subject, charge.release_key), charge.microunits)).collect(),
        releases.into_iter().map(|release| (release.release_key, release.payload)).collect(),
    )
}

/// Kills a server when it reaches a step for the `time`-th time (the size first, then the other bundles), and starts
/// another.
async fn kill_at(on: On, step: Step, time: usize) {
    let what = format!("{on:?}, {}, time {time}", step.name());
    let app = TestApp::over(TestApp::database(on).await, NOW, 1).await;
    let client = app.client(&ALL).await;
    let (key_id, key) = (client.key_id.clone(), client.key.clone());
    let TestApp { database, .. } = app;
    let db = db::connect(&database.url).await.unwrap();

    let first = Served::start(&database.url, |command| {
        command.env("STOP_AT", format!("{}:{time}", step.name()));
    });
    let (connection, asker) = (first.connect(), key.clone());
    let asking = thread::spawn(move || send(connection, &asker, PORTRAIT));
    first.wait_for("stopped at");
    first.kill();
    assert_eq!(asking.join().unwrap(), "", "{what}: the killed server sent an answer");

    // There is one transaction: the size with the verdict, and the other bundles. All of it is stored, or nothing is.
    let (charges, published) = ledger(&db).await;
    let bundles = if step == Step::Stored { 4 } else { 0 };
    assert_eq!((charges.len(), published.len()), (2 * 5 * bundles, 5 * bundles), "{what}: charged as far as stored");

    let second = Served::start(&database.url, |_| {});
    let answer = second.ask(&key, PORTRAIT);
    assert_eq!(answer["errors"], serde_json::Value::Null, "{what}: {answer}");
    assert_eq!(second.ask(&key, PORTRAIT)["data"], answer["data"], "{what}");
    let (after, shown) = ledger(&db).await;
    for (entry, microunits) in &charges {
        assert_eq!(after.get(entry), Some(microunits), "{what}: a charge changed");
    }
    for (release, payload) in &published {
        assert_eq!(shown.get(release), Some(payload), "{what}: a stored release was sampled again");
    }
    assert_eq!((after.len(), shown.len()), (40, 20), "{what}: five steps of four bundles, each once");
    for subject in [format!("key:{key_id}"), "region:demo-harbor".to_owned()] {
        let charged: i64 =
            after.iter().filter(|((payer, _), _)| *payer == subject).map(|(_, microunits)| microunits).sum();
        assert_eq!(charged, 1_230_000, "{what}: {subject}");
    }
}

#[tokio::test]
async fn t6_a_server_that_is_killed_at_any_step_is_charged_once_and_draws_once() {
    for on in databases() {
        for step in Step::ALL {
            // The size and the other bundles are sampled one after the other.
            let is_twice = step == Step::Sampled;
            for time in 1..=if is_twice { 2 } else { 1 } {
                kill_at(on, step, time).await;
            }
        }
    }
}
