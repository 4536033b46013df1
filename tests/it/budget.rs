//! The privacy budget that a key can read, and the time and work of a first view.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use serde_json::json;
use spots_enrichment::{
    domain::{clock::DAY, error::Error, key::Limits},
    privacy::{
        Exact, Sums,
        engine::{Engine, SumRequest},
    },
    server::state::AppDependencies,
};

use crate::app::{ALL, KEY_CAP_MILLIUNITS, On, TestApp, databases};

const BUDGET: &str = "{ viewer { privacyBudget { units windowDays spent left returns { at units }
    regions(first: 2) { region units unitsPerYear guaranteed guaranteedLeft firstComeLeft } } } }";

#[tokio::test]
async fn the_budget_says_what_is_left_and_when_it_returns() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let (one, two) = (app.client(&ALL).await, app.client_of("other", &ALL, KEY_CAP_MILLIUNITS).await);
        one.ask(
            r#"{ cohort(precision: FINEST,
            definition: {regions: ["demo-harbor"]}) { size { value } network { release { id } } } }"#,
        )
        .await;
        app.clock.advance_s(3_600);
        one.ask(
            r#"{ cohort(precision: FINEST,
            definition: {regions: ["demo-harbor"], age: {to: 34}}) { size { value } } }"#,
        )
        .await;
        app.clock.advance_s(DAY);
        one.ask(r#"{ cohort(precision: FINEST, definition: {regions: ["demo-coast"]}) { size { value } } }"#).await;
        let budget = one.ask(BUDGET).await.ok()["viewer"]["privacyBudget"].clone();
        let region = |region: &str, left: f64, first_come: f64| {
            json!({"region": region, "units": 60.0, "unitsPerYear": 240.0, "guaranteed": 15.0, "guaranteedLeft": left,
                "firstComeLeft": first_come})
        };
        // The harbor's first-come part has 30 units. The 0.54 units charged are within the first key's guaranteed part.
        assert_eq!(
            budget,
            json!({"units": 20.0, "windowDays": 30, "spent": 0.54, "left": 19.46,
                "returns": [{"at": "2026-07-11T01:00:00Z", "units": 0.54}],
                "regions": [region("demo-coast", 14.88, 30.0), region("demo-harbor", 14.46, 30.0)]})
        );
        // The young people of the harbor were in two segments; the coast has a budget of its own.
        let atoms = "{ viewer { privacyBudget { atoms(first: 3) { region ageBand spent left } } } }";
        let atom = |band: &str, spent: f64, left: f64| {
            let region = "demo-harbor";
            json!({"region": region, "ageBand": band, "spent": spent, "left": left})
        };
        assert_eq!(
            one.ask(atoms).await.ok()["viewer"]["privacyBudget"]["atoms"],
            json!([atom("18-24", 0.54, 19.46), atom("25-34", 0.54, 19.46), atom("unknown", 0.42, 19.58)])
        );
        let bands = "{ viewer { privacyBudget { regions(first: 1, after: \"demo-coast\") {
            ageBands { ageBand guaranteedLeft } } } } }";
        let bands = one.ask(bands).await.ok()["viewer"]["privacyBudget"]["regions"][0]["ageBands"].clone();
        assert_eq!(
            (&bands[1], &bands[6]),
            (
                &json!({"ageBand": "25-34", "guaranteedLeft": 14.46}),
                &json!({"ageBand": "unknown", "guaranteedLeft": 14.58})
            )
        );
        // The budget of a key without views shows nothing of it.
        let other = two.ask(BUDGET).await.ok()["viewer"]["privacyBudget"].clone();
        assert_eq!((&other["spent"], &other["returns"]), (&json!(0.0), &json!([])));
        assert_eq!(other["regions"], json!([region("demo-coast", 15.0, 30.0), region("demo-harbor", 15.0, 30.0)]));

        let page = "{ viewer { privacyBudget { regions(first: 1, after: \"demo-coast\") { region } } } }";
        assert_eq!(one.ask(page).await.data("/viewer/privacyBudget/regions"), &json!([{"region": "demo-harbor"}]));
        for wrong in ["-1", "101"] {
            let answer =
                one.ask(&format!("{{ viewer {{ privacyBudget {{ regions(first: {wrong}) {{ region }} }} }} }}")).await;
            assert_eq!(answer.codes(), ["BAD_USER_INPUT"]);
        }
        let quote = "{ quote(document: \"{ cohort(definition: {}) { size { value } } }\") { units unitsLeft } }";
        assert_eq!(one.ask(quote).await.ok()["quote"], json!({"units": 0.12, "unitsLeft": 19.46}));
    }
}

/// Charges of other keys show in the first-come part only from the next midnight, in steps of five units.
#[tokio::test]
async fn the_first_come_part_of_a_region_is_shown_as_of_midnight_and_rounded() {
    let app = TestApp::new(On::Sqlite).await;
    let (one, two) = (app.client_of("one", &ALL, 1_000_000).await, app.client_of("two", &ALL, 1_000_000).await);
    let left = async || {
        let ask = "{ viewer { privacyBudget { regions { region firstComeLeft } } } }";
        two.ask(ask).await.data("/viewer/privacyBudget/regions/0/firstComeLeft").clone()
    };
    assert_eq!(left().await, json!(30.0));
    for (number, age) in [24, 34, 44, 54, 64].into_iter().enumerate() {
        for window in ["DAYS_7", "DAYS_28", "DAYS_84"] {
            let ask = format!(
                "{{ cohort(precision: FINEST,
                    definition: {{regions: [\"demo-coast\"], age: {{to: {age}}}}}) {{ behavior(window: \
                    {window}) {{ release {{ id }} }} }} }}"
            );
            one.ask(&ask).await;
            assert_eq!(left().await, json!(30.0), "{number}: charges of today are not shown");
        }
    }
    app.clock.advance_s(DAY);
    let charged = app.charged("region:demo-coast").await;
    // All of it is within the first key's guaranteed part of 15 units.
    assert!(charged > 1_000 && charged < 15_000, "{charged}");
    assert_eq!(left().await, json!(30.0));
}

/// An engine that counts the requested sums.
struct Counting {
    engine: Arc<dyn Engine>,
    sums: Arc<AtomicUsize>,
}

#[async_trait]
impl Engine for Counting {
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error> {
        self.sums.fetch_add(requests.len(), Ordering::SeqCst);
        self.engine.sums(requests).await
    }
}

/// A first view of a stored release does the same work as a new release and ends with a time slot. A repeated view does
/// neither.
#[tokio::test]
async fn a_first_view_looks_the_same_whether_or_not_the_release_is_stored() {
    for on in databases() {
        let sums = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sums);
        let app = TestApp::with(on, |given| {
            given.engine = Arc::new(Counting { engine: Arc::clone(&given.engine), sums: counted });
        })
        .await;
        let (one, two) = (app.client(&ALL).await, app.client_of("other", &ALL, KEY_CAP_MILLIUNITS).await);
        for (definition, expected) in [("demo-harbor", 4), ("demo-coast\"], age: {from: 65}, interests: [\"food", 1)] {
            let portrait = format!(
                "{{ cohort(precision: FINEST,
                    definition: {{regions: [\"{definition}\"]}}) {{ size {{ value }} behavior {{ release {{ id \
                    }} }}
                    personality {{ archetype }} network {{ release {{ id }} }} }} }}"
            );
            let mut answers = Vec::new();
            for (client, work) in [(&one, expected), (&two, expected), (&one, 0), (&two, 0)] {
                let (before, began) = (sums.load(Ordering::SeqCst), Instant::now());
                answers.push(client.ask(&portrait).await.body["data"].clone());
                assert_eq!(sums.load(Ordering::SeqCst) - before, work, "{definition}");
                assert!(work == 0 || began.elapsed() >= Duration::from_millis(10), "a first view fills its slot");
            }
            assert!(answers.iter().all(|answer| *answer == answers[0]));
        }
    }
}

/// An engine that answers a number of requests and then never returns, as if the sums took too long.
struct Exhausting {
    engine: Arc<dyn Engine>,
    left: Arc<AtomicUsize>,
    calls: Arc<Mutex<Vec<usize>>>,
}

#[async_trait]
impl Engine for Exhausting {
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error> {
        let enough =
            self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(requests.len()));
        if enough.is_err() {
            std::future::pending::<()>().await;
        }
        self.calls.lock().unwrap().push(requests.len());
        self.engine.sums(requests).await
    }
}

/// A document that needs more new releases than fit into the request timeout succeeds when it is retried: releases that
/// were stored before the timeout are kept and charged once.
#[tokio::test]
async fn a_retry_after_a_timeout_continues_with_the_stored_releases() {
    let areas = [
        ("plains", 18, 120),
        ("harbor", 18, 34),
        ("harbor", 35, 120),
        ("hills", 18, 44),
        ("hills", 45, 120),
        ("lakes", 18, 120),
    ];
    let portraits: Vec<String> = areas
        .iter()
        .enumerate()
        .map(|(number, (region, from, to))| {
            format!(
                "s{number}: cohort(precision: FINEST,
                    definition: {{regions: [\"demo-{region}\"], age: {{from: {from}, to: {to}}}}}) {{
                    seven: behavior(window: DAYS_7) {{ ...R }} all: behavior(window: DAYS_84) {{ ...R }}
                    behavior {{ ...R }} personality {{ release {{ id }} }} network {{ release {{ id }} }}
                    knot {{ origin {{ quality }} }} }}"
            )
        })
        .collect();
    let document = format!("{{ {} }} fragment R on Behavior {{ release {{ id }} }}", portraits.join(" "));
    let limits = Limits { max_query_points: 100_000, points_per_minute: 100_000, ..Limits::DEFAULT };
    for on in databases() {
        let (left, calls) = (Arc::new(AtomicUsize::new(usize::MAX)), Arc::<Mutex<Vec<usize>>>::default());
        let given = (Arc::clone(&left), Arc::clone(&calls));
        let exhausting = move |server: &mut AppDependencies| {
            let engine = Arc::clone(&server.engine);
            server.engine = Arc::new(Exhausting { engine, left: given.0, calls: given.1 });
            server.timeouts.request = Duration::from_secs(4);
        };
        let unhurried = TestApp::with(on, exhausting.clone()).await;
        let client = unhurried.client_with("acme", &ALL, 1_000_000, limits).await;
        let whole = client.ask(&document).await;
        assert!(whole.data("/s0/knot/origin/quality").is_string(), "{}", whole.text);
        let steps = std::mem::take(&mut *calls.lock().unwrap());
        let all: usize = steps.iter().sum();
        // The sizes, then the others in more than one step.
        assert!(steps.len() >= 3 && steps.iter().all(|step| *step <= 24), "{steps:?}");
        let charged = unhurried.charged("region:demo-harbor").await;

        let app = TestApp::with(on, exhausting).await;
        let client = app.client_with("acme", &ALL, 1_000_000, limits).await;
        left.store(all - 1, Ordering::SeqCst);
        assert_eq!(client.ask(&document).await.codes(), ["TIMEOUT"]);
        // The request that timed out still holds the lease of the last step.
        app.clock.advance_s(31);
        left.store(all - 1, Ordering::SeqCst);
        assert_eq!(client.ask(&document).await.body["data"], whole.body["data"]);
        assert_eq!(calls.lock().unwrap().iter().sum::<usize>(), all, "nothing is summed twice");
        assert_eq!(app.charged("region:demo-harbor").await, charged);
    }
}
