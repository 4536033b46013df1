//! The precision of numbers: what it costs, what a quote says before, and what a key holds afterwards.

use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use spots_enrichment::{
    ingest::{
        epoch_builder,
        generate::{ENDS_AT, Population},
        progress::Progress,
    },
    storage::db,
};

use crate::app::{ALL, Answer, Client, KEY_CAP_MILLIUNITS, NOW, On, TestApp, TestDb, databases};

/// 3,000 synthetic people, each of them counted 2^5 times: 96,000 people, of whom about 70,000 have an epoch row.
pub async fn many(on: On) -> TestDb {
    let (database, db) = TestDb::migrated(on).await;
    Population::new(3_000, 1).store(&db, "other").await.unwrap();
    epoch_builder::build(&db, ENDS_AT, NOW, Progress::Hidden).await.unwrap();
    spots_enrichment::ingest::synthetic::multiply(&db, 5).await.unwrap();
    db.close().await.unwrap();
    database
}

fn cohort(precision: &str, definition: &str, fields: &str) -> String {
    format!("{{ cohort(precision: {precision}, definition: {definition}) {{ {fields} }} }}")
}

const PORTRAIT: &str = "size { value quality release { steps } } behavior { visitsPerPerson { quality }
    release { steps units } } personality { dimensions { p50 { quality } } release { steps units } }
    network { connectionsPerPerson { quality } release { steps units } }";

/// The steps of the four bundles of a portrait.
fn steps(answer: &Answer, root: &str) -> Vec<i64> {
    let of = |bundle: &str| answer.data(&format!("/{root}/{bundle}/release/steps")).as_i64().unwrap();
    ["size", "behavior", "personality", "network"].into_iter().map(of).collect()
}

async fn spent(client: &Client<'_>) -> f64 {
    let answer = client.ask("{ viewer { privacyBudget { spent } } }").await;
    answer.data("/viewer/privacyBudget/spent").as_f64().unwrap()
}

async fn quote(client: &Client<'_>, document: &str) -> Value {
    let ask =
        "query ($d: String!) { quote(document: $d) { units exact unitsLeft segments { people bundles { bundle units
        quality withheld } } } }";
    client.ask_with(ask, json!({ "d": document })).await.ok()["quote"].clone()
}

#[tokio::test]
async fn a_large_segment_costs_a_small_part_and_a_top_up_costs_the_difference() {
    for on in databases() {
        let app = TestApp::over(many(on).await, NOW, 1).await;
        let client = app.client(&ALL).await;
        let document = cohort("HIGH", "{}", PORTRAIT);
        let before = quote(&client, &document).await;
        assert_eq!(
            (&before["units"], &before["exact"]),
            (&json!(1.23), &json!(false)),
            "all steps until the size is seen"
        );

        let answer = client.ask(&document).await;
        let text = answer.ok().to_string();
        assert!(!text.contains("\"LOW\"") && text.contains("\"HIGH\""), "{text}");
        let charged = answer.body["extensions"]["privacy"]["charged"].as_f64().unwrap();
        assert!((charged - spent(&client).await).abs() < 1e-9 && charged > 0.0, "{charged}");
        assert!(charged < 0.08, "{charged} of 1.23 units");
        let high = steps(&answer, "cohort");
        // The size has as many steps as the bundle that needs the most.
        assert_eq!(high[0], *high.iter().max().unwrap(), "{high:?}");

        // The same again costs nothing, and a finer precision only the difference.
        let again = client.ask(&document).await;
        assert_eq!(
            (&again.body["data"], &again.body["extensions"]["privacy"]["charged"]),
            (&answer.body["data"], &json!(0.0))
        );
        let finest = cohort("FINEST", "{}", PORTRAIT);
        let exact = quote(&client, &finest).await;
        assert_eq!(exact["exact"], true);
        let answer = client.ask(&finest).await;
        assert_eq!(steps(&answer, "cohort"), [5; 4]);
        let difference = answer.body["extensions"]["privacy"]["charged"].as_f64().unwrap();
        assert!((difference - exact["units"].as_f64().unwrap()).abs() < 1e-9, "{difference}, {exact}");
        assert!((charged + difference - 1.23).abs() < 1e-9, "{charged} + {difference}");
        assert_eq!(app.charged(&format!("key:{}", client.key_id)).await, 1_230);
    }
}

#[tokio::test]
async fn a_segment_that_cannot_reach_ok_costs_only_its_size() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let document = cohort("HIGH", "{regions: [\"demo-harbor\"]}", PORTRAIT);
        let answer = client.ask(&document).await;
        let errors = answer.body["errors"].as_array().unwrap();
        assert_eq!(errors.len(), 3, "{}", answer.text);
        for error in errors {
            assert_eq!(error["extensions"]["reason"], "PRECISION");
            assert!(error["extensions"]["peopleNeeded"].as_i64().unwrap() > 1_500);
        }
        assert!(answer.data("/cohort/size/value").is_number());
        assert_eq!(answer.body["extensions"]["privacy"]["charged"], json!(0.12));
        let quoted = quote(&client, &document).await;
        assert_eq!((&quoted["units"], &quoted["exact"]), (&json!(0.0), &json!(true)));
        let bundles = quoted["segments"][0]["bundles"].as_array().unwrap();
        let withheld: Vec<&Value> = bundles.iter().map(|bundle| &bundle["withheld"]).collect();
        assert_eq!(withheld, [&Value::Null, &json!("PRECISION"), &json!("PRECISION"), &json!("PRECISION")]);
        // The finest precision gives numbers of any quality, at the full price.
        let finest = client.ask(&cohort("FINEST", "{regions: [\"demo-harbor\"]}", PORTRAIT)).await;
        assert!(finest.ok().to_string().contains("\"LOW\""));
        assert_eq!(finest.body["extensions"]["privacy"]["charged"], json!(1.11));
        let tightest = &finest.body["extensions"]["privacy"]["tightest"];
        assert_eq!(tightest["region"], "demo-harbor");
        assert_eq!(finest.body["extensions"]["privacy"]["left"], json!(18.77));
    }
}

/// The budget ends after the size: the size is stored, charged and answered, and the others say so.
#[tokio::test]
async fn a_budget_that_ends_between_steps_answers_what_was_paid() {
    let app = TestApp::over(many(On::Sqlite).await, NOW, 1).await;
    // Enough for the first steps, not for those that the segment needs.
    let client = app.client_of("poor", &ALL, 60).await;
    let definition = "{regions: [\"demo-coast\"]}";
    let answer = client.ask(&cohort("HIGH", definition, PORTRAIT)).await;
    assert!(answer.data("/cohort/size/value").is_number(), "{}", answer.text);
    let errors = answer.body["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["extensions"]["reason"] == "KEY_BUDGET"), "{}", answer.text);
    assert_eq!(errors.len(), 3);
    let charged = answer.body["extensions"]["privacy"]["charged"].as_f64().unwrap();
    assert!(charged > 0.0 && charged <= 0.06, "{charged}");
    // What was paid stays, and a lower precision fits.
    let again = client.ask(&cohort("HIGH", definition, "size { value }")).await;
    assert_eq!(again.data("/cohort/size/value"), answer.data("/cohort/size/value"));
    assert_eq!(again.body["extensions"]["privacy"]["charged"], json!(0.0));
}

/// A key that others preceded pays for the steps that it sees, and sees the same numbers.
#[tokio::test]
async fn a_key_pays_for_the_steps_that_it_sees() {
    for on in databases() {
        let app = TestApp::over(many(on).await, NOW, 1).await;
        let (one, two) = (app.client(&ALL).await, app.client_of("other", &ALL, KEY_CAP_MILLIUNITS).await);
        one.ask(&cohort("FINEST", "{}", PORTRAIT)).await.ok();
        let coarse = two.ask(&cohort("OK", "{}", PORTRAIT)).await;
        assert!(steps(&coarse, "cohort").iter().all(|steps| *steps < 5), "{}", coarse.text);
        let finest = two.ask(&cohort("FINEST", "{}", PORTRAIT)).await;
        assert_eq!(finest.body["data"], one.ask(&cohort("FINEST", "{}", PORTRAIT)).await.body["data"]);
        assert_eq!(app.charged("region:demo-harbor").await, 1_230, "all keys together are charged once");
    }
}

/// An index compares a number with that of everybody in the same regions, whose release it needs once.
#[tokio::test]
async fn an_index_compares_a_segment_with_everybody_in_its_regions() {
    let app = TestApp::over(many(On::Sqlite).await, NOW, 1).await;
    let client = app.client(&ALL).await;
    let fields = "behavior { visitsPerPerson { value index { value interval95 { low high } } }
        dayParts { share { index { value } } } }
        personality { dimensions { mean { value index { value } } } }
        network { connectionsPerPerson { value index { value } } }";
    let everybody = cohort("HIGH", "{regions: [\"demo-harbor\"]}", fields);
    let young = cohort("HIGH", "{regions: [\"demo-harbor\"], age: {to: 34}}", fields);
    let quoted = quote(&client, &young).await;
    assert_eq!(quoted["segments"].as_array().unwrap().len(), 2, "{quoted}");
    assert_eq!(quoted["units"], json!(2.46));
    let answer = client.ask(&young).await;
    let cohort = answer.ok()["cohort"].clone();
    let reference = client.ask(&everybody).await;
    assert_eq!(reference.body["extensions"]["privacy"]["charged"], json!(0.0), "it was seen before");
    let reference = reference.ok()["cohort"].clone();
    for path in ["/behavior/visitsPerPerson", "/personality/dimensions/3/mean", "/network/connectionsPerPerson"] {
        let number = |root: &Value, field: &str| root.pointer(&format!("{path}/{field}")).unwrap().as_f64().unwrap();
        let expected = 100.0 * number(&cohort, "value") / number(&reference, "value");
        assert!((number(&cohort, "index/value") - expected).abs() < 0.05, "{path}: {expected}");
        assert_eq!(reference.pointer(&format!("{path}/index")), Some(&Value::Null), "everybody is not compared");
    }
    let interval = &cohort["behavior"]["visitsPerPerson"]["index"]["interval95"];
    assert!(interval["low"].as_f64() < interval["high"].as_f64(), "{interval}");
    assert!(cohort["behavior"]["dayParts"][0]["share"]["index"]["value"].is_number());
}

#[tokio::test]
async fn a_test_key_reads_synthetic_people_and_costs_nothing() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.test_client().await;
    let document = cohort("HIGH", "{regions: [\"demo-harbor\"]}", PORTRAIT);
    // The people are made at the first request, which takes longer than its timeout in a debug build.
    let mut answer = client.ask(&document).await;
    while answer.codes() == ["TIMEOUT"] {
        answer = client.ask(&document).await;
    }
    let privacy = &answer.body["extensions"]["privacy"];
    assert_eq!((&privacy["charged"], &privacy["test"]), (&json!(0.0), &json!(true)), "{}", answer.text);
    assert!(answer.ok().to_string().contains("HIGH"));
    assert_eq!(client.ask(&document).await.body["data"], answer.body["data"]);
    let viewer = client.ask("{ viewer { testMode privacyBudget { spent left } } vocabulary { regions } }").await;
    assert_eq!(viewer.ok()["viewer"], json!({"testMode": true, "privacyBudget": {"spent": 0.0, "left": 20.0}}));
    let real = app.client(&ALL).await.ask("{ vocabulary { regions } }").await.ok()["vocabulary"].clone();
    assert_eq!(viewer.ok()["vocabulary"], real, "the same vocabulary");
    assert_eq!(app.charged("region:demo-harbor").await, 0);
    let db = db::connect(&app.database.url).await.unwrap();
    let releases = spots_enrichment::storage::entity::privacy_release::Entity::find().count(&db).await.unwrap();
    assert_eq!(releases, 0, "nothing is stored about real people");
}
