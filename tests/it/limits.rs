use axum::http::StatusCode;

use crate::app::{ALL, On, TestApp};

#[tokio::test]
async fn the_101st_request_in_a_minute_waits_for_the_next_minute() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    for _ in 0..100 {
        assert_eq!(client.ask("{ __typename }").await.status, StatusCode::OK);
    }
    app.clock.advance_s(15);
    let refused = client.ask("{ __typename }").await;
    assert_eq!((refused.status, refused.codes()), (StatusCode::TOO_MANY_REQUESTS, vec!["RATE_LIMIT_EXCEEDED"]));
    assert_eq!(refused.headers["retry-after"], "45");
    assert_eq!(refused.body["errors"][0]["extensions"]["limit"], "minute");
    assert_eq!(refused.body["errors"][0]["extensions"]["retryAfterSeconds"], 45);
    app.client_of("other", &ALL, 0).await.ask("{ __typename }").await.ok();
    app.clock.advance_s(45);
    client.ask("{ __typename }").await.ok();
}
