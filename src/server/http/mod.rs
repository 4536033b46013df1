//! GraphQL over HTTP: media types, requests, responses, and the endpoint.

use axum::{Extension, response::Response};

use super::request_log::RequestLogHandle;
use crate::domain::error::Error;

pub(in crate::server) mod graphql;
mod negotiation;
pub(in crate::server) mod request;
pub(in crate::server) mod response;

pub(in crate::server) use negotiation::Format;

/// Responds with an error in JSON.
pub(in crate::server) async fn json_error(Extension(handle): Extension<RequestLogHandle>, error: Error) -> Response {
    response::error(&error, Format::Json, &handle)
}
