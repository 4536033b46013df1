//! T6: a server that is killed at any step leaves a ledger from which the next server continues: no answer without a
//! charge, no second charge, and only one sample that is ever returned.

use std::{collections::BTreeMap, thread};

use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _};
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

const PORTRAIT: &str = r#"{ cohort(definition: {regions: ["demo-harbor"]}) { size { value }
    behavior { release { id } visitsPerPerson { value } } personality { archetype dimensions { mean { value } } }
    network { connectionsPerPerson { value } } } }"#;

/// Charges by subject and release, and the payloads of published releases (`None`: suppressed).
async fn ledger(db: &DatabaseConnection) -> (BTreeMap<(String, String), i64>, BTreeMap<String, Option<String>>) {
    let charges = privacy_charge::Entity::find().all(db).await.unwrap();
    let releases = privacy_release::Entity::find().all(db).await.unwrap();
    (
        charges.into_iter().map(|charge| ((charge.subject, charge.release_key), charge.milliunits)).collect(),
        releases
            .into_iter()
            .filter(|release| release.status != "pending")
            .map(|release| (release.release_key, release.payload))
            .collect(),
    )
}

/// Kills a server when it reaches a step for the `time`-th time (sizes first, then the other bundles), and starts
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

    let (charges, published) = ledger(&db).await;
    let phase = |at: Step| time == 1 && step == at;
    if phase(Step::Charging) {
        assert!(charges.is_empty() && published.is_empty(), "{what}");
    } else {
        let charged = if time == 1 || step == Step::Charging { 1 } else { 4 };
        assert_eq!(charges.len(), 2 * charged, "{what}: the key and the region are charged before sampling");
    }
    // Expire the lease of the killed server, as if 30 seconds had passed.
    db.execute_unprepared("update privacy_releases set lease_until = 0 where status = 'pending'").await.unwrap();

    let second = Served::start(&database.url, |_| {});
    let answer = second.ask(&key, PORTRAIT);
    assert_eq!(answer["errors"], serde_json::Value::Null, "{what}: {answer}");
    assert_eq!(second.ask(&key, PORTRAIT)["data"], answer["data"], "{what}");
    let (after, shown) = ledger(&db).await;
    for (entry, milliunits) in &charges {
        assert_eq!(after.get(entry), Some(milliunits), "{what}: a charge changed");
    }
    for (release, payload) in &published {
        assert_eq!(shown.get(release), Some(payload), "{what}: a stored release was sampled again");
    }
    assert_eq!((after.len(), shown.len()), (8, 4), "{what}: size, behavior, personality, network, each once");
    for subject in [format!("key:{key_id}"), "region:demo-harbor".to_owned()] {
        let charged: i64 =
            after.iter().filter(|((payer, _), _)| *payer == subject).map(|(_, milliunits)| milliunits).sum();
        assert_eq!(charged, 1_230, "{what}: {subject}");
    }
}

#[tokio::test]
async fn t6_a_server_that_is_killed_at_any_step_is_charged_once_and_draws_once() {
    for on in databases() {
        for step in Step::ALL {
            for time in 1..=2 {
                // There is only one segment, so the minimum difference is decided only once.
                if (step, time) != (Step::Decided, 2) {
                    kill_at(on, step, time).await;
                }
            }
        }
    }
}
