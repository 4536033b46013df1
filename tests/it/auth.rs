use axum::http::StatusCode;
use serde_json::Value;
use spots_enrichment::{
    domain::{
        key::{Environment, Limits},
        random::random_hex,
        scope::Scope,
    },
    gate::auth::{self, NewKey},
};

use crate::app::{ALL, On, TestApp, post};

const QUERY: &str = r#"{"query": "{ viewer { partner } }"}"#;

fn without_id(mut body: Value) -> Value {
    let id = body["errors"][0]["extensions"]["requestId"].take();
    assert!(id.as_str().is_some_and(|id| id.len() == 16), "every error has a request id");
    body
}

#[tokio::test]
async fn a_key_that_is_missing_malformed_unknown_or_revoked_gets_one_body() {
    let app = TestApp::new(On::Sqlite).await;
    let revoked = app.client(&ALL).await;
    let sql = format!("update api_keys set revoked_at = 1 where key_id = '{}'", revoked.key_id);
    sea_orm::ConnectionTrait::execute_unprepared(app.db(), &sql).await.unwrap();
    let unknown = format!("Bearer spots_poc_acme_{}", random_hex(16).unwrap());
    let revoked = format!("Bearer {}", revoked.key);
    let mut bodies = Vec::new();
    for headers in [
        &[][..],
        &[("authorization", "Bearer nonsense")],
        &[("authorization", "Basic dXNlcjpwYXNz")],
        &[("authorization", unknown.as_str())],
        &[("authorization", revoked.as_str())],
        &[("x-api-key", "")],
    ] {
        let answer = app.send(post(headers, QUERY)).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{headers:?}");
        bodies.push(without_id(answer.body));
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    insta::assert_json_snapshot!(bodies[0], @r#"
    {
      "errors": [
        {
          "extensions": {
            "code": "AUTHENTICATION_FAILED",
            "docs": "/docs/errors.md#authentication_failed",
            "requestId": null
          },
          "message": "The API key is missing or not valid. Send it as `Authorization: Bearer KEY`."
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_key_works_in_each_of_three_headers_until_it_expires() {
    let app = TestApp::new(On::Sqlite).await;
    let new = NewKey {
        partner_id: "acme".to_owned(),
        environment: Environment::Live,
        scopes: vec![Scope::Behavior],
        limits: Limits { per_minute: 10, per_day: 10, ..Limits::DEFAULT },
        expires_at: Some(crate::app::NOW + 60),
        cap_microunits: 0,
        name: String::new(),
        documents_only: false,
        test_mode: false,
    };
    let (_, key) = auth::create_key(app.db(), &new, crate::app::NOW).await.unwrap();
    let (bearer, api_key) = (format!("Bearer {}", key.reveal()), format!("ApiKey {}", key.reveal()));
    let headers = [("authorization", bearer.as_str()), ("authorization", &api_key), ("x-api-key", key.reveal())];
    for header in headers {
        let answer = app.send(post(&[header], QUERY)).await;
        assert_eq!(answer.ok()["viewer"]["partner"], "acme");
    }
    app.clock.advance_s(60);
    let answer = app.send(post(&[headers[0]], QUERY)).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::UNAUTHORIZED, vec!["API_KEY_EXPIRED"]));
}

#[tokio::test]
async fn a_field_beyond_the_scopes_is_rejected_and_the_rest_is_answered() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Behavior]).await;
    let answer = client
        .ask(
            r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) {
            behavior { visitsPerPerson { quality } } personality { archetype } } }"#,
        )
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.codes(), ["FORBIDDEN"]);
    assert_eq!(answer.body["errors"][0]["path"], serde_json::json!(["cohort", "personality"]));
    assert_eq!(answer.body["errors"][0]["extensions"]["needs"], serde_json::json!(["personality"]));
    assert!(answer.data("/cohort/behavior/visitsPerPerson/quality").is_string());
}

#[tokio::test]
async fn the_viewer_shows_scopes_and_limits_and_no_key() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Network]).await;
    let query = "{ viewer { partner keyId environment scopes expiresAt limits { requestsPerMinute \
        requestsLeftThisMinute requestsPerDay requestsLeftThisDay } } }";
    let mut answer = client.ask(query).await;
    assert!(!answer.text.contains(&client.key));
    assert_eq!(answer.body["data"]["viewer"]["keyId"].take(), client.key_id.as_str());
    insta::assert_json_snapshot!(answer.ok()["viewer"], @r#"
    {
      "environment": "poc",
      "expiresAt": null,
      "keyId": null,
      "limits": {
        "requestsLeftThisDay": 9999,
        "requestsLeftThisMinute": 99,
        "requestsPerDay": 10000,
        "requestsPerMinute": 100
      },
      "partner": "acme",
      "scopes": [
        "NETWORK"
      ]
    }
    "#);
}

#[tokio::test]
async fn the_last_use_of_a_key_is_stored_to_the_minute() {
    use sea_orm::EntityTrait as _;
    for on in crate::app::databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let last_used_at = async || {
            app.state.log.writer.flush().await;
            let row =
                spots_enrichment::storage::entity::api_key::Entity::find_by_id(&client.key_id).one(app.db()).await;
            row.unwrap().unwrap().last_used_at
        };
        assert_eq!(last_used_at().await, None);
        app.clock.advance_s(59);
        client.ask("{ viewer { partner } }").await.ok();
        assert_eq!(last_used_at().await, Some(crate::app::NOW));
        app.clock.advance_s(1);
        client.ask("{ viewer { partner } }").await.ok();
        assert_eq!(last_used_at().await, Some(crate::app::NOW + 60));
    }
}

/// An invalid key is looked up at most once in a few seconds, however often it is sent.
#[tokio::test]
async fn a_wrong_key_that_is_tried_again_is_not_looked_up_again() {
    let app = TestApp::new(On::Sqlite).await;
    let wrong = format!("spots_poc_acme_{}", random_hex(16).unwrap());
    let ask = async || app.send(post(&[("x-api-key", &wrong)], QUERY)).await.status;
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
    // Without the table a look-up would be an INTERNAL_ERROR.
    sea_orm::ConnectionTrait::execute_unprepared(app.db(), "drop table api_keys").await.unwrap();
    assert_eq!(ask().await, StatusCode::UNAUTHORIZED);
    let other = format!("spots_poc_acme_{}", random_hex(16).unwrap());
    let answer = app.send(post(&[("x-api-key", &other)], QUERY)).await;
    assert_eq!(answer.codes(), ["INTERNAL_ERROR"]);
}
