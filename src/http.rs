//! Routes, the layer stack, and the way of a GraphQL request through the steps.

use std::sync::{Arc, atomic::Ordering};

use async_graphql::ErrorExtensionValues;
use async_graphql_axum::GraphQLResponse;
use axum::{
    Extension, Json, Router,
    body::{Body, to_bytes},
    extract::{Path, Request, State as AxumState},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
    },
    middleware,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
};
use serde_json::json;
use sha2::{Digest, Sha256};
use tower_http::catch_panic::CatchPanicLayer;

use crate::{
    auth::{self, ApiKey},
    error::Error,
    log::{self, Open},
    page,
    session::Session,
    state::State,
};

/// The largest body of a request, in bytes.
pub const BODY_LIMIT: usize = 256 * 1024;

/// The whole server as a service.
pub fn app(state: State) -> Router {
    Router::new()
        .route("/", get(|| async { Html(page::INDEX) }))
        .route("/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], page::STYLE) }))
        .route("/docs/{name}", get(docs))
        .route("/health", get(|| async { "ok\n" }))
        .route("/graphql", post(graphql).fallback(|open| refuse(open, Error::MethodNotAllowed)))
        .fallback(|open| refuse(open, Error::NotFound { what: "such path".to_owned() }))
        // A panic is an answer too; inside the log, so that it has a row.
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| panicked()))
        .layer(middleware::map_response(security_headers))
        // Outermost: whatever happens inside, there is a row.
        .layer(middleware::from_fn_with_state(state.clone(), log::layer))
        .with_state(state)
}

async fn graphql(AxumState(state): AxumState<State>, Extension(open): Extension<Open>, request: Request) -> Response {
    match answer(state, &open, request).await {
        Ok(response) => response,
        Err(error) => refuse(Extension(open), error).await,
    }
}

/// One request through the steps; each takes what the last one returned.
async fn answer(state: State, open: &Open, request: Request) -> Result<Response, Error> {
    let (parts, body) = request.into_parts();
    let anonymous = ApiKey::from_headers(&parts.headers).is_none();
    if anonymous && state.public_introspection {
        let request = read(&parts.headers, body, open).await?;
        // Without a session every field but the schema's own answers that a key is missing.
        let response = state.schema.execute(request).await;
        let needs_key = Some(async_graphql::Value::from(Error::AuthenticationFailed.code()));
        let refused = |error: &async_graphql::ServerError| {
            error.extensions.as_ref().and_then(|extensions| extensions.get("code").cloned()) == needs_key
        };
        if response.errors.iter().any(refused) {
            return Err(Error::AuthenticationFailed);
        }
        return Ok(respond(response, open));
    }
    let caller = auth::authenticate(&state.db, &parts.headers, state.clock.now()).await?;
    open.note(|entry| {
        entry.key_id = Some(caller.key_id.clone());
        entry.partner_id = Some(caller.partner_id.clone());
    });
    let left = state.quotas.admit(&caller, state.clock.now_ms())?;
    let request = read(&parts.headers, body, open).await?;

    let session = Session::open(state.clone(), caller, left);
    let (batches, paid_mu) = (Arc::clone(&session.batches), Arc::clone(&session.paid_mu));
    let response = batches.drive(state.schema.execute(request.data(session))).await;
    open.note(|entry| entry.units_mu = paid_mu.load(Ordering::Relaxed));
    Ok(respond(response, open))
}

/// Reads the body, counted, as one GraphQL request.
async fn read(headers: &axum::http::HeaderMap, body: Body, open: &Open) -> Result<async_graphql::Request, Error> {
    let invalid = |message: &str| Error::InvalidRequest { message: message.to_owned() };
    let json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(|value| {
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
    });
    if !json {
        return Err(invalid("The content type must be application/json."));
    }
    let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| Error::DocumentTooLarge { limit_bytes: BODY_LIMIT })?;
    let request: async_graphql::Request = serde_json::from_slice(&body)
        .map_err(|_| invalid("The body must be one JSON object: {\"query\": \"...\", \"variables\": {...}}."))?;
    open.note(|entry| {
        entry.operation_name = request.operation_name.as_ref().map(|name| {
            // A name is letters; anything else was not meant, and PostgreSQL refuses NUL.
            name.chars().filter(|letter| !letter.is_control()).take(100).collect()
        });
        entry.document_hash = Some(hex::encode(Sha256::digest(&request.query)));
    });
    Ok(request)
}

/// Gives every error its code, the request's id and the link to the docs.
fn respond(mut response: async_graphql::Response, open: &Open) -> Response {
    let mut status = StatusCode::OK;
    let mut first = None;
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        let code = match extensions.get("code") {
            Some(async_graphql::Value::String(code)) => code.clone(),
            // Ours always have one: without a path it is the parser or the validation, with one an argument's value.
            _ if error.path.is_empty() => {
                status = StatusCode::BAD_REQUEST;
                "INVALID_REQUEST".to_owned()
            }
            _ => "BAD_USER_INPUT".to_owned(),
        };
        complete(extensions, &code, open);
        first.get_or_insert(code);
    }
    open.note(|entry| entry.error_code = first);
    let mut response = GraphQLResponse::from(response).into_response();
    *response.status_mut() = status;
    response
}

fn complete(extensions: &mut ErrorExtensionValues, code: &str, open: &Open) {
    extensions.set("code", code);
    extensions.set("requestId", open.request_id());
    extensions.set("docs", format!("/docs/errors.md#{}", code.to_lowercase()));
}

/// A response that is nothing but one error.
async fn refuse(Extension(open): Extension<Open>, error: Error) -> Response {
    open.note(|entry| entry.error_code = Some(error.code().to_owned()));
    let mut extensions = ErrorExtensionValues::default();
    error.details(&mut extensions);
    complete(&mut extensions, error.code(), &open);
    let body = json!({"errors": [{"message": error.message(), "extensions": extensions}]});
    let mut response = (error.status(), Json(body)).into_response();
    let headers = response.headers_mut();
    if let Error::RateLimitExceeded { retry_after_s, .. } = error {
        headers.insert(RETRY_AFTER, HeaderValue::from(retry_after_s));
    }
    if error.status() == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(RETRY_AFTER, HeaderValue::from(1));
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
    }
    response
}

fn panicked() -> Response {
    let body = json!({"errors": [{
        "message": Error::Internal.message(),
        "extensions": {"code": Error::Internal.code(), "docs": "/docs/errors.md#internal_error"},
    }]});
    (StatusCode::INTERNAL_SERVER_ERROR, Json(body)).into_response()
}

async fn security_headers(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
        ),
    );
    headers.insert(HeaderName::from_static("referrer-policy"), HeaderValue::from_static("no-referrer"));
    response
}

async fn docs(Path(name): Path<String>, open: Extension<Open>) -> Response {
    match page::DOCS.iter().find(|(file, _)| *file == name) {
        Some((_, text)) => ([(CONTENT_TYPE, "text/plain; charset=utf-8")], *text).into_response(),
        None => refuse(open, Error::NotFound { what: "such document".to_owned() }).await,
    }
}
