//! Requests as the clients of others send them: several credentials and content types, persisted queries, descriptions,
//! numbers and texts in every notation, and the statuses that the specifications ask for.

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use spots_enrichment::{
    domain::key::{Environment, Limits},
    gate::{
        auth::{self, NewKey},
        persisted::document_hash,
    },
    storage::{entity::trusted_document::Model, trusted_documents},
};

use crate::{
    app::{ALL, Answer, NOW, On, TestApp, post},
    cli::run,
    shared,
};

const QUERY: &str = r#"{"query": "{ __typename }"}"#;

fn message(answer: &Answer) -> &str {
    answer.body["errors"][0]["message"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn the_key_counts_beside_the_credentials_of_a_proxy() {
    let app = TestApp::new(On::Sqlite).await;
    let (one, two) = (app.client(&ALL).await, app.client(&ALL).await);
    let bearer = format!("Bearer {}", two.key);
    for (headers, status) in [
        (&[("authorization", "Basic c3RhZ2luZzpzZWNyZXQ="), ("x-api-key", one.key.as_str())][..], 200),
        (&[("authorization", "Bearer header.of.gateway"), ("x-api-key", &one.key)], 200),
        (&[("authorization", &bearer), ("x-api-key", "gateway")], 200),
        (&[("authorization", &bearer), ("x-api-key", &two.key)], 200),
        (&[("authorization", &bearer), ("x-api-key", &one.key)], 401),
        (&[("x-api-key", &one.key), ("x-api-key", &two.key)], 401),
        (&[("authorization", "Bearer x"), ("x-api-key", "y")], 401),
    ] {
        assert_eq!(app.send(post(headers, QUERY)).await.status, status, "{headers:?}");
    }
}

#[tokio::test]
async fn media_types_and_bodies_are_checked_as_the_specifications_say() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let send = async |types: &[&str], body: &str| {
        let mut request = Request::post("/graphql").header("x-api-key", &client.key);
        for value in types {
            request = request.header("content-type", *value);
        }
        app.send(request.body(Body::from(body.to_owned())).unwrap()).await.status.as_u16()
    };
    for (types, status) in [
        (&["application/json"][..], 200),
        (&["application/json; charset=utf8"], 200),
        (&["application/json; charset=\"UTF-8\""], 200),
        (&["APPLICATION/JSON;charset=Utf-8"], 200),
        (&["application/json; charset=xutf-8"], 415),
        (&["application/json; charset=utf-16"], 415),
        (&["application/json", "text/plain"], 415),
        (&["application/json", "application/json"], 415),
        (&["application/json, application/json"], 415),
        (&[], 415),
    ] {
        assert_eq!(send(types, QUERY).await, status, "{types:?}");
    }
    for body in [
        r#"["{ __typename }"]"#,
        r#"["{ __typename }", null, null, null, null]"#,
        r#" [{"query": "{ __typename }"}]"#,
        r#"{"query": ["{ __typename }"]}"#,
        r#"{"query": "{ __typename }", "query": "{ __typename }"}"#,
        r#"{"query": "{ __typename }", "variables": [1]}"#,
        "\"{ __typename }\"",
        "{}",
        r#"{"query": null}"#,
    ] {
        assert_eq!(send(&["application/json"], body).await, 400, "{body}");
    }
}

#[tokio::test]
async fn a_faulty_document_has_the_status_of_the_accepted_media_type() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    for document in [
        "{ ...Nope }",
        "{ __typename @live }",
        "{ segments(first: 1) { nodes { ... @defer { slug } } } }",
        "{ __typename(a: 1) }",
        "{ __typename { a } }",
        "{ viewer { partner { x } } }",
        "{ viewer }",
        "{ a(b: \"",
        "query A { __typename } query B { __typename }",
        "query ($a: Int!) { segments(first: $a) { totalCount } }",
        "fragment F on Query { ...F } { ...F }",
    ] {
        for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
            let answer = client.send(&[("accept", accept)], json!({"query": document})).await;
            assert_eq!(
                (answer.status.as_u16(), answer.codes().first().copied()),
                (status, Some("INVALID_REQUEST")),
                "{document} {accept}: {}",
                answer.text
            );
            assert!(answer.body.get("data").is_none(), "{document}");
        }
    }
}

#[tokio::test]
async fn errors_name_the_field_and_the_place() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    for (document, says, line, column) in [
        ("{ viewer { partner )", "Syntax error: `)` is not expected here.", 1, 20),
        ("{\n  viewer {\n    partner: 5\n} }", "`5` is not expected", 3, 14),
        ("{ viewer { partner }", "the end of a line or of the document", 1, 21),
        ("{ x: viewer { partner } x: vocabulary { regions } }", "viewer", 1, 25),
        ("{ s: segment(slug: \"a\") { slug } s: segment(slug: \"b\") { slug } }", "response key s ", 1, 34),
        ("{ ...Nope }", "There is no fragment Nope.", 1, 3),
        ("{ viewer @live { partner } }", "@live", 1, 10),
    ] {
        let answer = client.ask(document).await;
        assert!(message(&answer).contains(says), "{document}: {}", answer.text);
        let places = answer.body["errors"][0]["locations"].as_array().unwrap();
        assert!(places.contains(&json!({"line": line, "column": column})), "{document}: {}", answer.text);
    }
}

#[tokio::test]
async fn descriptions_numbers_and_escapes_are_read_as_specified() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    if let Some(path) = shared::folder("cases/19-description.json") {
        let body = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        client.send(&[], body).await.ok();
    }
    let described = "\"\"\"A \"block\" of\nlines\"\"\" query Q(\"How many\" $n: Int = 2, \"Text\" $s: String = \"a\") {
        segments(first: $n, search: $s) { totalCount ...F } }
        \"A part\" fragment F on SegmentConnection { nodes { id } }";
    client.ask(described).await.ok();
    let query = "query ($n: Int) { segments(first: $n) { totalCount } }";
    for number in [json!(1), json!(1.0), json!(1e0)] {
        client.ask_with(query, json!({"n": number})).await.ok();
    }
    for number in [json!(1.5), json!("1"), json!(true)] {
        assert_eq!(client.ask_with(query, json!({"n": number})).await.codes(), ["INVALID_REQUEST"], "{number}");
    }
    let name = async |literal: &str| {
        let save = format!(
            "mutation {{ saveSegment(input: {{slug: \"aa\", name: {literal}, definition: {{}}}}) {{ name }} }}"
        );
        client.ask(&save).await
    };
    for (literal, expected) in
        [(r#""\uD83D\uDE00!""#, "\u{1f600}!"), (r#""\u{1F600}""#, "\u{1f600}"), (r#""\u00e9\\uD83D""#, "é\\uD83D")]
    {
        assert_eq!(name(literal).await.ok()["saveSegment"]["name"], expected, "{literal}");
    }
    for literal in [r#""\uD83D""#, r#""\uDE00\uD83D""#, r#""\u{D83D}""#] {
        assert_eq!(name(literal).await.codes(), ["INVALID_REQUEST"], "{literal}");
    }
}

#[tokio::test]
async fn a_persisted_query_is_registered_once_and_then_named_by_its_hash() {
    let app = TestApp::new(On::Sqlite).await;
    let (client, other) = (app.client(&ALL).await, app.client(&ALL).await);
    if let Some(path) = shared::folder("cases/05-apq.json") {
        let body: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        let answer = client.send(&[], body).await;
        assert_eq!(message(&answer), "PersistedQueryNotFound", "{}", answer.text);
    }
    let text = "query S($n: Int) { segments(first: $n) { nodes { slug } } }";
    let hash = document_hash(text);
    let persisted = |hash: &str| json!({"persistedQuery": {"version": 1, "sha256Hash": hash}});
    let by_hash = json!({"variables": {"n": 1}, "extensions": persisted(&hash)});
    for (accept, status) in [("application/json", 200), ("application/graphql-response+json", 400)] {
        let answer = client.send(&[("accept", accept)], by_hash.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.codes()), (status, vec!["PERSISTED_QUERY_NOT_FOUND"]), "{accept}");
        assert_eq!(message(&answer), "PersistedQueryNotFound");
    }
    let wrong = json!({"query": "{ __typename }", "extensions": persisted(&hash)});
    assert_eq!(client.send(&[], wrong).await.codes(), ["INVALID_REQUEST"]);
    client.send(&[], json!({"query": text, "variables": {"n": 1}, "extensions": persisted(&hash)})).await.ok();
    client.send(&[], by_hash.clone()).await.ok();
    client.send(&[], json!({"documentId": format!("sha256:{hash}"), "variables": {"n": 2}})).await.ok();
    client.send(&[], json!({"query": "", "documentId": hash.to_uppercase()})).await.ok();
    let answer = other.send(&[], by_hash).await;
    assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_FOUND"], "documents of one account are not those of another");
    // A query over GET, as caches in between need it.
    let extensions = persisted(&hash).to_string();
    let url = form_urlencoded::Serializer::new("/graphql?".to_owned()).append_pair("extensions", &extensions).finish();
    let get = Request::get(&url).header("x-api-key", &client.key).body(Body::empty()).unwrap();
    app.send(get).await.ok();
    for (extensions, code) in [
        (json!({"persistedQuery": {"version": 2, "sha256Hash": hash}}), "PERSISTED_QUERY_NOT_SUPPORTED"),
        (json!({"persistedQuery": {"version": 1, "sha256Hash": "abc"}}), "INVALID_REQUEST"),
        (json!({"persistedQuery": {"version": 1}}), "INVALID_REQUEST"),
    ] {
        assert_eq!(client.send(&[], json!({"extensions": extensions})).await.codes(), [code], "{extensions}");
    }
    // An invalid document is not registered.
    let invalid = "{ nonsense }";
    let extensions = persisted(&document_hash(invalid));
    client.send(&[], json!({"query": invalid, "extensions": extensions})).await;
    let answer = client.send(&[], json!({"extensions": extensions})).await;
    assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
}

#[tokio::test]
async fn a_key_can_be_limited_to_trusted_documents() {
    let app = TestApp::new(On::Sqlite).await;
    let new = NewKey {
        partner_id: "acme".to_owned(),
        environment: Environment::Live,
        scopes: ALL.to_vec(),
        limits: Limits::DEFAULT,
        expires_at: None,
        cap_microunits: 0,
        name: "shop".to_owned(),
        documents_only: true,
        test_mode: false,
    };
    let (id, key) = auth::create_key(app.db(), &new, NOW).await.unwrap();
    let limited = app.client_from(&id, key.reveal());
    let text = "{ viewer { partner } }";
    let document = |partner: &str| Model {
        partner_id: partner.to_owned(),
        document_hash: document_hash(text),
        document_name: "partner".to_owned(),
        document: text.to_owned(),
        added_at: NOW,
    };
    spots_enrichment::storage::partners::ensure_exists(app.db(), "rival", NOW).await.unwrap();
    trusted_documents::add(app.db(), vec![document("acme")]).await.unwrap();
    limited.send(&[], json!({"documentId": document_hash(text)})).await.ok();
    limited.ask(text).await.ok();
    let persisted = |text: &str| json!({"persistedQuery": {"version": 1, "sha256Hash": document_hash(text)}});
    for body in [
        json!({"query": "{ vocabulary { regions } }"}),
        json!({"query": "{ __schema { queryType { name } } }"}),
        json!({"query": "{ __typename }", "extensions": persisted("{ __typename }")}),
    ] {
        let answer = limited.send(&[], body).await;
        assert_eq!((answer.status, answer.codes()), (StatusCode::FORBIDDEN, vec!["FORBIDDEN"]), "{}", answer.text);
    }
    let answer = limited.send(&[], json!({"extensions": persisted("{ __typename }")})).await;
    assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
    // A trusted document of one partner is unknown to another.
    let rival = app.client_of("rival", &ALL, 0).await;
    let answer = rival.send(&[], json!({"documentId": document_hash(text)})).await;
    assert_eq!(answer.codes(), ["PERSISTED_QUERY_NOT_FOUND"]);
}

#[test]
fn manifests_of_apollo_and_relay_are_added() {
    let dir = crate::app::folder("documents");
    run(&dir, &["migrate", "up"]);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    std::fs::write(dir.join("early.graphql"), "{ viewer { partner } }").unwrap();
    let unknown = run(&dir, &["documents", "add", "early.graphql", "--partner", "acme"]);
    assert!(text(&unknown.stderr).contains("there is no partner \"acme\""));
    run(&dir, &["keys", "create", "--partner", "acme"]);
    let body = "query Partner { viewer { partner } }";
    let needs = "query Cohort($d: SegmentDefinition!) { cohort(precision: FINEST, definition: $d) { size { value } } }";
    let apollo = json!({"format": "apollo-persisted-query-manifest", "version": 1, "operations": [
        {"id": document_hash(body), "name": "Partner", "type": "query", "body": body}]});
    let relay = json!({document_hash(needs): needs});
    let files = [
        ("apollo.json", apollo.to_string(), 0, "Partner"),
        ("relay.json", relay.to_string(), 0, "Cohort"),
        ("Portrait.graphql", body.to_owned(), 0, "Portrait"),
        ("md5.json", json!({"0cc175b9c0f1b6a831c399e269772661": body}).to_string(), 1, "persistConfig.algorithm"),
        ("schema.json", json!({document_hash("{ nonsense }"): "{ nonsense }"}).to_string(), 1, "nothing was added"),
        ("list.json", "[]".to_owned(), 1, "is not a manifest"),
        ("empty.json", "{}".to_owned(), 1, "contains no documents"),
    ];
    for (name, content, code, says) in files {
        std::fs::write(dir.join(name), content).unwrap();
        let output = run(&dir, &["documents", "add", name, "--partner", "acme"]);
        let printed = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{name}: {printed}");
        assert!(printed.contains(says), "{name}: {printed}");
    }
    let list = text(&run(&dir, &["documents", "list", "--partner", "acme", "--json"]).stdout);
    let list: Value = serde_json::from_str(&list).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    let removed = run(&dir, &["documents", "remove", &document_hash(body), "--partner", "acme"]);
    assert_eq!(removed.status.code(), Some(0));
    assert_eq!(run(&dir, &["documents", "remove", &document_hash(body), "--partner", "acme"]).status.code(), Some(1));
}

#[tokio::test]
async fn pages_of_other_origins_may_send_trace_headers() {
    let origin = "https://shop.example".parse().unwrap();
    let app = TestApp::with(On::Sqlite, |dependencies| dependencies.cors_origins = vec![origin]).await;
    let preflight = Request::options("/graphql")
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,traceparent,tracestate")
        .body(Body::empty())
        .unwrap();
    let answer = app.send(preflight).await;
    let allowed = answer.headers["access-control-allow-headers"].to_str().unwrap();
    for header in ["authorization", "content-type", "x-api-key", "traceparent", "tracestate"] {
        assert!(allowed.split(',').any(|name| name.trim() == header), "{header}: {allowed}");
    }
}

#[tokio::test]
async fn health_warns_of_an_old_epoch() {
    let app = TestApp::new(On::Sqlite).await;
    let health = async || app.send(Request::get("/health").body(Body::empty()).unwrap()).await.text;
    assert_eq!(health().await, "ok\n");
    app.clock.advance_s(21 * 86_400);
    let old = health().await;
    assert!(old.starts_with("ok\nwarning: the epoch 2026-W22 ended 31 days ago"), "{old}");
}
