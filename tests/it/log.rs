use axum::{body::Body, http::Request};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use spots_enrichment::{domain::scope::Scope, storage::entity::api_request_log};

use crate::app::{On, TestApp, databases, post};

/// Status, error code, partner and microunits of each row, in the order of insertion.
async fn rows(app: &TestApp) -> Vec<(i32, Option<String>, Option<String>, i64)> {
    app.state.log.writer.flush().await;
    let rows =
        api_request_log::Entity::find().order_by_asc(api_request_log::COLUMN.log_id).all(app.db()).await.unwrap();
    rows.into_iter().map(|row| (row.status, row.error_code, row.partner_id, row.microunits)).collect()
}

#[tokio::test]
async fn every_request_has_exactly_one_row_whatever_its_outcome() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&[Scope::Behavior]).await;
        client
            .ask(
                r#"query Size { cohort(precision: FINEST,
            definition: {regions: ["demo-harbor"]}) { size { value } } }"#,
            )
            .await
            .ok();
        client
            .ask(
                r#"{ cohort(precision: FINEST,
            definition: {regions: ["demo-harbor"]}) { network { density { value } } } }"#,
            )
            .await;
        client.ask("{ nonsense }").await;
        app.send(post(&[], r#"{"query": "{ __typename }"}"#)).await;
        app.send(Request::get("/nowhere").body(Body::empty()).unwrap()).await;
        for _ in 0..97 {
            client.ask("{ __typename }").await.ok();
        }
        client.ask("{ __typename }").await;

        let rows = rows(&app).await;
        let (code, acme) = (|code: &str| Some(code.to_owned()), Some("acme".to_owned()));
        assert_eq!(rows.len(), 103);
        assert_eq!(
            rows[..6],
            [
                (200, None, acme.clone(), 120_000),
                (200, code("FORBIDDEN"), acme.clone(), 0),
                (200, code("INVALID_REQUEST"), acme.clone(), 0),
                (401, code("AUTHENTICATION_FAILED"), None, 0),
                (404, code("NOT_FOUND"), None, 0),
                (200, None, acme.clone(), 0),
            ]
        );
        assert_eq!(rows[102], (429, code("RATE_LIMIT_EXCEEDED"), acme, 0));
    }
}

#[tokio::test]
async fn a_row_holds_no_document_no_variables_and_no_key() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Behavior]).await;
    let query = "query Find($slug: String!) { segment(precision: FINEST, slug: $slug) { id } }";
    client.ask_with(query, serde_json::json!({"slug": "secret-segment"})).await;
    app.state.log.writer.flush().await;
    let row = api_request_log::Entity::find().one(app.db()).await.unwrap().unwrap();
    assert_eq!(row.document_hash.as_ref().unwrap().len(), 64);
    assert!(row.processing_us > 0);
    let text = format!("{row:?}");
    for secret in ["secret-segment", "segment(slug", client.key.as_str()] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// A row that the database cannot store must not lose the other rows of its batch.
#[tokio::test]
async fn an_operation_name_of_control_characters_loses_no_row() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&[Scope::Behavior]).await;
        client.ask("{ __typename }").await.ok();
        let body = r#"{"query": "query A { __typename }", "operationName": "\u0000A\n"}"#;
        app.send(post(&[("x-api-key", &client.key)], body)).await;
        client.ask("{ __typename }").await.ok();
        assert_eq!(rows(&app).await.len(), 3);
    }
}

#[tokio::test]
async fn a_request_whose_client_disconnected_has_a_row() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Behavior]).await;
    let request =
        client.ask(r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } } }"#);
    // Polled once and then dropped, as axum does when the connection closes.
    assert!(futures_util::FutureExt::now_or_never(request).is_none());
    assert_eq!(rows(&app).await.iter().map(|row| row.0).collect::<Vec<_>>(), [499]);
}
