//! What people look at: the explorer, the portrait, the documents.

use axum::{
    Extension, Router,
    extract::{Path, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue,
        header::{
            ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
        },
    },
    response::{Html, IntoResponse as _, Response},
    routing::get,
};

use super::refuse;
use crate::{
    error::Error,
    log::Open,
    page::{
        STYLE,
        assets::{self, Asset},
        documents::{self, Document},
    },
    state::State,
};

/// What a page without scripts may do, and what an answer of the API may, should a browser show it.
pub const PLAIN_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// What the explorer and the portrait may do: their own scripts, asking this server, and nothing else. The editor makes
/// style elements as it runs, which is why inline styles are allowed.
const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     font-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// The name of an asset changes with its content.
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub fn routes() -> Router<State> {
    Router::new()
        .route("/", get(|headers: HeaderMap, open: Extension<Open>| built("Explorer", "index.html", headers, open)))
        .route(
            "/portrait",
            get(|headers: HeaderMap, open: Extension<Open>| built("Portrait", "portrait.html", headers, open)),
        )
        .route("/assets/{name}", get(asset))
        .route("/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .route("/docs", get(|| async { Html(documents::index_page()) }))
        .route("/docs/{name}", get(document))
        .route("/schema.graphql", get(|| async { plain(documents::SCHEMA) }))
}

/// A page that `build.rs` made, or what to do if it did not.
async fn built(name: &'static str, file: &'static str, headers: HeaderMap, open: Extension<Open>) -> Response {
    if let Some(why) = assets::missing() {
        return Html(assets::how_to_build(name, why)).into_response();
    }
    let mut response = send(file, &headers, open).await;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
    response
}

async fn asset(name: Result<Path<String>, PathRejection>, headers: HeaderMap, open: Extension<Open>) -> Response {
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let mut response = send(&format!("assets/{name}"), &headers, open).await;
    if response.status().is_success() {
        // A worker is under the policy of its own answer, not of the page that started it.
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
        response.headers_mut().insert(CACHE_CONTROL, FOR_A_YEAR);
    }
    response
}

async fn send(path: &str, headers: &HeaderMap, open: Extension<Open>) -> Response {
    let Some(asset) = Asset::find(path) else {
        return refuse(open, Error::NotFound { what: "such file".to_owned() }).await;
    };
    let headers_of = |response: Response| {
        ([(CONTENT_TYPE, asset.media_type()), (VARY, "accept-encoding")], response).into_response()
    };
    if takes_gzip(headers) {
        return headers_of(([(CONTENT_ENCODING, "gzip")], asset.gzip).into_response());
    }
    match asset.plain() {
        Ok(content) => headers_of(content.into_response()),
        Err(error) => {
            tracing::error!(%error, path, "a built file cannot be read");
            refuse(open, Error::Internal).await
        }
    }
}

/// Whether `Accept-Encoding` names gzip, and not to refuse it.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|q| q.parse().ok()).is_some_and(|q: f32| q <= 0.0);
        matches!(name.trim(), "gzip" | "*") && !refused
    })
}

/// A document: a page for browsers, its Markdown for everybody else.
async fn document(name: Result<Path<String>, PathRejection>, headers: HeaderMap, open: Extension<Open>) -> Response {
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    if name == "schema.graphql" {
        return plain(documents::SCHEMA);
    }
    let Some(document) = Document::find(&name) else {
        return refuse(open, Error::NotFound { what: "such document".to_owned() }).await;
    };
    let browser =
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    let response = if browser { Html(document.page()).into_response() } else { plain(document.markdown) };
    ([(VARY, "accept")], response).into_response()
}

fn plain(text: &'static str) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}
