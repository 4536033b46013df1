use axum::{
    body::Body,
    http::{Request, StatusCode},
};

use crate::app::{ALL, On, TestApp, post};

#[tokio::test]
async fn what_is_not_a_graphql_request_gets_a_coded_answer() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let key = [("x-api-key", client.key.as_str())];
    let large = format!(r#"{{"query": "{}"}}"#, " ".repeat(300_000));
    for (body, status, code) in [
        ("", StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        ("[1, 2]", StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        (r#"[{"query": "{ __typename }"}]"#, StatusCode::BAD_REQUEST, "INVALID_REQUEST"),
        // Without `Accept` the client is an older one, which takes any other status for a broken connection.
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
async fn the_page_names_every_document_and_every_document_is_served() {
    let app = TestApp::new(On::Sqlite).await;
    let get = |path: &str| app.send(Request::get(path).body(Body::empty()).unwrap());
    let page = get("/").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.headers["content-security-policy"].to_str().unwrap().starts_with("default-src 'none'"));
    for (name, text) in spots_enrichment::page::DOCS {
        let path = format!("/docs/{name}");
        assert!(page.text.contains(&path), "the page does not link to {path}");
        let document = get(&path).await;
        assert_eq!((document.status, document.text.as_str()), (StatusCode::OK, *text));
        assert!(text.len() > 500, "{name} says next to nothing");
    }
    assert_eq!(get("/docs/secret.md").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_error_code_has_its_place_in_the_documents() {
    let (_, errors) = spots_enrichment::page::DOCS.iter().find(|(name, _)| *name == "errors.md").unwrap();
    let source = include_str!("../../src/error.rs");
    let (_, source) = source.split_once("pub fn code(").unwrap();
    let (source, _) = source.split_once("pub fn status(").unwrap();
    let codes: Vec<&str> = source.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() >= 12, "{codes:?}");
    for code in codes {
        assert!(errors.contains(&format!("## {code}\n")), "{code} is not in docs/errors.md");
    }
}

#[tokio::test]
async fn introspection_needs_a_key_unless_the_operator_opens_it() {
    let app = TestApp::new(On::Sqlite).await;
    let query = r#"{"query": "{ __schema { queryType { name } } }"}"#;
    assert_eq!(app.send(post(&[], query)).await.status, StatusCode::UNAUTHORIZED);
    let open = TestApp::with_public_introspection().await;
    let answer = open.send(post(&[], query)).await;
    assert_eq!(answer.ok()["__schema"]["queryType"]["name"], "Query");
    for query in
        ["{ viewer { partner } }", "{ __typename vocabulary { regions } }", "{ cohort(definition: {}) { id } }"]
    {
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
