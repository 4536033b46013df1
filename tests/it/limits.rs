use std::{sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::json;
use spots_enrichment::{
    domain::{key::Limits, random::random_hex, scope::Scope},
    gate::{
        auth,
        quota::{LoggedUsage, ProcessQuotas, REDIS_TIMEOUT, RedisQuotas},
    },
    server::state::Timeouts,
    storage::entity::api_request_log,
};

use crate::{
    app::{ALL, NOW, On, TestApp, databases, post},
    quota::RedisServer,
};

const SIZE: &str = r#"{ cohort(precision: FINEST, definition: {regions: ["demo-harbor"]}) { size { value } } }"#;

#[tokio::test]
async fn the_101st_request_in_a_minute_is_rejected_until_the_next_minute() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    for _ in 0..100 {
        assert_eq!(client.ask("{ __typename }").await.status, StatusCode::OK);
    }
    app.clock.advance_s(15);
    let rejected = client.ask("{ __typename }").await;
    assert_eq!((rejected.status, rejected.codes()), (StatusCode::TOO_MANY_REQUESTS, vec!["RATE_LIMIT_EXCEEDED"]));
    assert_eq!(rejected.headers["retry-after"], "45");
    assert_eq!(rejected.body["errors"][0]["extensions"]["limit"], "minute");
    assert_eq!(rejected.body["errors"][0]["extensions"]["retryAfterSeconds"], 45);
    app.client_of("other", &ALL, 0).await.ask("{ __typename }").await.ok();
    app.clock.advance_s(45);
    client.ask("{ __typename }").await.ok();
}

#[tokio::test]
async fn points_are_restored_and_the_error_says_when() {
    let app = TestApp::new(On::Sqlite).await;
    let limits = Limits { max_query_points: 60, points_per_minute: 60, ..Limits::DEFAULT };
    let client = app.limited(limits).await;
    let page = "{ segments(first: 0) { nodes { slug } } a: viewer { usage(last: 2) { day } } b: viewer { usage(last: \
        2) { day } } }";
    let answer = client.ask(page).await;
    // 1 for the connection, 1 + 10 + 2 for each viewer. There are no days of usage yet.
    assert_eq!((answer.cost("requested"), answer.cost("actual"), answer.cost("available")), (27, 23, 37));
    assert_eq!(client.ask(page).await.cost("available"), 14);
    let rejected = client.ask(page).await;
    assert_eq!((rejected.status, rejected.codes()), (StatusCode::TOO_MANY_REQUESTS, vec!["COST_LIMIT_EXCEEDED"]));
    assert_eq!(rejected.headers["retry-after"], "13");
    let details = &rejected.body["errors"][0]["extensions"];
    assert_eq!(
        (&details["limit"], &details["cost"], &details["available"], &details["retryAfterSeconds"]),
        (&json!("points_per_minute"), &json!(27), &json!(14), &json!(13))
    );
    assert_eq!(details["dearestPaths"].as_array().unwrap().len(), 3);
    app.clock.advance_s(12);
    assert_eq!(client.ask(page).await.codes(), ["COST_LIMIT_EXCEEDED"]);
    app.clock.advance_s(1);
    client.ask(page).await.ok();
}

#[tokio::test]
async fn every_answer_has_the_remaining_limits() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let answer = client.ask("{ viewer { partner } }").await;
    let header = |name: &str| answer.headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("ratelimit-policy"), r#""minute";q=100;w=60, "day";q=10000;w=86400, "points";q=6000;w=60"#);
    assert_eq!(header("ratelimit"), r#""minute";r=99;t=60, "day";r=9999;t=86400, "points";r=5999;t=1"#);
    let broken = client.ask("{ nonsense }").await;
    assert_eq!(broken.headers["ratelimit"], r#""minute";r=98;t=60, "day";r=9998;t=86400, "points";r=5999;t=1"#);
}

/// Requests with an invalid key are not counted, and fields without the scope cost nothing.
#[tokio::test]
async fn an_invalid_key_spends_nothing_and_a_rejected_field_costs_nothing() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&[Scope::Behavior]).await;
    let wrong = format!("spots_poc_acme_{}", random_hex(16).unwrap());
    for _ in 0..3 {
        assert_eq!(app.send(post(&[("x-api-key", &wrong)], r#"{"query": "{ __typename }"}"#)).await.status, 401);
    }
    let answer = client.ask("{ cohort(precision: FINEST, definition: {}) { network { density { value } } } }").await;
    assert_eq!((answer.codes(), answer.cost("requested"), answer.cost("actual")), (vec!["FORBIDDEN"], 14, 2));
    assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with(r#""minute";r=99"#));
}

#[tokio::test]
async fn daily_limits_survive_a_restart() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let limits = Limits { per_day: 5, points_per_day: 1_000, ..Limits::DEFAULT };
        let client = app.limited(limits).await;
        client.ask(SIZE).await.ok();
        client.ask("{ nonsense }").await;
        client.ask("{ segments(first: 100) { nodes { personality { dimensions { mean { value } } } } } }").await;
        app.state.log.writer.flush().await;
        let (id, key) = (client.key_id.clone(), client.key.clone());
        let TestApp { database, .. } = app;

        let again = TestApp::over(database, NOW, 1).await;
        let left = "{ viewer { limits { requestsLeftThisDay pointsLeftThisDay requestsLeftThisMinute } } }";
        let answer = again.client_from(&id, &key).ask(left).await;
        // Two requests were admitted, one of them for 8 points. This one reserved 2.
        let left = json!({"requestsLeftThisDay": 2, "pointsLeftThisDay": 1_000 - 8 - 2, "requestsLeftThisMinute": 99});
        assert_eq!(answer.ok()["viewer"]["limits"], left);
    }
}

#[tokio::test]
async fn a_client_that_disconnects_is_charged_for_fields_that_started() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    client.ask("{ viewer { partner } }").await.ok();
    let portrait = r#"{ cohort(precision: FINEST,
        definition: {regions: ["demo-harbor"]}) { size { value } behavior { dayParts { share {
        value } } } } }"#;
    // Another transaction holds the write lock, and the client disconnects before it is released.
    let lock = spots_enrichment::storage::db::begin_write(app.db()).await.unwrap();
    let gone = tokio::time::timeout(Duration::from_millis(200), client.ask(portrait)).await;
    assert!(gone.is_err());
    lock.rollback().await.unwrap();
    let answer = client.ask("{ viewer { limits { pointsLeft requestsLeftThisMinute } } }").await;
    // 37 points were reserved; the weights of the two fields that had started are kept.
    assert_eq!(
        answer.ok()["viewer"]["limits"],
        json!({"pointsLeft": 6_000 - 1 - (5 + 10) - 2, "requestsLeftThisMinute": 97})
    );
    app.state.log.writer.flush().await;
    let rows =
        api_request_log::Entity::find().order_by_asc(api_request_log::COLUMN.log_id).all(app.db()).await.unwrap();
    let row = rows.iter().find(|row| row.status == 499).unwrap();
    assert_eq!((row.admitted, row.points_requested, row.points), (true, 37, 15));
}

#[tokio::test]
async fn a_request_that_times_out_gets_unused_points_back() {
    let app = TestApp::with(On::Sqlite, |dependencies| {
        dependencies.timeouts = Timeouts { request: Duration::from_millis(50), ..Timeouts::default() };
    })
    .await;
    let client = app.client(&ALL).await;
    client.ask("{ viewer { partner } }").await.ok();
    // Another transaction holds the write lock.
    let lock = spots_enrichment::storage::db::begin_write(app.db()).await.unwrap();
    let answer = client.ask(SIZE).await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::SERVICE_UNAVAILABLE, vec!["TIMEOUT"]));
    assert_eq!(answer.headers["retry-after"], "1");
    lock.rollback().await.unwrap();
    let left = client.ask("{ viewer { limits { pointsLeft } } }").await;
    assert_eq!(
        left.ok()["viewer"]["limits"]["pointsLeft"],
        6_000 - 1 - 5 - 2,
        "the weight of the size, which had started"
    );
}

#[tokio::test]
async fn a_server_at_its_in_flight_limit_rejects_and_then_recovers() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let full = app.state.workers.try_acquire_many(512).unwrap();
    let answer = client.ask("{ viewer { partner } }").await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::SERVICE_UNAVAILABLE, vec!["UNAVAILABLE"]));
    assert_eq!(answer.headers["retry-after"], "1");
    drop(full);
    client.ask("{ viewer { partner } }").await.ok();
}

/// Introspection by tools works with a small limit of points.
#[tokio::test]
async fn a_key_of_fifty_points_can_introspect() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.limited(Limits { max_query_points: 50, ..Limits::DEFAULT }).await;
    let answer = client.ask(include_str!("introspection.graphql")).await;
    assert!(answer.ok()["__schema"]["types"].as_array().unwrap().len() > 30);
    assert_eq!(answer.cost("requested"), 10);
    // The answer is complete: named types, enum values and deprecations are in it.
    let text = answer.ok().to_string();
    for name in ["SegmentDefinition", "WindowLength", "DAYS_84", "defaultValue", "deprecationReason"] {
        assert!(text.contains(name), "{name}");
    }
}

/// Two servers with separate memory over one database and one Redis.
async fn two_servers(on: On, redis: &RedisServer, timeout: Duration) -> [TestApp; 2] {
    let first = TestApp::new(on).await;
    let url = first.database.url.clone();
    let second = TestApp::second_on(&url).await;
    let shared = async |app: TestApp| {
        let days = Arc::new(LoggedUsage(app.db().clone()));
        let quotas = Arc::new(RedisQuotas::connect(&redis.url(), days, timeout).await.unwrap());
        app.with_quotas(quotas)
    };
    [shared(first).await, shared(second).await]
}

#[tokio::test]
async fn two_servers_share_one_limit() {
    let Some(redis) = RedisServer::start() else { return };
    for on in databases() {
        let [a, b] = two_servers(on, &redis, Duration::from_secs(10)).await;
        let here = a.client(&ALL).await;
        let there = b.client_from(&here.key_id, &here.key);
        let mut served = 0;
        for _ in 0..10 {
            let asked = (0..20).map(|number| {
                let client = if number % 2 == 0 { &here } else { &there };
                client.ask("{ viewer { partner } }")
            });
            let answers = futures_util::future::join_all(asked).await;
            served += answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
        }
        assert_eq!(served, 100);
    }
}

#[tokio::test]
async fn without_redis_a_server_grants_its_share_and_reports_it() {
    let Some(redis) = RedisServer::start() else { return };
    let [a, _b] = two_servers(On::Sqlite, &redis, REDIS_TIMEOUT).await;
    let client = a.client(&ALL).await;
    assert!(!client.ask("{ viewer { partner } }").await.headers.contains_key("x-quota-source"));
    drop(redis);
    let mut served = 0;
    for _ in 0..40 {
        let answer = client.ask("{ viewer { partner } }").await;
        if answer.status == StatusCode::OK {
            served += 1;
        } else {
            assert_eq!(answer.codes(), ["RATE_LIMIT_EXCEEDED"]);
            assert!(answer.headers["ratelimit-policy"].to_str().unwrap().starts_with("\"minute\";q=25;"));
            assert!(answer.headers["ratelimit"].to_str().unwrap().starts_with("\"minute\";r=0;"));
        }
        assert_eq!(answer.headers["x-quota-source"], "local");
    }
    assert_eq!(served, 25, "a quarter of the hundred");
}

/// The only test that sleeps: changes to a key are promised to take effect within five seconds.
#[tokio::test]
async fn a_revoked_key_and_a_new_limit_reach_every_server_within_five_seconds() {
    for on in databases() {
        let first = TestApp::new(on).await;
        let second = TestApp::second_on(&first.database.url).await;
        let here = first.client(&ALL).await;
        let other = first.client_of("other", &ALL, 0).await;
        let there = second.client_from(&here.key_id, &here.key);
        let other_there = second.client_from(&other.key_id, &other.key);
        there.ask("{ viewer { partner } }").await.ok();
        other_there.ask("{ viewer { partner } }").await.ok();
        auth::revoke_key(first.db(), &here.key_id, NOW).await.unwrap();
        let less = |limits| Limits { max_query_points: 3, ..limits };
        auth::change_limits(first.db(), &other.key_id, less, None, NOW).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        assert_eq!(there.ask("{ viewer { partner } }").await.codes(), ["AUTHENTICATION_FAILED"]);
        let limits = other_there.ask("{ viewer { limits { maxQueryPoints } } }").await;
        assert_eq!(limits.ok()["viewer"]["limits"]["maxQueryPoints"], 3);
        assert_eq!(other_there.ask(SIZE).await.codes(), ["QUERY_TOO_COSTLY"]);
    }
}

#[tokio::test]
async fn a_key_that_was_rotated_shares_limits_and_units_with_the_next() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let old = app.limited(Limits { per_minute: 7, ..Limits::DEFAULT }).await;
        old.ask(SIZE).await.ok();
        let (id, key) = auth::rotate_key(app.db(), &old.key_id, 3_600, NOW).await.unwrap();
        let new = app.client_from(&id, key.reveal());
        let answer = new.ask("{ viewer { keyId partner limits { requestsPerMinute requestsLeftThisMinute } } }").await;
        assert_eq!(answer.ok()["viewer"]["limits"], json!({"requestsPerMinute": 7, "requestsLeftThisMinute": 5}));
        assert_eq!(answer.ok()["viewer"]["keyId"], id.as_str());
        // A release that was charged to the old key counts as viewed by the new key.
        let draws = app.noise.draws.load(std::sync::atomic::Ordering::SeqCst);
        new.ask(SIZE).await.ok();
        assert_eq!(app.noise.draws.load(std::sync::atomic::Ordering::SeqCst), draws);
        let charged = app.charged(&format!("key:{}", old.key_id)).await;
        assert_eq!(charged, 120);
        old.ask("{ viewer { partner } }").await.ok();
        app.clock.advance_s(3_600);
        // A second server that has not cached the key; the first may accept it until its cached row expires.
        let other = TestApp::second_on(&app.database.url).await;
        other.clock.advance_s(3_600);
        let expired = other.client_from(&old.key_id, &old.key);
        assert_eq!(expired.ask("{ viewer { partner } }").await.codes(), ["API_KEY_EXPIRED"]);
        new.ask("{ viewer { partner } }").await.ok();
        let again = auth::rotate_key(app.db(), &old.key_id, 3_600, NOW + 3_600).await.unwrap_err().to_string();
        assert!(again.contains(&format!("{id} replaces it")), "an expired key names its successor: {again}");
    }
}

#[tokio::test]
async fn usage_is_shown_by_day_with_errors_by_code() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        client.ask(SIZE).await.ok();
        client.ask("{ nonsense }").await;
        client.ask("{ segments(first: 100) { nodes { personality { dimensions { mean { value } } } } } }").await;
        app.client_of("other", &ALL, 0).await.ask("{ viewer { partner } }").await.ok();
        app.clock.advance_s(86_400);
        client.ask("{ viewer { partner } }").await.ok();
        app.state.log.writer.flush().await;
        let usage = "{ viewer { usage { day requests refused points units errors { code count } } } }";
        let answer = client.ask(usage).await;
        insta::allow_duplicates! { insta::assert_json_snapshot!(answer.ok()["viewer"]["usage"], @r#"
        [
          {
            "day": "2026-06-12",
            "errors": [],
            "points": 1,
            "refused": 0,
            "requests": 1,
            "units": 0.0
          },
          {
            "day": "2026-06-11",
            "errors": [
              {
                "code": "INVALID_REQUEST",
                "count": 1
              },
              {
                "code": "QUERY_TOO_COSTLY",
                "count": 1
              }
            ],
            "points": 8,
            "refused": 1,
            "requests": 2,
            "units": 0.12
          }
        ]
        "#); }
        assert_eq!(
            client.ask("{ viewer { usage(last: 1) { day } } }").await.ok()["viewer"]["usage"].as_array().unwrap().len(),
            1
        );
        assert_eq!(client.ask("{ viewer { usage(last: 91) { day } } }").await.codes(), ["BAD_USER_INPUT"]);
    }
}

#[tokio::test]
async fn anonymous_introspection_is_limited() {
    let app = TestApp::with_public_introspection().await;
    let query = || post(&[], r#"{"query": "{ __typename }"}"#);
    for _ in 0..600 {
        assert_eq!(app.send(query()).await.status, StatusCode::OK);
    }
    assert_eq!(app.send(query()).await.codes(), ["RATE_LIMIT_EXCEEDED"]);
    assert_eq!(app.send(Request::get("/health").body(Body::empty()).unwrap()).await.status, StatusCode::OK);
    app.client(&ALL).await.ask("{ __typename }").await.ok();
    // A document that needs a key causes work as well.
    let app = TestApp::with_public_introspection().await;
    let query = || post(&[], r#"{"query": "{ viewer { partner } }"}"#);
    for _ in 0..600 {
        assert_eq!(app.send(query()).await.codes(), ["AUTHENTICATION_FAILED"]);
    }
    assert_eq!(app.send(query()).await.codes(), ["RATE_LIMIT_EXCEEDED"]);
}

/// Rejected documents spend no points, but they cause work.
#[tokio::test]
async fn documents_beyond_the_cost_limit_are_rate_limited() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let expensive = "{ segments(first: 100) { nodes { personality { dimensions { mean { value } } } } } }";
    for _ in 0..100 {
        assert_eq!(client.ask(expensive).await.codes(), ["QUERY_TOO_COSTLY"]);
    }
    let rejected = client.ask(expensive).await;
    assert_eq!(
        (rejected.codes(), rejected.headers["retry-after"].to_str().unwrap()),
        (vec!["RATE_LIMIT_EXCEEDED"], "60")
    );
    assert_eq!(client.ask("{ viewer { partner } }").await.codes(), ["RATE_LIMIT_EXCEEDED"], "it is not parsed");
    app.clock.advance_s(60);
    assert_eq!(client.ask(expensive).await.codes(), ["QUERY_TOO_COSTLY"]);
}

#[tokio::test]
async fn quotas_fail_closed_if_the_usage_of_the_day_is_unavailable() {
    let app = TestApp::with(On::Sqlite, |dependencies| {
        dependencies.quotas = Arc::new(ProcessQuotas::new(Arc::new(Broken)));
    })
    .await;
    let answer = app.client(&ALL).await.ask("{ __typename }").await;
    assert_eq!((answer.status, answer.codes()), (StatusCode::SERVICE_UNAVAILABLE, vec!["UNAVAILABLE"]));
}

struct Broken;

#[async_trait::async_trait]
impl spots_enrichment::gate::quota::DailyUsage for Broken {
    async fn of_account(&self, _account: &str, _day: i64) -> Result<(u64, u64), sea_orm::DbErr> {
        Err(sea_orm::DbErr::Custom("the log is unavailable".to_owned()))
    }
}
