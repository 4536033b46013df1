//! Routes for browsers: the explorer, the portrait, the documentation.

use axum::{
    Extension, Router,
    extract::{Path, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue,
        header::{
            ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY,
        },
    },
    response::{Html, IntoResponse as _, Redirect, Response},
    routing::get,
};

use super::{
    STYLE,
    assets::{self, Asset},
    documents::{self, Document},
};
use crate::{
    domain::error::Error,
    server::{http::json_error, request_log::RequestLogHandle, state::AppState},
};

/// Content security policy of pages without scripts, and of API responses in case a browser displays one.
pub const PLAIN_POLICY: &str =
    "default-src 'none'; style-src 'self'; img-src data:; form-action 'none'; frame-ancestors 'none'; base-uri 'none'";
/// Content security policy of the explorer and the portrait: only scripts of this server and requests to it. Inline
/// styles are allowed because the editor creates style elements at run time.
const SCRIPT_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; form-action 'none'; \
     frame-ancestors 'none'; base-uri 'none'";
/// Assets may be cached for a year: the name of an asset changes with its content.
const CACHE_FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

pub fn routes() -> Router<AppState> {
    Router::new()
        .route(
            "/",
            get(|headers: HeaderMap, handle: Extension<RequestLogHandle>| {
                built_page("Explorer", "index.html", headers, handle)
            }),
        )
        .route(
            "/portrait",
            get(|headers: HeaderMap, handle: Extension<RequestLogHandle>| {
                built_page("Portrait", "portrait.html", headers, handle)
            }),
        )
        .route("/assets/{name}", get(asset))
        .route("/style.css", get(|| async { ([(CONTENT_TYPE, "text/css; charset=utf-8")], STYLE) }))
        .route("/docs", get(|| async { with_script(Html(documents::index_page()).into_response()) }))
        .route("/docs/", get(|| async { Redirect::permanent("/docs") }))
        .route("/docs/{name}", get(document))
        .route("/schema.graphql", get(|| async { plain(documents::SCHEMA) }))
}

/// Serves a page that `build.rs` embedded, or instructions for building it if it is missing.
async fn built_page(
    name: &'static str,
    file: &'static str,
    headers: HeaderMap,
    handle: Extension<RequestLogHandle>,
) -> Response {
    if let Some(why) = assets::missing() {
        return Html(assets::how_to_build(name, why)).into_response();
    }
    let mut response = send(file, &headers, handle).await;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
    response
}

async fn asset(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    handle: Extension<RequestLogHandle>,
) -> Response {
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    let mut response = send(&format!("assets/{name}"), &headers, handle).await;
    if response.status().is_success() {
        // A web worker is subject to the policy of its own response, not to that of the page that started it.
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
        response.headers_mut().insert(CACHE_CONTROL, CACHE_FOR_A_YEAR);
    }
    response
}

async fn send(path: &str, headers: &HeaderMap, handle: Extension<RequestLogHandle>) -> Response {
    let Some(asset) = Asset::find(path) else {
        return json_error(handle, Error::NotFound { what: "such file".to_owned() }).await;
    };
    let headers_of = |response: Response| {
        ([(CONTENT_TYPE, asset.media_type()), (VARY, "accept-encoding")], response).into_response()
    };
    if accepts_gzip(headers) {
        return headers_of(([(CONTENT_ENCODING, "gzip")], asset.gzip).into_response());
    }
    match asset.plain() {
        Ok(content) => headers_of(content.into_response()),
        Err(error) => {
            tracing::error!(%error, path, "cannot decompress an embedded file");
            json_error(handle, Error::Internal).await
        }
    }
}

/// Whether `Accept-Encoding` allows gzip: according to the weight of `gzip`, otherwise to that of `*`.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let (mut gzip, mut any) = (None, None);
    for coding in accepted.flat_map(|value| value.split(',')) {
        let mut parts = coding.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        let permitted = weight.is_none_or(|q| q.parse().is_ok_and(|q: f32| q > 0.0));
        match name {
            name if name.eq_ignore_ascii_case("gzip") => gzip = Some(permitted),
            "*" => any = Some(permitted),
            _ => {}
        }
    }
    gzip.or(any).unwrap_or(false)
}

/// Serves a document: as HTML if `Accept` contains `text/html`, otherwise as Markdown.
async fn document(
    name: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    handle: Extension<RequestLogHandle>,
) -> Response {
    let name = name.map_or_else(|_| String::new(), |Path(name)| name);
    if name == "schema.graphql" {
        return plain(documents::SCHEMA);
    }
    let Some(document) = Document::find(&name) else {
        return json_error(handle, Error::NotFound { what: "such document".to_owned() }).await;
    };
    let browser =
        headers.get(ACCEPT).and_then(|value| value.to_str().ok()).is_some_and(|value| value.contains("text/html"));
    let response = if browser { with_script(Html(document.page()).into_response()) } else { plain(document.markdown) };
    ([(VARY, "accept")], response).into_response()
}

/// Allows the script of the documents, if there is one.
fn with_script(mut response: Response) -> Response {
    if Asset::script_of_documents().is_some() {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(SCRIPT_POLICY));
    }
    response
}

fn plain(text: &'static str) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_sent_if_it_is_accepted() {
        let accepts = |value: &'static str| {
            accepts_gzip(&HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]))
        };
        for value in ["gzip", "br, GZIP;q=0.1", "*", "gzip;q=1.0, *;q=0", "deflate,gzip"] {
            assert!(accepts(value), "{value}");
        }
        for value in
            ["", "br", "gzip;q=0", "gzip; q=0.000", "gzip;Q=0", "gzip;q=0, *", "gzip;q=0;x=1", "*;q=0", "gzip;q=x"]
        {
            assert!(!accepts(value), "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }
}
