//! Routes and middleware. `graphql.rs` handles GraphQL requests, `pages.rs` serves the explorer, the portrait and the
//! documentation.

use std::panic::AssertUnwindSafe;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State as AxumState},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::Response,
    routing::{any, get},
};
use futures_util::FutureExt as _;
use tower_http::{
    CompressionLevel,
    compression::CompressionLayer,
    cors::{AllowOrigin, CorsLayer},
};

use crate::{
    error::Error,
    log::{self, Open},
    state::State,
};
use accept::Format;

mod accept;
mod answer;
mod ask;
mod documents;
mod graphql;
mod pages;
mod places;

pub use ask::BODY_LIMIT;
pub use documents::Documents;
pub use places::Places;

/// The router of the server, with all middleware.
pub fn app(state: State) -> Router {
    Router::new()
        .merge(pages::routes())
        .route("/health", get(|| async { "ok\n" }))
        .route("/graphql", any(graphql::handle))
        .fallback(|open: Extension<Open>| refuse(open, Error::NotFound { what: "such path".to_owned() }))
        .method_not_allowed_fallback(|open: Extension<Open>| refuse(open, Error::MethodNotAllowed { allow: "GET" }))
        .layer(middleware::from_fn_with_state(state.clone(), unwanted_body))
        // Converts panics to error responses. Inside the log layer, so that a panic has a log row.
        .layer(middleware::from_fn(catch_panic))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cors(&state.cors_origins))
        .layer(middleware::map_response(security_headers))
        // Outermost, so that every request has a log row, whatever happens in the other layers.
        .layer(middleware::from_fn_with_state(state.clone(), log::layer))
        .with_state(state)
}

/// Answers preflight requests. Only pages of the configured origins may read responses. Keys are sent in headers, not
/// in cookies, so a page can send a key only if its user entered it there.
fn cors(origins: &[HeaderValue]) -> CorsLayer {
    let header = HeaderName::from_static;
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins.to_vec()))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([
            AUTHORIZATION,
            CONTENT_TYPE,
            header("x-api-key"),
            header("x-request-id"),
            header("x-cost-debug"),
        ])
        .expose_headers([
            RETRY_AFTER,
            header("ratelimit"),
            header("ratelimit-policy"),
            header("x-request-id"),
            header("x-quota-source"),
        ])
        .max_age(std::time::Duration::from_mins(10))
}

async fn refuse(Extension(open): Extension<Open>, error: Error) -> Response {
    answer::refuse(&error, Format::Json, &open)
}

/// Reads and discards the bodies of requests to all paths except `/graphql`.
async fn unwanted_body(AxumState(state): AxumState<State>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/graphql" {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (headers, version) = (parts.headers.clone(), parts.version);
    let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
    if !ask::discard(&headers, body, state.timeouts.body).await {
        answer::close(&mut response, version);
    }
    response
}

async fn catch_panic(Extension(open): Extension<Open>, request: Request, next: Next) -> Response {
    let format = Format::negotiate(request.headers()).unwrap_or(Format::Json);
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => answer::refuse(&Error::Internal, format, &open),
    }
}

async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Handlers of pages may have set these two headers already.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.entry(CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(pages::PLAIN_POLICY));
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}
