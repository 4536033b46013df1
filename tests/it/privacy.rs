use std::sync::atomic::Ordering;

use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::Value;
use spots_enrichment::{
    domain::clock::DAY,
    storage::entity::{privacy_charge, privacy_release},
};

use crate::app::{ALL, On, TestApp, databases};

const PORTRAIT: &str = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) {
    size { value } behavior { visitsPerPerson { value sigma } categories { group share { value } } }
    personality { dimensions { name mean { value } p50 { value } histogram } }
    network { connectionsPerPerson { value } } } }"#;

/// `demo-coast` has too few people of 65 or more for a release.
const FEW: &str = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-coast"], age: {from: 65}}) {
    size { value } behavior { visitsPerPerson { value } } network { density { value } } } }"#;

async fn charges(app: &TestApp) -> Vec<(String, i64)> {
    let charges =
        privacy_charge::Entity::find().order_by_asc(privacy_charge::COLUMN.subject).all(app.db()).await.unwrap();
    charges.into_iter().map(|charge| (charge.subject, charge.microunits)).collect()
}

fn sum_of(charges: &[(String, i64)], subject: &str) -> i64 {
    charges.iter().filter(|(charged, _)| charged == subject).map(|(_, microunits)| microunits).sum::<i64>() / 1000
}

#[tokio::test]
async fn one_question_is_one_release_for_all_keys_and_repetitions() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let (one, two) = (app.client(&ALL).await, app.client_of("other", &ALL, crate::app::KEY_CAP_MILLIUNITS).await);
        let first = one.ask(PORTRAIT).await.ok().clone();
        let samples = app.noise.draws.load(Ordering::SeqCst);
        assert_eq!(samples, 4 * 5, "size, behavior, personality, network, each in five steps");
        assert_eq!(*one.ask(PORTRAIT).await.ok(), first);
        assert_eq!(*two.ask(PORTRAIT).await.ok(), first);
        let aliases = r#"{ a: cohort(precision: FINEST,
            definition: {regions: ["demo-harbor", "DEMO-HARBOR"]}) { size { value } }
            b: cohort(precision: FINEST, definition: {regions: ["demo-harbor"], interests: []}) { size { value } } }"#;
        let aliased = two.ask(aliases).await.ok().clone();
        assert_eq!((&aliased["a"], &aliased["b"]), (&aliased["b"], &aliased["a"]));
        assert_eq!(aliased["a"]["size"], first["cohort"]["size"]);
        assert_eq!(app.noise.draws.load(Ordering::SeqCst), samples, "noise was sampled again");

        let charges = charges(&app).await;
        let portrait = 120 + 310 + 500 + 300;
        for subject in [format!("key:{}", one.key_id), format!("key:{}", two.key_id), "region:demo-harbor".to_owned()] {
            assert_eq!(sum_of(&charges, &subject), portrait, "{subject}");
        }
        assert_eq!(charges.len(), 3 * 4 * 5, "each of the three is charged once for each step of four releases");
    }
}

#[tokio::test]
async fn a_restarted_server_answers_from_the_stored_releases() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let first = client.ask(PORTRAIT).await.body["data"].clone();
        let (key, TestApp { database, .. }) = (client.key.clone(), app);
        let again = TestApp::over(database, crate::app::NOW, 99).await;
        let body = serde_json::json!({ "query": PORTRAIT }).to_string();
        let answer = again.send(crate::app::post(&[("x-api-key", &key)], body)).await;
        assert_eq!(answer.body["data"], first);
        assert_eq!(again.noise.draws.load(Ordering::SeqCst), 0);
    }
}

#[tokio::test]
async fn too_few_people_are_withheld_without_a_number_and_only_the_size_is_charged() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let answer = client.ask(FEW).await;
        assert_eq!(answer.codes(), ["INSUFFICIENT_DATA"; 3]);
        for error in answer.body["errors"].as_array().unwrap() {
            assert_eq!(error["extensions"]["reason"], "BELOW_THRESHOLD");
            assert!(!error["message"].as_str().unwrap().contains(|c: char| c.is_ascii_digit()));
        }
        let nothing = serde_json::json!({ "cohort": { "size": null, "behavior": null, "network": null } });
        assert_eq!(answer.body["data"], nothing);
        assert_eq!(sum_of(&charges(&app).await, &format!("key:{}", client.key_id)), 120);
        let rows = privacy_release::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 5, "only the steps of the size reached the ledger");
        assert!(rows.iter().all(|row| row.bundle == "SIZE" && row.status == "suppressed"));
        assert!(rows.iter().all(|row| row.payload.is_none() == (row.step == 5)));
        assert_eq!(client.ask(FEW).await.codes(), ["INSUFFICIENT_DATA"; 3]);
        assert_eq!(app.noise.draws.load(Ordering::SeqCst), 5);

        // An empty segment looks the same as one with too few people.
        let empty = FEW.replace("age: {from: 65}", "age: {from: 65}, interests: [\"food\"], categories: [\"airport\"]");
        let vocabulary = client.ask("{ vocabulary { interests categories } }").await.ok()["vocabulary"].clone();
        if vocabulary["categories"].as_array().unwrap().contains(&Value::from("airport")) {
            assert_eq!(client.ask(&empty).await.codes(), ["INSUFFICIENT_DATA"; 3]);
        }
    }
}

/// No time is stated at which units return if they never suffice.
#[tokio::test]
async fn a_document_that_costs_more_than_the_whole_budget_is_rejected_without_a_time() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client_of("acme", &ALL, 200).await;
    let answer = client.ask(PORTRAIT).await;
    let details = &answer.body["errors"][0]["extensions"];
    assert_eq!((&details["reason"], details.get("returnsAt")), (&"KEY_BUDGET".into(), None), "{}", answer.text);
    assert!(answer.text.contains("Request fewer of them"), "{}", answer.text);
}

#[tokio::test]
async fn a_document_beyond_the_units_of_a_key_is_rejected_until_they_return() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client_of("acme", &ALL, 1_230 + 430).await;
        client.ask(PORTRAIT).await.ok();
        app.clock.advance_s(DAY);
        let second = "{ cohort(precision: FINEST, definition: {}) { behavior { visitsPerPerson { value } } } }";
        client.ask(second).await.ok();
        // Not even a size fits, and a document with a stored and a new release is rejected as a whole.
        let both = r#"{ old: cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } }
            new: cohort(precision: FINEST,
                definition: {regions: ["demo-harbor"], age: {to: 34}}) { size { value } } }"#;
        let answer = client.ask(both).await;
        assert_eq!(answer.codes(), ["PRIVACY_BUDGET_EXHAUSTED"; 2], "{}", answer.text);
        // The budget of other regions is not used up.
        let elsewhere = app.client_of("acme", &ALL, 130).await;
        for region in ["demo-harbor", "demo-lakes"] {
            let size = format!(
                "{{ cohort(precision: FINEST, definition: {{regions: [{region:?}]}}) {{ size {{ value }} }} }}"
            );
            elsewhere.ask(&size).await.ok();
        }
        let details = &answer.body["errors"][0]["extensions"];
        assert_eq!((&details["whose"], &details["returnsAt"]), (&"key".into(), &"2026-07-11T00:00:00Z".into()));
        assert_eq!((&details["region"], &details["ageBand"]), (&"demo-harbor".into(), &"25-34".into()));
        assert_eq!(app.charged(&format!("key:{}", client.key_id)).await, 1_660, "a rejected document charges nothing");
        client.ask(PORTRAIT).await.ok();

        app.clock.advance_s(29 * DAY);
        client.ask(both).await.ok();
    }
}

#[tokio::test]
async fn a_document_that_does_not_fit_is_not_charged_for_its_size() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client_of("acme", &ALL, 1_229).await;
        assert_eq!(client.ask(PORTRAIT).await.codes(), ["PRIVACY_BUDGET_EXHAUSTED"; 4]);
        assert_eq!(charges(&app).await, []);
        assert_eq!(app.noise.draws.load(Ordering::SeqCst), 0);
        assert!(privacy_release::Entity::find().all(app.db()).await.unwrap().is_empty());
    }
}

/// An inline segment needs no look-up, a saved one does. Their releases must still be admitted or rejected together.
#[tokio::test]
async fn a_document_of_inline_and_saved_segments_is_rejected_whole() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client_of("acme", &ALL, 200).await;
        let save = r#"mutation { saveSegment(input: {slug: "young", name: "Young", definition: {regions:
            ["demo-harbor"], age: {to: 34}}}) { id } }"#;
        client.ask(save).await.ok();
        let document = r#"{ inline: cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } }
            saved: segment(precision: FINEST, slug: "young") { size { value } }
            listed: segments(precision: FINEST) { nodes { size { value } } } }"#;
        assert_eq!(client.ask(document).await.codes(), ["PRIVACY_BUDGET_EXHAUSTED"; 3]);
        assert_eq!(charges(&app).await, []);
        let rich = app.client_of("acme", &ALL, 240).await;
        rich.ask(document).await.ok();
        assert_eq!(app.charged(&format!("key:{}", rich.key_id)).await, 240);
    }
}

#[tokio::test]
async fn a_segment_known_to_be_too_small_is_not_counted_against_the_budget() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client_of("acme", &ALL, 120 + 610 + 120).await;
    assert_eq!(client.ask(FEW).await.codes(), ["INSUFFICIENT_DATA"; 3]);
    // The bundles of the small segment would not fit together with the new segment; they are no longer requested.
    let both = r#"{ few: cohort(precision: FINEST,
        definition: {regions: ["demo-coast"], age: {from: 65}}) { behavior { visitsPerPerson {
        value } } network { density { value } } }
        new: cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value }
            behavior { visitsPerPerson { value } } } }"#;
    let answer = client.ask(both).await;
    assert_eq!(answer.codes(), ["INSUFFICIENT_DATA"; 2], "{}", answer.text);
    assert!(answer.data("/new/behavior/visitsPerPerson/value").is_number());
}

#[tokio::test]
async fn the_cap_of_a_region_holds_for_all_keys_together() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let set = async |microunits: i64| {
            let sql = format!(
                "update privacy_accounts set cap_microunits = {microunits}000 where subject = 'region:demo-harbor'"
            );
            sea_orm::ConnectionTrait::execute_unprepared(app.db(), &sql).await.unwrap();
        };
        let (one, two) = (app.client(&ALL).await, app.client_of("other", &ALL, crate::app::KEY_CAP_MILLIUNITS).await);
        // A quarter is guaranteed to each of two keys.
        set(1_638).await;
        assert_eq!(one.ask(PORTRAIT).await.codes(), ["PRIVACY_BUDGET_EXHAUSTED"; 4]);
        set(1_640).await;
        one.ask(PORTRAIT).await.ok();
        // A stored release is admitted as if it were new, otherwise the rejection would reveal it. It is charged once.
        set(2_459).await;
        assert_eq!(two.ask(PORTRAIT).await.codes(), ["PRIVACY_BUDGET_EXHAUSTED"; 4]);
        set(2_460).await;
        two.ask(PORTRAIT).await.ok();
        assert_eq!(app.charged("region:demo-harbor").await, 1_230);
        set(1_230).await;
        let more = r#"{ cohort(precision: FINEST,
            definition: {regions: ["demo-harbor"], age: {to: 34}}) { size { value } } }"#;
        let answer = two.ask(more).await;
        assert_eq!(answer.codes(), ["PRIVACY_BUDGET_EXHAUSTED"]);
        assert_eq!(answer.body["errors"][0]["extensions"]["whose"], "region");
        // A cohort of all regions includes this region.
        assert_eq!(
            two.ask("{ cohort(precision: FINEST, definition: {}) { size { value } } }").await.codes(),
            ["PRIVACY_BUDGET_EXHAUSTED"]
        );
        two.ask(r#"{ cohort(precision: FINEST, definition: {regions: ["demo-hills"]}) { size { value } } }"#)
            .await
            .ok();
    }
}

#[tokio::test]
async fn concurrent_requests_sample_once_and_never_exceed_the_cap() {
    for on in databases() {
        let TestApp { database, .. } = TestApp::new(on).await;
        if on == On::Postgres {
            // With this default a request would read the charges as of before it waited for the lock.
            database.execute("alter database NAME set default_transaction_isolation = 'repeatable read'").await;
        }
        let app = TestApp::over(database, crate::app::NOW, 1).await;
        let one = app.client(&ALL).await;
        let question = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } } }"#;
        let answers = futures_util::future::join_all((0..24).map(|_| one.ask(question))).await;
        assert!(answers.iter().all(|answer| answer.ok() == answers[0].ok()));
        let rows = privacy_release::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 5, "each step is stored once, whatever was sampled at the same time");

        // A size costs 120 milliunits: a cap of 1,000 admits eight of thirty different ones of the same people.
        let poor = app.client_of("poor", &ALL, 1_000).await;
        let mut questions = Vec::new();
        for region in ["demo-harbor\", \"demo-hills", "demo-hills", "demo-hills\", \"demo-lakes"] {
            for age in [24, 34, 44, 54, 64] {
                for interest in ["food", "nightlife_spot"] {
                    questions.push(format!(
                        r#"{{ cohort(precision: FINEST,
                            definition: {{regions: ["{region}"], age: {{to: {age}}}, interests:
                            ["{interest}"]}}) {{ size {{ value }} }} }}"#
                    ));
                }
            }
        }
        let answers = futures_util::future::join_all(questions.iter().map(|question| poor.ask(question))).await;
        let rejected = answers.iter().filter(|answer| answer.codes() == ["PRIVACY_BUDGET_EXHAUSTED"]).count();
        let spent = app.charged(&format!("key:{}", poor.key_id)).await;
        assert!((960..=1_000).contains(&spent), "eight sizes of 120, and the first steps of others: {spent}");
        // What is left for the first steps of a size may be enough to answer one more.
        assert!((21..=22).contains(&rejected), "{rejected}");
    }
}

/// Sums over a dropped epoch would be pure noise that looks like an answer.
#[tokio::test]
async fn a_dropped_epoch_is_not_answered_from() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        client
            .ask(r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } } }"#)
            .await
            .ok();
        sea_orm::ConnectionTrait::execute_unprepared(app.db(), "delete from epochs").await.unwrap();
        assert_eq!(client.ask(PORTRAIT).await.codes(), ["UNAVAILABLE"; 4]);
        let rows = privacy_release::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 5, "only the release from before");
    }
}

#[tokio::test]
async fn the_release_block_says_how_the_numbers_were_made() {
    let app = TestApp::new(crate::app::On::Sqlite).await;
    let client = app.client(&ALL).await;
    let query = r#"{ cohort(precision: FINEST,
        definition: {regions: ["demo-harbor"]}) { behavior(window: DAYS_84) { release {
        epoch window { length start end epoch } epsilon delta rho mechanism units sigma { group size sigma }
        policyVersion kMin publicationLine } } } }"#;
    insta::assert_json_snapshot!(client.ask(query).await.ok()["cohort"]["behavior"]["release"]);
}
