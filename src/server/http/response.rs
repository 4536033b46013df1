//! Builds responses from data and errors. Every error has a code; the number of errors and the length of their messages
//! are limited.

use async_graphql::{ErrorExtensionValues, ServerError, Value};
use async_graphql_axum::GraphQLResponse;
use axum::{
    body::Body,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode, Version,
        header::{ALLOW, CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::negotiation::Format;
use crate::{
    domain::{error::Error, key::Limits},
    gate::quota::{Budget, Remaining},
    server::request_log::RequestLogHandle,
};

/// Maximum number of errors in one response.
const MAX_ERRORS: usize = 20;
/// Maximum length of an error message, in characters.
const MAX_MESSAGE_CHARS: usize = 500;

/// Response to a document that was executed: `data`, `errors` and `extensions.cost`. If there are more errors than
/// `MAX_ERRORS`, `extensions.errorsLeftOut` is the number of omitted ones.
pub fn data(
    data: Value,
    mut errors: Vec<ServerError>,
    extensions: Vec<(&str, Value)>,
    format: Format,
    handle: &RequestLogHandle,
) -> Response {
    // async-graphql lists errors in the order in which they occurred.
    errors.sort_by_key(|error| error.locations.first().map(|position| (position.line, position.column)));
    let left_out = errors.len().saturating_sub(MAX_ERRORS);
    errors.truncate(MAX_ERRORS);
    // Errors of this server always have a code. One of async-graphql without a code is about the value of an argument.
    complete(&mut errors, "BAD_USER_INPUT", handle);
    let mut response = async_graphql::Response::new(data);
    response.errors = errors;
    response.extensions.extend(extensions.into_iter().map(|(name, value)| (name.to_owned(), value)));
    if left_out > 0 {
        response.extensions.insert("errorsLeftOut".to_owned(), left_out.into());
    }
    let mut response = GraphQLResponse::from(response).into_response();
    response.headers_mut().insert(CONTENT_TYPE, format.content_type());
    response
}

/// Response to a request that was rejected as a whole: `errors` without `data`.
pub fn error(error: &Error, format: Format, handle: &RequestLogHandle) -> Response {
    let mut errors = match error {
        Error::InvalidDocument(errors) => errors.iter().take(MAX_ERRORS).cloned().collect(),
        error => {
            let mut extensions = ErrorExtensionValues::default();
            error.details(&mut extensions);
            let mut server_error = ServerError::new(error.message(), None);
            server_error.extensions = Some(extensions);
            vec![server_error]
        }
    };
    complete(&mut errors, error.code(), handle);
    let is_legacy = format == Format::Json && error.is_ok_in_json();
    let status = if is_legacy { StatusCode::OK } else { error.status() };
    // No `data`: nothing was executed.
    let mut response = write(status, format, &json!({ "errors": errors }));
    let headers = response.headers_mut();
    if let Some(seconds) = error.retry_after_s() {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if error.status() == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Error::MethodNotAllowed { allow } = error {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    response
}

/// Sets the code, the request id and the link to the documentation of every error, truncates long messages, and records
/// the first code in the log entry.
fn complete(errors: &mut [ServerError], default_code: &str, handle: &RequestLogHandle) {
    let request_id = handle.request_id();
    let mut first = None;
    for error in errors {
        if let Some((end, _)) = error.message.char_indices().nth(MAX_MESSAGE_CHARS) {
            error.message.truncate(end);
        }
        let extensions = error.extensions.get_or_insert_default();
        let code = match extensions.get("code") {
            Some(Value::String(code)) => code.clone(),
            _ => default_code.to_owned(),
        };
        extensions.set("code", code.as_str());
        extensions.set("requestId", request_id.as_str());
        extensions.set("docs", format!("/docs/errors.md#{}", code.to_lowercase()));
        first.get_or_insert(code);
    }
    if first.is_some() {
        handle.update(|entry| entry.error_code = first);
    }
}

fn write(status: StatusCode, format: Format, body: &impl serde::Serialize) -> Response {
    // Serialization cannot fail: a body consists of strings, numbers and lists of them.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, format.content_type());
    response
}

/// Sets `Connection: close` (HTTP/1 only), for a request whose body was not read to its end: the connection cannot be
/// reused.
pub fn close(response: &mut Response, version: Version) {
    if version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit");

/// Sets `RateLimit-Policy` (the limits) and `RateLimit` (what is left of them), in the format of the IETF draft.
pub fn rate_limit_headers(headers: &mut HeaderMap, limits: &Limits, remaining: &Remaining) {
    let Limits { per_minute, per_day, points_per_minute, .. } = limits;
    let policy =
        format!("\"minute\";q={per_minute};w=60, \"day\";q={per_day};w=86400, \"points\";q={points_per_minute};w=60");
    let item = |name, budget: Budget| format!("\"{name}\";r={};t={}", budget.left, budget.full_in_s);
    let left =
        [item("minute", remaining.minute), item("day", remaining.day), item("points", remaining.points)].join(", ");
    for (name, value) in [(POLICY, policy), (REMAINING, left)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
}
