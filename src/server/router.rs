//! Routes and middleware.

use std::panic::AssertUnwindSafe;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderName, HeaderValue, Method,
        header::{
            AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, RETRY_AFTER,
            X_CONTENT_TYPE_OPTIONS,
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
    set_header::SetResponseHeaderLayer,
};

use super::{
    http::{Format, graphql, json_error, request, response},
    pages::routes as pages,
    request_log::{self, RequestLogHandle},
    state::AppState,
};
use crate::domain::error::Error;

/// The router of the server, with all middleware.
pub fn app(state: AppState) -> Router {
    Router::new()
        .merge(pages::routes())
        .route("/health", get(health))
        .route("/graphql", any(graphql::handle))
        .fallback(|handle: Extension<RequestLogHandle>| {
            json_error(handle, Error::NotFound { what: "such path".to_owned() })
        })
        .method_not_allowed_fallback(|handle: Extension<RequestLogHandle>| {
            json_error(handle, Error::MethodNotAllowed { allow: "GET" })
        })
        .layer(middleware::from_fn_with_state(state.clone(), discard_body))
        // Converts panics to error responses. Inside the log layer, so that a panic has a log row.
        .layer(middleware::from_fn(catch_panic))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(cors(&state.cors_origins))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        // Handlers of pages may have set these two headers already.
        .layer(header_if_absent(CACHE_CONTROL, "no-store"))
        .layer(header_if_absent(CONTENT_SECURITY_POLICY, pages::PLAIN_POLICY))
        // Outermost, so that every request has a log row, whatever happens in the other layers.
        .layer(middleware::from_fn_with_state(state.log.clone(), request_log::layer))
        .with_state(state)
}

/// Says that the server runs, and warns if its epoch is old.
async fn health(State(state): State<AppState>) -> String {
    let warning = state.epoch.get().age_warning(state.services.clock.now());
    warning.map_or_else(|| "ok\n".to_owned(), |warning| format!("ok\nwarning: {warning}\n"))
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
            header("traceparent"),
            header("tracestate"),
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

/// Reads and discards the bodies of requests to all paths except `/graphql`.
async fn discard_body(State(state): State<AppState>, request: Request, next: Next) -> Response {
    if request.uri().path() == "/graphql" {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let (headers, version) = (parts.headers.clone(), parts.version);
    let mut response = next.run(Request::from_parts(parts, Body::empty())).await;
    if !request::discard(&headers, body, state.timeouts.body).await {
        response::close(&mut response, version);
    }
    response
}

/// Answers a request whose handler panicked. The layer of tower-http is not used: its handler does not see the request,
/// whose id and media type the response needs.
async fn catch_panic(Extension(handle): Extension<RequestLogHandle>, request: Request, next: Next) -> Response {
    let format = Format::negotiate(request.headers()).unwrap_or(Format::Json);
    match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(_) => response::error(&Error::Internal, format, &handle),
    }
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::overriding(name, HeaderValue::from_static(value))
}

fn header_if_absent(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}
