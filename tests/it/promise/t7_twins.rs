//! T7: twins. The same script runs over data with and without one person, with the same noise: charges, rejections,
//! answered fields and messages are the same. Only the noisy numbers differ.

use sea_orm::{ConnectionTrait as _, EntityTrait as _};
use serde_json::Value;
use spots_enrichment::{
    domain::clock::DAY,
    ingest::{epoch_builder, erasure, generate::ENDS_AT, progress::Progress},
    storage::{
        db,
        entity::{privacy_charge, privacy_release},
    },
};

use crate::app::{ALL, NOW, On, TestApp, databases};

/// The outcome of a run, without the ids of keys and requests, which are random.
struct Record {
    /// Codes, reasons, paths and messages of each answer.
    refusals: Vec<Vec<String>>,
    charges: Vec<(String, String, i64, i64)>,
    releases: Vec<(String, String)>,
    sizes: Vec<i64>,
}

fn refusals(answer: &Value) -> Vec<String> {
    let errors = answer["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| {
            let extensions = &error["extensions"];
            let details = [&extensions["code"], &extensions["reason"], &extensions["whose"], &extensions["returnsAt"]];
            format!("{details:?} {} {}", error["path"], error["message"])
        })
        .collect()
}

/// Runs the script on data without the person `but`.
async fn run(on: On, but: Option<&str>) -> Record {
    let database = TestApp::database(on).await;
    let db = db::connect(&database.url).await.unwrap();
    if let Some(but) = but {
        erasure::erase(&db, None, but, NOW).await.unwrap();
    }
    db.execute_unprepared("delete from epochs").await.unwrap();
    epoch_builder::build(&db, ENDS_AT, NOW, Progress::Hidden).await.unwrap();
    db.close().await.unwrap();

    let app = TestApp::over(database, NOW, 7).await;
    let cap = "update privacy_accounts set cap_microunits = 4000000 where subject = 'region:demo-hills'";
    app.db().execute_unprepared(cap).await.unwrap();
    let keys = [app.client_of("one", &ALL, 2_500).await, app.client_of("two", &ALL, 20_000).await];
    let all = "size { value } behavior { communityEngagement { value } timeSpent { short { value } } } \
               personality { archetype } network { viralPotential { value } tieCompatibility { value } }";
    let cohort = |definition: &str| format!("{{ cohort(precision: FINEST, definition: {definition}) {{ {all} }} }}");
    let script = [
        (0, cohort("{regions: [\"demo-harbor\"]}")),
        (1, cohort("{regions: [\"demo-harbor\"]}")),
        (0, cohort("{regions: [\"demo-harbor\"], age: {from: 18}}")),
        (0, cohort("{regions: [\"demo-harbor\"], age: {to: 34}}")),
        (0, cohort("{regions: [\"demo-coast\"], age: {from: 65}}")),
        (0, cohort("{regions: [\"demo-coast\"], age: {from: 65}}")),
        (0, cohort("{regions: [\"nowhere\"]}")),
        (1, cohort("{regions: [\"demo-hills\"]}")),
        (1, cohort("{regions: [\"demo-hills\"], interests: [\"food\"]}")),
        (1, cohort("{regions: [\"demo-hills\"], age: {to: 34}}")),
        (1, cohort("{}")),
        (0, cohort("{regions: [\"demo-lakes\"]}")),
        (0, cohort("{regions: [\"demo-plains\"]}")),
        (0, "{ viewer { privacyBudget { spent left regions { region guaranteedLeft firstComeLeft } } } }".to_owned()),
        (
            1,
            format!(
                "{{ segments {{ nodes {{ {all} }} }} quote(document: \"{{ viewer {{ partner }} }}\") {{ units }} }}"
            ),
        ),
    ];
    let mut refused = Vec::new();
    for (key, document) in &script {
        let answer = keys[*key].ask(document).await;
        refused.push(refusals(&answer.body));
        app.clock.advance_s(DAY / 2);
    }
    let charges = privacy_charge::Entity::find().all(app.db()).await.unwrap();
    let name = |subject: String| match keys.iter().position(|key| subject == format!("key:{}", key.key_id)) {
        Some(number) => format!("key {number}"),
        None => subject,
    };
    let mut charges: Vec<_> = charges
        .into_iter()
        .map(|charge| (name(charge.subject), charge.release_key, charge.microunits, charge.charged_at))
        .collect();
    charges.sort();
    let mut rows = privacy_release::Entity::find().all(app.db()).await.unwrap();
    rows.sort_by(|a, b| a.release_key.cmp(&b.release_key));
    let size = |row: &privacy_release::Model| -> Option<i64> {
        let payload: Value = serde_json::from_str(row.payload.as_deref()?).unwrap();
        (row.bundle == "SIZE").then(|| payload["values"][0].as_i64().unwrap())
    };
    let sizes = rows.iter().filter_map(size).collect();
    let releases = rows.into_iter().map(|row| (row.release_key, row.status)).collect();
    Record { refusals: refused, charges, releases, sizes }
}

#[tokio::test]
async fn t7_one_person_more_changes_no_charge_and_no_refusal() {
    for on in databases() {
        let with = run(on, None).await;
        let reasons = with.refusals.concat().join("\n");
        for reason in ["KEY_BUDGET", "REGION_BUDGET", "BELOW_THRESHOLD", "MIN_DIFFERENCE", "DOMINANCE", "VOCABULARY"] {
            assert!(reasons.contains(reason), "the script must cause {reason}: {reasons}");
        }
        let mut moved = 0;
        for but in ["demo_0000000", "demo_0000777", "demo_0001500", "demo_0002222"] {
            let without = run(on, Some(but)).await;
            assert_eq!(with.charges, without.charges, "{but}");
            assert_eq!(with.releases, without.releases, "{but}");
            assert_eq!(with.refusals, without.refusals, "{but}");
            assert_eq!(with.sizes.len(), without.sizes.len(), "{but}");
            for (one, two) in with.sizes.iter().zip(&without.sizes) {
                assert!((0..=1).contains(&(one - two)), "{but}: {one} and {two} people");
                moved += i64::from(one != two);
            }
        }
        assert!(moved > 0, "at least one size must differ between the twins");
    }
}
