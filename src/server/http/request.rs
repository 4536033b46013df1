//! Parses a GraphQL request from method, headers and body. The extractor of async-graphql-axum is not used: it ignores
//! body limits, parses JSON of any depth, and responds to errors with Rust debug output. Of that crate only the
//! response type is used.

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
use graphql_limits::scan::scan_json;
use http_body_util::BodyExt as _;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{domain::error::Error, gate::persisted::DocumentSource};

/// Maximum number of bytes of a rejected body that are read and discarded.
const MAX_DISCARDED_BYTES: usize = 16 * 1024 * 1024;

/// A parsed GraphQL request.
pub struct GraphqlRequest {
    pub document: DocumentSource,
    pub operation_name: Option<String>,
    pub variables: Variables,
    /// The request as it was sent: the body, or the query string of the URL.
    pub text: Vec<u8>,
}

/// The parameters of a request, before they are converted.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    /// The SHA-256 of the document in hex, with or without the prefix `sha256:`.
    document_id: Option<String>,
    operation_name: Option<String>,
    variables: Option<Map<String, Value>>,
    extensions: Option<Map<String, Value>>,
}

impl Parameters {
    /// The document: its text, or the hash in `documentId` or in `extensions.persistedQuery`, or both.
    fn document(&mut self) -> Result<DocumentSource, Error> {
        let persisted = self.extensions.as_ref().and_then(|extensions| extensions.get("persistedQuery"));
        let persisted = persisted.filter(|persisted| !persisted.is_null());
        let mut hash = None;
        if let Some(persisted) = persisted {
            if persisted["version"] != 1 {
                return Err(Error::PersistedQueryNotSupported);
            }
            let text = persisted["sha256Hash"].as_str().ok_or_else(|| invalid(HASH))?;
            hash = Some(parse_hash(text)?);
        }
        if let Some(id) = self.document_id.take() {
            let id = parse_hash(id.strip_prefix("sha256:").unwrap_or(&id))?;
            if hash.replace(id.clone()).is_some_and(|other| other != id) {
                return Err(invalid("`documentId` and `extensions.persistedQuery` name different documents."));
            }
        }
        match (self.query.take().filter(|text| !text.is_empty() || hash.is_none()), hash) {
            (Some(text), Some(hash)) => Ok(DocumentSource::Register { text, hash }),
            (Some(text), None) => Ok(DocumentSource::Text(text)),
            (None, Some(hash)) => Ok(DocumentSource::Hash(hash)),
            (None, None) => Err(invalid("The request has no `query`, no `documentId` and no persisted query.")),
        }
    }
}

/// The message for an invalid hash.
const HASH: &str = "The hash of a document must be its SHA-256: 64 hexadecimal digits.";

fn parse_hash(text: &str) -> Result<String, Error> {
    let is_hash = text.len() == 64 && text.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hash.then(|| text.to_ascii_lowercase()).ok_or_else(|| invalid(HASH))
}

fn invalid(message: &str) -> Error {
    Error::InvalidRequest { message: message.to_owned() }
}

/// Reads a request. Its body may have at most `limit` bytes and must arrive within `timeout`.
///
/// # Errors
/// [`Error::MethodNotAllowed`] (405), [`Error::UnsupportedMediaType`] (415), [`Error::DocumentTooLarge`] (413),
/// [`Error::BodyTimeout`] (408), and for JSON that is invalid, nested too deeply or too complex
/// [`Error::InvalidRequest`], [`Error::DocumentTooDeep`] or [`Error::DocumentTooComplex`] (400).
pub async fn read(
    parts: &Parts,
    body: &mut Option<Body>,
    limit: usize,
    timeout: Duration,
) -> Result<GraphqlRequest, Error> {
    let (mut parameters, text) = match parts.method {
        Method::GET => {
            let query = parts.uri.query().unwrap_or_default();
            (from_query(query)?, query.as_bytes().to_vec())
        }
        Method::POST => from_body(&parts.headers, body, limit, timeout).await?,
        _ => return Err(Error::MethodNotAllowed { allow: "GET, POST" }),
    };
    Ok(GraphqlRequest {
        document: parameters.document()?,
        // Some tools send an empty name instead of omitting it.
        operation_name: parameters.operation_name.filter(|name| !name.is_empty()),
        variables: Variables::from_json(Value::Object(parameters.variables.unwrap_or_default())),
        text,
    })
}

fn from_query(query: &str) -> Result<Parameters, Error> {
    let (mut document, mut document_id, mut operation_name, mut variables, mut extensions) =
        (None, None, None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let slot = match name.as_ref() {
            "query" => &mut document,
            "documentId" => &mut document_id,
            "operationName" => &mut operation_name,
            "variables" => &mut variables,
            "extensions" => &mut extensions,
            _ => continue,
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(invalid("A URL parameter is given more than once."));
        }
    }
    Ok(Parameters {
        query: document,
        document_id,
        operation_name,
        variables: object(variables, "variables")?,
        extensions: object(extensions, "extensions")?,
    })
}

fn object(text: Option<String>, name: &str) -> Result<Option<Map<String, Value>>, Error> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    scan_json(text.as_bytes())?;
    serde_json::from_str(&text).map_err(|_| invalid(&format!("The parameter `{name}` must be a JSON object.")))
}

async fn from_body(
    headers: &HeaderMap,
    body: &mut Option<Body>,
    limit: usize,
    timeout: Duration,
) -> Result<(Parameters, Vec<u8>), Error> {
    let mut content_types = headers.get_all(CONTENT_TYPE).iter();
    let content_type = content_types.next().filter(|_| content_types.next().is_none());
    if !content_type.and_then(|value| value.to_str().ok()).is_some_and(is_utf8_json) {
        // Browsers send forms and plain text to other origins without a preflight request.
        return Err(Error::UnsupportedMediaType { message: "The content type must be application/json in UTF-8." });
    }
    if headers.get_all(CONTENT_ENCODING).iter().any(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Error::UnsupportedMediaType { message: "The request body must not be compressed." });
    }
    let too_large = || Error::DocumentTooLarge { limit_bytes: limit };
    let declared = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > limit) {
        return Err(too_large());
    }
    let Ok(collected) = tokio::time::timeout(timeout, collect(body, limit)).await else {
        *body = None;
        return Err(Error::BodyTimeout);
    };
    let body = collected?.ok_or_else(too_large)?;
    scan_json(&body)?;
    // A JSON array would be read as the values of the fields, in their order.
    let object = body.trim_ascii_start().starts_with(b"{").then_some(&body);
    let parameters = object.and_then(|object| serde_json::from_slice(object).ok()).ok_or_else(|| {
        invalid(
            "The body must be one JSON object in UTF-8 with the texts \"query\", \"documentId\" and \"operationName\", \
             and the objects \"variables\" and \"extensions\", each at most once; others are ignored.",
        )
    })?;
    Ok((parameters, body))
}

/// Reads a body of at most `limit` bytes. Returns `None` if it is longer; the rest of it is not read.
async fn collect(body: &mut Option<Body>, limit: usize) -> Result<Option<Vec<u8>>, Error> {
    let mut collected = Vec::new();
    let Some(rest) = body else { return Ok(Some(collected)) };
    while let Some(frame) = rest.frame().await {
        let frame = frame.map_err(|_| invalid("The request body is incomplete."))?;
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

/// Reads and discards a body that is not needed, so that the client receives its response (for example a 429) instead
/// of a connection reset, and can reuse the connection. Stops after `MAX_DISCARDED_BYTES` bytes or after `timeout`.
/// Returns whether the body was read to its end.
pub async fn discard(headers: &HeaderMap, mut body: Body, timeout: Duration) -> bool {
    if headers.contains_key(EXPECT) {
        // The client sends the body only after `100 Continue`.
        return false;
    }
    let mut bytes = 0;
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            bytes += frame.data_ref().map_or(0, axum::body::Bytes::len);
            if bytes > MAX_DISCARDED_BYTES {
                return false;
            }
        }
        true
    };
    tokio::time::timeout(timeout, read).await.unwrap_or(false)
}

fn is_utf8_json(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(|part| part.trim().to_ascii_lowercase());
    parts.next().as_deref() == Some("application/json")
        && parts.all(|part| {
            let charset = part.strip_prefix("charset=").map(|charset| charset.trim_matches('"'));
            charset.is_none_or(|charset| charset == "utf-8" || charset == "utf8")
        })
}
