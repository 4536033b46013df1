use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use sea_orm::EntityTrait as _;
use serde_json::json;

use spots_enrichment::{domain::key::Limits, server::pages::documents};

use crate::app::{ALL, On, TestApp, post};

#[tokio::test]
async fn an_invalid_request_gets_an_error_code() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let key = [("x-api-key", client.key.as_str())];
    let large = format!(r#"{{"query": "{}"}}"#, " ".repeat(300_000));
    for (body, status, code) in [
        ("", StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        ("[1, 2]", StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        (r#"[{"query": "{ __typename }"}]"#, StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        // Without `Accept` the client is a legacy one, which treats any other status as a transport failure.
        (r#"{"query": "{ nonsense }"}"#, StatusCode::OK, "INVALID_REQUEST"),
        (r#"{"query": "{"}"#, StatusCode::OK, "INVALID_REQUEST"),
        (&large, StatusCode::PAYLOAD_TOO_LARGE, "DOCUMENT_TOO_LARGE"),
    ] {
        let answer = app.send(post(&key, body.to_owned())).await;
        let start: String = body.chars().take(30).collect();
        assert_eq!((answer.status, answer.codes()), (status, vec![code]), "{start}: {}", answer.text);
    }
    let plain = Request::post("/graphql").header("x-api-key", &client.key).header("content-type", "text/plain");
    let answer = app.send(plain.body(Body::from(r#"{"query": "{ __typename }"}"#)).unwrap()).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, vec!["INVALID_REQUEST"]));
    let put = Request::put("/graphql").header("x-api-key", &client.key).body(Body::empty()).unwrap();
    let answer = app.send(put).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::METHOD_NOT_ALLOWED, vec!["INVALID_REQUEST"]));
    assert_eq!(answer.headers["allow"], "GET, POST");
    let answer = app.send(Request::get("/nowhere").body(Body::empty()).unwrap()).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::NOT_FOUND, vec!["NOT_FOUND"]));
}

#[tokio::test]
async fn every_error_code_is_documented() {
    let errors = documents::Document::find("errors").unwrap().markdown;
    let source = include_str!("../../src/domain/error/mod.rs");
    let (_, source) = source.split_once("pub fn code(").unwrap();
    let (source, _) = source.split_once("pub fn status(").unwrap();
    let codes: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() >= 12, "{codes:?}");
    for code in codes {
        assert!(errors.contains(&format!("## {code}\n")), "{code} is not in docs/errors.md");
    }
}

/// The key of the document cache includes everything that changes the meaning of a request.
#[tokio::test]
async fn a_cached_request_is_the_same_request() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let key = [("x-api-key", client.key.as_str())];
    let ask = async |operation: &str, last: u32| {
        let document = "query One($n: Int) { viewer { usage(last: $n) { day } } } \
            query Two($n: Int!) { __typename @skip(if: false) viewer { usage(last: $n) { points } } }";
        let body = json!({ "query": document, "variables": { "n": last }, "operationName": operation });
        app.send(post(&key, body.to_string())).await.body["extensions"]["cost"]["requested"].clone()
    };
    // The price depends on the variables, so a wrong cache hit would show in it.
    let first = [ask("One", 1).await, ask("One", 7).await, ask("Two", 1).await];
    assert!(first[0] != first[1] && first.iter().all(serde_json::Value::is_number), "{first:?}");
    let again = [ask("One", 1).await, ask("One", 7).await, ask("Two", 1).await];
    assert_eq!(first, again);

    // A cached document is still rejected for a key with a lower limit, and a mutation is still rejected over GET.
    let small = app.limited(Limits { max_query_points: 1, ..Limits::DEFAULT }).await;
    let document = "{ segments(first: 100) { nodes { slug } } }";
    assert!(client.ask(document).await.codes().is_empty());
    assert_eq!(small.ask(document).await.codes(), ["QUERY_TOO_COSTLY"]);
    assert_eq!(small.ask(document).await.codes(), ["QUERY_TOO_COSTLY"]);
    let delete = "mutation { deleteSegment(slug: \"none\") }";
    client.ask(delete).await;
    let get = format!(
        "/graphql?query={}",
        delete.replace(' ', "%20").replace('"', "%22").replace('{', "%7B").replace('}', "%7D")
    );
    for _ in 0..2 {
        let get = Request::get(&get).header("x-api-key", &client.key).body(Body::empty()).unwrap();
        assert_eq!(app.send(get).await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn introspection_needs_a_key_unless_it_is_public() {
    let app = TestApp::new(On::Sqlite).await;
    let query = r#"{"query": "{ __schema { queryType { name } } }"}"#;
    assert_eq!(app.send(post(&[], query)).await.status, StatusCode::UNAUTHORIZED);
    let open = TestApp::with_public_introspection().await;
    let answer = open.send(post(&[], query)).await;
    assert_eq!(answer.ok()["__schema"]["queryType"]["name"], "Query");
    for query in [
        "{ viewer { partner } }",
        "{ __typename vocabulary { regions } }",
        "{ cohort(precision: FINEST, definition: {}) { id } }",
    ] {
        let body = serde_json::json!({ "query": query }).to_string();
        let answer = open.send(post(&[], body)).await;
        assert_eq!(
            (answer.status, answer.codes()),
            (StatusCode::UNAUTHORIZED, vec!["AUTHENTICATION_FAILED"]),
            "{query}"
        );
    }
    let client = app.client(&[]).await;
    let answer = client.ask("{ __schema { queryType { name } } }").await;
    assert_eq!(answer.ok()["__schema"]["queryType"]["name"], "Query");
}

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path)
}

#[tokio::test]
async fn the_answer_has_the_accepted_media_type_and_its_status() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let (new, old) = ("application/graphql-response+json", "application/json");
    for (accept, query, status, kind) in [
        (new, "{ __typename }", 200, new),
        (new, "{ nonsense }", 400, new),
        (new, "{", 400, new),
        (new, "query ($a: ID!) { segment(precision: FINEST, slug: $a) { id } }", 400, new),
        (old, "{ __typename }", 200, old),
        (old, "{ nonsense }", 200, old),
        (old, "{", 200, old),
        ("*/*", "{ __typename }", 200, old),
        ("text/html", "{ __typename }", 406, old),
    ] {
        let answer = client.send(&[("accept", accept)], serde_json::json!({"query": query})).await;
        assert_eq!(answer.status.as_u16(), status, "{accept} {query}: {}", answer.text);
        assert_eq!(answer.headers["content-type"].to_str().unwrap(), format!("{kind}; charset=utf-8"), "{accept}");
        assert_eq!(answer.body.get("data").is_some(), query == "{ __typename }" && status == 200, "{accept} {query}");
    }
}

#[tokio::test]
async fn get_runs_queries_and_rejects_mutations() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let ask = async |query: &str| {
        let request = get(&format!("/graphql?{query}")).header("x-api-key", &client.key);
        app.send(request.body(Body::empty()).unwrap()).await
    };
    let named = "query=query+A($s:String!)%7Bsegment(slug:$s)%7Bid%7D%7D+query+B%7B__typename%7D";
    assert_eq!(ask(&format!("{named}&operationName=B")).await.ok()["__typename"], "Query");
    let answer = ask(&format!("{named}&operationName=A&variables=%7B%22s%22:%22mine%22%7D")).await;
    assert_eq!(answer.codes(), ["INVALID_SEGMENT"]);
    let answer = ask("query=mutation%7BdeleteSegment(slug:%22mine%22)%7D").await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::METHOD_NOT_ALLOWED, vec!["INVALID_REQUEST"]));
    assert_eq!(answer.headers["allow"], "POST");
    for wrong in ["", "query=%7B__typename%7D&query=%7B__typename%7D", "query=%7B__typename%7D&variables=%5B1%5D"] {
        let answer = ask(wrong).await;
        assert_eq!((answer.status, answer.codes()), (StatusCode::BAD_REQUEST, vec!["INVALID_REQUEST"]), "{wrong}");
    }
    // A key in the URL would be in every log on the way, so it is ignored.
    let request = get(&format!("/graphql?query=%7B__typename%7D&api_key={0}&authorization={0}", client.key));
    assert_eq!(app.send(request.body(Body::empty()).unwrap()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_body_that_is_not_plain_json_is_rejected() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let body = r#"{"query": "{ __typename }"}"#;
    for (name, value, status) in [
        ("content-type", "text/plain", 415),
        ("content-type", "application/x-www-form-urlencoded", 415),
        ("content-type", "multipart/form-data; boundary=x", 415),
        ("content-type", "application/json; charset=latin1", 415),
        ("content-type", "application/json; charset=UTF-8", 200),
        ("content-encoding", "gzip", 415),
        ("content-encoding", "identity", 200),
    ] {
        let mut request = Request::post("/graphql").header("x-api-key", &client.key);
        if name != "content-type" {
            request = request.header("content-type", "application/json");
        }
        let answer = app.send(request.header(name, value).body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status.as_u16(), status, "{name}: {value}");
    }
}

#[tokio::test]
async fn only_configured_origins_are_allowed_by_cors() {
    let app =
        TestApp::with(On::Sqlite, |given| given.cors_origins = vec!["https://shop.example".parse().unwrap()]).await;
    for (origin, allowed) in [("https://shop.example", true), ("https://evil.example", false), ("null", false)] {
        let preflight = Request::options("/graphql")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type");
        let answer = app.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::OK);
        let named = answer.headers.get("access-control-allow-origin").map(|value| value.to_str().unwrap());
        assert_eq!(named, allowed.then_some(origin));
        assert!(!answer.headers.contains_key("access-control-allow-credentials"));
    }
}

#[tokio::test]
async fn a_valid_request_id_of_the_client_is_used() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let body = serde_json::json!({"query": "{ nonsense }"});
    let answer = client.send(&[("x-request-id", "shop-42.a_B")], body.clone()).await;
    assert_eq!(answer.headers["x-request-id"], "shop-42.a_B");
    assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], "shop-42.a_B");
    let long = "a".repeat(65);
    for strange in ["", "a b", "a/b", "ä", "<script>", long.as_str()] {
        let answer = client.send(&[("x-request-id", strange)], body.clone()).await;
        assert_eq!(answer.headers["x-request-id"].len(), 16, "{strange:?}");
    }
}

#[tokio::test]
async fn answers_are_compressed_if_the_client_accepts_it() {
    let app = TestApp::new(On::Sqlite).await;
    for coding in ["gzip", "br"] {
        let request = get("/docs/schema.graphql").header("accept-encoding", coding).body(Body::empty()).unwrap();
        let (headers, bytes) = app.bytes(request).await;
        assert_eq!(headers["content-encoding"], coding);
        assert!(bytes.len() < spots_enrichment::graphql::schema::sdl().len() / 2, "{}", bytes.len());
    }
}

#[tokio::test]
async fn no_answer_has_more_than_twenty_errors_or_a_long_one() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let fields: Vec<_> = (0..30)
        .map(|number| format!("a{number}: segment(precision: FINEST, slug: \"no-{number}\") {{ id }}"))
        .collect();
    let answer = client.ask(&format!("{{ {} }}", fields.join(" "))).await;
    assert_eq!((answer.codes().len(), &answer.body["extensions"]["errorsLeftOut"]), (20, &10.into()));
    let fields: Vec<_> = (0..60).map(|number| format!("no{number}")).collect();
    assert_eq!(client.ask(&format!("{{ viewer {{ {} }} }}", fields.join(" "))).await.codes().len(), 20);
    let long = "x".repeat(5_000);
    for query in [
        format!("{{ {long} }}"),
        format!("{{ segment(precision: FINEST, slug: \"{long}\") {{ id }} }}"),
        format!("{{ ...{long} }}"),
        format!("{{ a @{long} }}"),
        format!("{{ segments(search: {long}) {{ nodes {{ id }} }} }}"),
    ] {
        let answer = client.ask(&query).await;
        let message = answer.body["errors"][0]["message"].as_str().unwrap();
        assert!(message.chars().count() <= 500, "{}", message.len());
    }
}

/// Response keys are in the order of the selection, rejected fields are null, and nulls propagate as the specification
/// demands.
#[tokio::test]
async fn data_follows_the_selection() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[spots_enrichment::domain::scope::Scope::Behavior]).await;
    let answer = client
        .ask(
            r#"{ z: __typename cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) {
            network { density { value } } slug behavior { visitsPerPerson { unit __typename } } b: __typename a: name }
            a: viewer { partner } }"#,
        )
        .await;
    let data = concat!(
        r#""data":{"z":"Query","cohort":{"network":null,"slug":null,"#,
        r#""behavior":{"visitsPerPerson":{"unit":"VISITS","__typename":"Measure"}},"#,
        r#""b":"Segment","a":null},"a":{"partner":"acme"}}"#
    );
    assert!(answer.text.contains(data), "{}", answer.text);
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    // `segments` is not nullable, so `data` is null.
    let answer = client.ask(r#"{ viewer { partner } segments(after: "x") { nodes { slug } } }"#).await;
    assert_eq!((answer.codes(), &answer.body["data"]), (vec!["BAD_USER_INPUT"], &serde_json::Value::Null));
    assert!(answer.body.as_object().unwrap().contains_key("data"));
    let answer = client.ask("query ($no: Boolean!) { viewer { partner @include(if: $no) } }").await;
    assert_eq!(answer.codes(), ["INVALID_REQUEST"]);
    let answer = client
        .ask_with("query ($no: Boolean!) { viewer { partner @include(if: $no) } }", serde_json::json!({"no": false}))
        .await;
    assert_eq!(answer.ok(), &serde_json::json!({"viewer": {}}));
}

#[tokio::test]
async fn equivalent_documents_have_the_same_meaning() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let answer = client.ask("{ __mine: viewer { partner } }").await;
    assert_eq!(answer.ok()["__mine"]["partner"], "acme");
    // An omitted variable leaves the argument at its default.
    let answer = client.ask("query ($n: Int, $s: String) { segments(first: $n, search: $s) { nodes { slug } } }").await;
    assert_eq!(answer.cost("requested"), 21, "the default page of 20");
    answer.ok();
    // A duplicated mutation field with one response key runs once.
    let save = r#"saveSegment(input: {slug: "twice", name: "Twice", definition: {}}) { slug }"#;
    let answer = client.ask(&format!("mutation {{ {save} {save} }}")).await;
    assert_eq!((answer.cost("requested"), answer.data("/saveSegment/slug")), (11, &"twice".into()));
    for invalid in [
        "{ a: viewer { partner } a: vocabulary { regions } }",
        "{ segments(first: 1) { nodes { id } } segments(first: 2) { nodes { id } } }",
        "{ __present: viewer { partner } }",
        "query ($s: Int) { segment(precision: FINEST, slug: $s) { id } }",
        "query ($d: SegmentDefinition) { cohort(precision: FINEST, definition: $d) { id } }",
        "subscription { a }",
        "query A { __typename } query B { __typename }",
    ] {
        let answer = client.ask(invalid).await;
        assert_eq!(answer.codes().first(), Some(&"INVALID_REQUEST"), "{invalid}");
        assert!(answer.body.get("data").is_none(), "{invalid}");
    }
}

#[tokio::test]
async fn a_panic_is_answered_with_a_code_and_logged() {
    let app = TestApp::with(On::Sqlite, |given| given.quotas = std::sync::Arc::new(Panicking)).await;
    let client = app.client(&ALL).await;
    let answer = client.ask("{ viewer { partner } }").await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::INTERNAL_SERVER_ERROR, vec!["INTERNAL_ERROR"]));
    assert_eq!(answer.body["errors"][0]["extensions"]["requestId"], answer.headers["x-request-id"].to_str().unwrap());
    assert!(!answer.text.contains("secret"), "{}", answer.text);
    app.state.log.writer.flush().await;
    let row = spots_enrichment::storage::entity::api_request_log::Entity::find().one(app.db()).await.unwrap().unwrap();
    assert_eq!((row.status, row.error_code.as_deref()), (500, Some("INTERNAL_ERROR")));
}

struct Panicking;

#[async_trait::async_trait]
impl spots_enrichment::gate::quota::QuotaStore for Panicking {
    async fn reserve(
        &self,
        _: &spots_enrichment::gate::quota::ReservationRequest,
        _: i64,
    ) -> spots_enrichment::gate::quota::ReserveResult {
        panic!("a secret of the server")
    }

    fn settle(&self, _: &spots_enrichment::gate::quota::Lease, _: u64, _: i64) {}
}
