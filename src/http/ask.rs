//! Method, headers and body -> one GraphQL request. The library's own extractor ignores body limits and answers with
//! Rust's debug text.

use std::time::Duration;

use async_graphql::Variables;
use axum::{
    body::Body,
    http::{
        HeaderMap, Method,
        header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
        request::Parts,
    },
};
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    document::{self, guard},
    error::Error,
};

/// The largest body of a request, in bytes: as large as a document may be.
pub const BODY_LIMIT: usize = document::LARGEST;
/// The largest body of a key that may send products: 500 of them, well described, need more than a question does.
pub const CATALOG_BODY_LIMIT: usize = 2 * 1024 * 1024;
/// Bytes of a refused body that are read to be thrown away.
const DISCARDED: usize = 16 * 1024 * 1024;

/// What is asked.
pub struct Asked {
    pub document: String,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The text that says all of it: the body, or the query of the URL.
    pub text: Vec<u8>,
}

/// The parameters as they are sent.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: String,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    #[serde(rename = "extensions")]
    _extensions: Option<Map<String, Value>>,
}

fn invalid(message: &str) -> Error {
    Error::InvalidRequest { message: message.to_owned() }
}

/// Reads a request whose body holds at most `limit` bytes.
///
/// # Errors
/// What is wrong with it: 400, 405, 408, 413 or 415.
pub async fn read(parts: &Parts, body: &mut Option<Body>, limit: usize, patience: Duration) -> Result<Asked, Error> {
    let (parameters, text) = match parts.method {
        Method::GET => {
            let query = parts.uri.query().unwrap_or_default();
            (from_query(query)?, query.as_bytes().to_vec())
        }
        Method::POST => from_body(&parts.headers, body, limit, patience).await?,
        _ => return Err(Error::MethodNotAllowed { allow: "GET, POST" }),
    };
    Ok(Asked {
        document: parameters.query,
        // An empty name is how some tools say that there is none.
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: Variables::from_json(Value::Object(parameters.variables.unwrap_or_default())),
        text,
    })
}

fn from_query(query: &str) -> Result<Parameters, Error> {
    let (mut document, mut operation_name, mut variables, mut extensions) = (None, None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let place = match name.as_ref() {
            "query" => &mut document,
            "operationName" => &mut operation_name,
            "variables" => &mut variables,
            "extensions" => &mut extensions,
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(invalid("A parameter of the URL stands twice."));
        }
    }
    Ok(Parameters {
        query: document.ok_or_else(|| invalid("The URL lacks the parameter `query`."))?,
        operation_name,
        variables: object(variables, "variables")?,
        _extensions: object(extensions, "extensions")?,
    })
}

fn object(text: Option<String>, name: &str) -> Result<Option<Map<String, Value>>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    guard::scan_json(text.as_bytes())?;
    serde_json::from_str(&text).map_err(|_| invalid(&format!("The parameter `{name}` must be a JSON object.")))
}

async fn from_body(
    headers: &HeaderMap,
    body: &mut Option<Body>,
    limit: usize,
    patience: Duration,
) -> Result<(Parameters, Vec<u8>), Error> {
    let plain_json = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).is_some_and(is_plain_json);
    if !plain_json {
        // A form or plain text is what another site's page could send without asking.
        return Err(Error::UnsupportedMediaType { message: "The content type must be application/json, in UTF-8." });
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::UnsupportedMediaType { message: "A compressed body is not read: send it as it is." });
    }
    let too_large = || Error::DocumentTooLarge { limit_bytes: limit };
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let Ok(collected) = tokio::time::timeout(patience, collect(body, limit)).await else {
        *body = None;
        return Err(Error::BodyTimeout);
    };
    let body = collected?.ok_or_else(too_large)?;
    guard::scan_json(&body)?;
    let parameters = serde_json::from_slice(&body).map_err(|_| {
        invalid(
            "The body must be one JSON object: {\"query\": \"...\", \"variables\": {...}, \"operationName\": \"...\"}.",
        )
    })?;
    Ok((parameters, body))
}

/// A body of at most `limit` bytes; `None` if there is more, and the rest is left where it is.
async fn collect(body: &mut Option<Body>, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut collected = Vec::new();
    let Some(rest) = body else { return Ok(Some(collected)) };
    while let Some(frame) = rest.frame().await {
        let frame = frame.map_err(|_| invalid("The body broke off."))?;
        if let Some(data) = frame.data_ref() {
            collected.extend_from_slice(data);
        }
        if collected.len() > limit {
            return Ok(None);
        }
    }
    *body = None;
    Ok(Some(collected))
}

/// Reads a body that nobody wants, so that the client reads its answer and can use the connection again: one that is
/// told to wait must not find it reset. Says whether there was an end to it.
pub async fn discard(headers: &HeaderMap, mut body: Body, patience: Duration) -> bool {
    if headers.contains_key(EXPECT) {
        // The client waits to be told to send it.
        return false;
    }
    let mut bytes = 0;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, axum::body::Bytes::len);
            if bytes > DISCARDED {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(patience, read).await.unwrap_or(false)
}

fn is_plain_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|part| !part.starts_with("charset=") || part.trim_matches('"').ends_with("utf-8"))
}
