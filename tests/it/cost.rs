use async_graphql::Variables;
use proptest::{
    collection::vec,
    prelude::any,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::json;
use spots_enrichment::{
    domain::key::Limits,
    gate::{
        documents::{DocumentReader, PricedDocument},
        prices::DocumentCost,
    },
    graphql::schema,
};

use crate::{
    app::{ALL, On, TestApp},
    writing::{self, Choices, Written},
};

struct Prices {
    reader: DocumentReader,
}

impl Prices {
    fn new() -> Self {
        Self { reader: schema::document_reader().unwrap() }
    }

    fn of(&self, written: &Written) -> DocumentCost {
        let variables = Variables::from_json(written.variables.clone());
        let read = self.reader.read(&written.text, None, variables);
        // `read` waits for nothing here, so its future is ready at once.
        let priced = futures_util::FutureExt::now_or_never(read).unwrap();
        let PricedDocument { cost, .. } =
            priced.unwrap_or_else(|error| panic!("{}: {}", error.message(), written.text));
        cost
    }

    fn text(&self, text: &str) -> DocumentCost {
        self.of(&Written { text: text.to_owned(), variables: json!({}) })
    }
}

/// A deterministic runner. Failing bytes are printed, so failures are not persisted in a file.
fn cases(cases: u32) -> TestRunner {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn a_rewrite_that_keeps_the_meaning_keeps_the_price() {
    let prices = Prices::new();
    let rewrites = std::cell::Cell::new(0);
    cases(10_000)
        .run(&(vec(any::<u8>(), 0..60), vec(any::<u8>(), 0..200)), |(query, rewrite)| {
            let query = writing::query(&mut Choices::new(&query));
            let plain = writing::plain(&query);
            let other = writing::rewritten(&query, &mut Choices::new(&rewrite));
            let (a, b) = (prices.of(&plain), prices.of(&other));
            assert_eq!(a.microunits, b.microunits, "{}\n{}", plain.text, other.text);
            let (a, b) = (a.points, b.points);
            assert_eq!(a.points, b.points, "{}\n{}", plain.text, other.text);
            assert_eq!(a.most_expensive(100), b.most_expensive(100), "{}\n{}", plain.text, other.text);
            Ok(())
        })
        .unwrap();
    cases(200)
        .run(&vec(any::<u8>(), 100..200), |bytes| {
            let query = writing::query(&mut Choices::new(&bytes));
            let changed = writing::rewritten(&query, &mut Choices::new(&bytes)).text != writing::plain(&query).text;
            rewrites.set(rewrites.get() + u32::from(changed));
            Ok(())
        })
        .unwrap();
    assert!(rewrites.get() > 150, "only {} of 200 rewrites change the text", rewrites.get());
}

#[test]
fn the_price_list_adds_up() {
    let prices = Prices::new();
    for (text, points) in [
        ("{ __typename }", 0),
        ("{ __schema { types { name fields { name } } } }", 10),
        ("{ a: __schema { description } b: __type(name: \"Query\") { name } }", 20),
        // viewer
        ("{ viewer { partner } }", 1),
        // segment, size: 5 and its object
        ("{ segment(precision: FINEST, slug: \"a\") { size { value } } }", 1 + 1 + 5 + 1),
        (
            "{ cohort(precision: FINEST,
                definition: {}) { behavior { visitsPerPerson { value interval95 { low } } } } }",
            1 + 1 + 10 + 1 + 1 + 1,
        ),
        // twelve dimensions, each with its mean
        (
            "{ cohort(precision: FINEST, definition: {}) { personality { dimensions { mean { value } } } } }",
            1 + 1 + 10 + 1 + 12 * 2,
        ),
        // the connection, and a page of the default 20
        ("{ segments { nodes { slug } } }", 1 + 20),
        ("{ segments(first: 3) { nodes { slug } pageInfo { hasNextPage } } }", 1 + 3 + 1),
        ("{ segments(first: 3) { edges { node { network { density { value } } } } } }", 1 + 3 * (1 + 1 + 10 + 1 + 1)),
        ("{ segments(last: 7, first: 3) { nodes { slug } } }", 1 + 7),
        ("{ segments(first: 0) { nodes { slug } } }", 1),
        ("query ($n: Int = 5) { segments(first: $n) { nodes { slug } } }", 1 + 5),
        ("{ segments(first: 3) { nodes { slug } } } ", 1 + 3),
        ("{ viewer { usage(last: 2) { day } } }", 1 + 10 + 2),
        ("{ quote(document: \"\") { points } }", 5 + 1),
        ("mutation { deleteSegment(slug: \"a\") }", 10),
        // half a point for each product, rounded up; one error for each is possible
        (
            "mutation { upsertProducts(input: [{id: \"a\", title: \"A\"}, {id: \"b\", title: \"B\"}, {id: \"c\", \
                title: \"C\"}]) { created errors { code } } }",
            10 + 2 + 1 + 3,
        ),
        ("mutation { deleteProducts(ids: \"a\") }", 10 + 1),
        // two points for each element of the braid
        ("{ knot(braid: [1, 1, 1]) { arf jones { text } } }", 10 + 6 + 1 + 1),
        (
            "{ cohort(precision: FINEST,
                definition: {}) { compatibility(product: {price: MID}) { score { value } contributions { stated \
                } } } }",
            1 + 1 + 10 + 1 + 1 + 12,
        ),
        (
            "{ cohort(precision: FINEST,
                definition: {}) { recommendations(first: 4) { nodes { score { value } product { id states { \
                value } } } } } }",
            1 + 1 + 20 + 1 + 4 * (1 + 1 + 1 + 12),
        ),
        (
            "{ cohort(precision: FINEST, definition: {}) { recommendations { nodes { reasons } } } }",
            1 + 1 + 20 + 1 + 10,
        ),
        (
            "{ cohort(precision: FINEST, definition: {}) { recommendations(last: 3) { edges { node { reasons } } } } }",
            22 + 1 + 2 * 3,
        ),
        (
            "{ cohorts(precision: FINEST, definitions: [{}, {age: {from: 30}}]) { size { value } } }",
            2 + 2 * (1 + 5 + 1),
        ),
        ("{ cohorts(precision: FINEST, definitions: {}) { id } }", 1 + 1),
        ("{ cohorts(precision: FINEST, definitions: []) { id } }", 0),
        ("{ segments(first: 3) { totalCount nodes { id } } }", 1 + 5 + 3),
        ("mutation { saveSegment(input: {slug: \"a\", name: \"a\", definition: {}}) { id } }", 10 + 1),
    ] {
        assert_eq!(prices.text(text).points.points, points, "{text}");
    }
}

#[test]
fn a_quote_of_units_counts_each_release_once() {
    let prices = Prices::new();
    for (text, milliunits) in [
        ("{ viewer { partner } }", 0),
        ("{ segment(precision: FINEST, slug: \"a\") { size { value } } }", 120),
        ("{ segment(precision: FINEST, slug: \"a\") { behavior { visitsPerPerson { value } } } }", 430),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { size { value } behavior { visitsPerPerson { value } } network { density { value \
                } } } }",
            730,
        ),
        (
            "{ a: segment(precision: FINEST, slug: \"a\") { size { value } } b: segment(precision: FINEST,
                slug: \"a\") { size { value } } }",
            120,
        ),
        (
            "{ a: segment(precision: FINEST, slug: \"a\") { size { value } } b: segment(precision: FINEST,
                slug: \"b\") { size { value } } }",
            240,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { a: behavior(window: DAYS_7) { visitsPerPerson { value } } b: behavior { \
                visitsPerPerson { value } } } }",
            860,
        ),
        ("{ segments(first: 3) { nodes { size { value } } } }", 360),
        ("{ cohorts(precision: FINEST, definitions: [{}, {age: {from: 30}}]) { size { value } } }", 240),
        // one release for all fields that are computed from states
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { quantumState { purity { value } } knot { writhe } recommendations { nodes { \
                reasons } } } }",
            1_000,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { compare(with: {}) { fidelity { value } } quantumState { purity { value } } } }",
            2_000,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { a: compare(with: {}) { fidelity { value } } b: compare(with: {regions: [\"x\"]}) \
                { fidelity { value } } } }",
            3_000,
        ),
        // the releases that implications need besides the behavior, in its window; personality always in 28 days
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { behavior { implications { likelyToReturnPurchase { rule } } } } }",
            430,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { behavior { implications { decisionFactors { rule } } } personality { archetype } \
                } }",
            930,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { behavior { implications { valuesCommunityProducts { rule } } } } }",
            1_360,
        ),
        (
            "{ segment(precision: FINEST,
                slug: \"a\") { behavior(window: DAYS_7) { implications { decisionFactors { rule } } } } }",
            430 + 620,
        ),
    ] {
        assert_eq!(prices.text(text).microunits, milliunits * 1000, "{text}");
    }
}

#[test]
fn every_list_has_a_size() {
    assert_eq!(Prices::new().reader.schema().lists_without_size(), Vec::<String>::new());
}

#[tokio::test]
async fn an_answer_never_costs_more_than_its_estimate() {
    let app = TestApp::new(On::Sqlite).await;
    let plenty =
        Limits { per_minute: 100_000, points_per_minute: 10_000_000, points_per_day: 100_000_000, ..Limits::DEFAULT };
    let client = app.limited(Limits { max_query_points: 100_000, per_day: 100_000, ..plenty }).await;
    let save = r#"mutation { saveSegment(input: {slug: "mine", name: "Mine", definition: {regions: ["demo-harbor"]}})
        { id } }"#;
    client.ask(save).await.ok();
    let (mut spent_less, mut rejected) = (0, 0);
    let mut runner = cases(300);
    let bytes = vec(any::<u8>(), 0..60);
    for _ in 0..300 {
        let bytes = proptest::strategy::ValueTree::current(
            &proptest::strategy::Strategy::new_tree(&bytes, &mut runner).unwrap(),
        );
        let written = writing::plain(&writing::query(&mut Choices::new(&bytes)));
        let answer = client.ask_with(&written.text, written.variables).await;
        let (requested, actual) = (answer.cost("requested"), answer.cost("actual"));
        assert!(actual <= requested, "{actual} of {requested}: {}", written.text);
        spent_less += u32::from(actual < requested);
        rejected += u32::from(!answer.codes().is_empty());
    }
    assert!(spent_less > 20 && rejected > 5, "only {spent_less} cost less than estimated and {rejected} had errors");
}

#[tokio::test]
async fn a_rejected_document_reports_the_largest_page_that_fits_and_spends_nothing() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let page = |size: u32| {
        format!(
            "{{ segments(first: {size}) {{ nodes {{ size {{ value }} personality {{ dimensions {{ mean {{ value }} }} \
                }} }} }} }}"
        )
    };
    let rejected = client.ask(&page(100)).await;
    assert_eq!(rejected.status, 400);
    let mut error = rejected.body["errors"][0].clone();
    error["extensions"]["requestId"].take();
    insta::assert_json_snapshot!(error, @r#"
    {
      "extensions": {
        "code": "QUERY_TOO_COSTLY",
        "cost": 4201,
        "dearestPaths": [
          {
            "path": "segments.nodes.personality.dimensions.mean",
            "points": 1200
          },
          {
            "path": "segments.nodes.personality.dimensions",
            "points": 1200
          },
          {
            "path": "segments.nodes.personality",
            "points": 1100
          }
        ],
        "docs": "/docs/errors.md#query_too_costly",
        "largestPage": {
          "argument": "first",
          "path": "segments",
          "size": 23
        },
        "limit": 1000,
        "requestId": null
      },
      "message": "This document costs 4201 points; the limit of this key is 1000 per document. Request fewer of the most expensive fields, or a smaller page."
    }
    "#);
    assert!(rejected.body.get("data").is_none(), "nothing was executed");
    assert_eq!(app.noise.draws.load(std::sync::atomic::Ordering::SeqCst), 0);
    let fits = rejected.body["errors"][0]["extensions"]["largestPage"]["size"].as_u64().unwrap();
    let left = client.ask("{ viewer { limits { requestsLeftThisMinute pointsLeft } } }").await;
    assert_eq!(left.ok()["viewer"]["limits"], json!({"requestsLeftThisMinute": 99, "pointsLeft": 5998}));
    client.ask(&page(u32::try_from(fits).unwrap())).await.ok();
    // Also for other lists than connections, and next to other fields.
    for document in [
        "{ viewer { partner usage(last: SIZE) { day errors { code count } } } }",
        "{ segments(first: SIZE) { pageInfo { hasNextPage } nodes { size { value interval95 { low } } network { \
            density { value } } } } }",
        "{ viewer { partner } segments(last: SIZE) { nodes { id behavior { dayParts { share { value } } } } edges { \
            cursor } } }",
    ] {
        let sized = |size: u64| document.replace("SIZE", &size.to_string());
        let rejected = client.ask(&sized(90)).await;
        let fits = rejected.body["errors"][0]["extensions"]["largestPage"]["size"].as_u64().unwrap();
        assert_eq!(client.ask(&sized(fits + 1)).await.codes(), ["QUERY_TOO_COSTLY"], "{fits} {document}");
        assert!(client.ask(&sized(fits)).await.cost("requested") <= 1_000, "{fits} {document}");
    }
    assert_eq!(client.ask(&page(u32::try_from(fits).unwrap() + 1)).await.codes(), ["QUERY_TOO_COSTLY"]);
}

#[tokio::test]
async fn a_quote_reports_the_cost_of_a_document_and_executes_nothing() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let document = "query ($region: String!) { cohort(precision: FINEST,
        definition: {regions: [$region]}) { behavior { visitsPerPerson { \
        value } } } }";
    let quote = "query ($d: String!, $v: JSON) { quote(document: $d, variables: $v) { points units fits maxQueryPoints \
        dearestPaths { path points } largestPage { size } } }";
    let variables = json!({"region": "demo-harbor"});
    let answer = client.ask_with(quote, json!({"d": document, "v": variables})).await;
    let quoted = answer.ok()["quote"].clone();
    assert_eq!(app.noise.draws.load(std::sync::atomic::Ordering::SeqCst), 0);
    assert_eq!((&quoted["points"], &quoted["units"], &quoted["fits"]), (&json!(14), &json!(0.43), &json!(true)));
    let run = client.ask_with(document, variables).await;
    assert_eq!(run.cost("requested"), 14);
    let quotes: Vec<_> =
        (0..6).map(|number| format!("q{number}: quote(document: \"{{ __typename }}\") {{ points }}")).collect();
    assert_eq!(client.ask(&format!("{{ {} }}", quotes.join(" "))).await.codes(), ["DOCUMENT_TOO_COMPLEX"]);
    for (document, code) in [
        ("{ nonsense }", "INVALID_REQUEST"),
        ("{", "INVALID_REQUEST"),
        ("{ segments(first: 101) { nodes { id } } }", "BAD_USER_INPUT"),
    ] {
        let answer = client.ask_with(quote, json!({"d": document})).await;
        assert_eq!((answer.codes(), answer.data("/quote")), (vec![code], &serde_json::Value::Null), "{document}");
    }
}

#[tokio::test]
async fn the_cost_is_shown_by_path_on_request() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let query = json!({"query": "{ me: viewer { partner } segments(first: 2) { nodes { slug } } }"});
    let answer = client.send(&[("x-cost-debug", "1")], query.clone()).await;
    insta::assert_json_snapshot!(answer.body["extensions"]["cost"], @r#"
    {
      "actual": 2,
      "available": 5998,
      "byPath": [
        {
          "path": "segments.nodes",
          "points": 2
        },
        {
          "path": "me",
          "points": 1
        },
        {
          "path": "segments",
          "points": 1
        }
      ],
      "limit": 6000,
      "maxQueryPoints": 1000,
      "requested": 4,
      "restoreRate": 100.0
    }
    "#);
    assert!(client.send(&[], query).await.body["extensions"]["cost"].get("byPath").is_none());
}
