//! Pages, documents and their content security policies.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use spots_enrichment::{
    cli,
    domain::error,
    gate::prices,
    server::pages::{
        assets,
        documents::{self, Document},
    },
};

use crate::app::{On, TestApp, left_out};

fn get(path: &str) -> axum::http::request::Builder {
    Request::get(path)
}

#[tokio::test]
async fn the_pages_are_served_under_their_policies_whether_or_not_they_were_built_in() {
    let app = TestApp::new(On::Sqlite).await;
    for path in ["/", "/portrait"] {
        let page = app.send(get(path).body(Body::empty()).unwrap()).await;
        assert_eq!(
            (page.status, &page.headers["content-type"]),
            (StatusCode::OK, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert_eq!(page.headers["cache-control"], "no-store");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.starts_with("default-src 'none'; ") && !policy.contains("unsafe-eval"), "{policy}");
        assert!(!policy.contains("http") && !policy.contains("blob:") && !policy.contains('*'), "{policy}");
        let Some(why) = assets::missing() else { continue };
        assert!(page.text.contains("cargo build --release") && !why.is_empty(), "{}", page.text);
    }
    for wrong in ["/assets/nothing.js", "/assets/..%2Findex.html", "/assets/%ff", "/assets/", "/index.html"] {
        assert_eq!(app.send(get(wrong).body(Body::empty()).unwrap()).await.status, StatusCode::NOT_FOUND, "{wrong}");
    }
}

#[tokio::test]
async fn a_built_page_names_files_that_are_served_compressed_or_not() {
    if let Some(why) = assets::missing() {
        return left_out(&format!("the built pages: {why}"));
    }
    let app = TestApp::new(On::Sqlite).await;
    for page in ["/", "/portrait"] {
        let page = app.send(get(page).body(Body::empty()).unwrap()).await;
        let scripts: Vec<_> = page.text.split('"').filter(|part| part.starts_with("/assets/")).collect();
        assert!(!scripts.is_empty(), "{}", page.text);
        for path in scripts {
            let plain = app.send(get(path).body(Body::empty()).unwrap()).await;
            assert_eq!((plain.status, plain.headers.get("content-encoding")), (StatusCode::OK, None));
            assert_eq!(plain.headers["cache-control"], "public, max-age=31536000, immutable");
            let small = get(path).header("accept-encoding", "br;q=0.9, gzip").body(Body::empty()).unwrap();
            let (headers, bytes) = app.bytes(small).await;
            assert_eq!(
                (&headers["content-encoding"], &headers["vary"]),
                (&"gzip".parse().unwrap(), &"accept-encoding".parse().unwrap())
            );
            assert!(bytes.len() < plain.text.len());
            let not = get(path).header("accept-encoding", "gzip;q=0").body(Body::empty()).unwrap();
            assert_eq!(app.bytes(not).await.1.len(), plain.text.len());
        }
    }
}

#[tokio::test]
async fn every_document_is_a_page_for_browsers_and_markdown_for_other_clients() {
    let app = TestApp::new(On::Sqlite).await;
    let browser = |path: &str| app.send(get(path).header("accept", "text/html,*/*;q=0.8").body(Body::empty()).unwrap());
    let index = browser("/docs").await;
    let mut anchors = BTreeMap::new();
    let mut links = Vec::new();
    for document in documents::ALL {
        let path = format!("/docs/{}.md", document.name);
        assert!(index.text.contains(&format!("href=\"{path}\"")), "the list does not link to {path}");
        let plain = app.send(get(&path).body(Body::empty()).unwrap()).await;
        assert_eq!((plain.status, plain.text.as_str()), (StatusCode::OK, document.markdown));
        assert!(plain.text.len() > 500, "{path} is almost empty");
        let page = browser(&path).await;
        assert_eq!(
            (&page.headers["content-type"], &page.headers["vary"]),
            (&"text/html; charset=utf-8".parse().unwrap(), &"accept".parse().unwrap())
        );
        assert_eq!(page.text, browser(path.trim_end_matches(".md")).await.text);
        let after =
            |mark: &'static str| page.text.split(mark).skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
        anchors.insert(path.clone(), after(" id=\"").collect::<Vec<_>>());
        links.extend(after(" href=\"").map(|link| (path.clone(), link)));
    }
    assert!(links.len() > 100, "{}", links.len());
    // The target of each link is served, and its section exists.
    for (from, link) in links {
        let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
        let path = match path {
            "" => from.clone(),
            "data:," => continue,
            path if path.starts_with('/') => path.to_owned(),
            path => format!("/docs/{path}"),
        };
        assert_eq!(browser(&path).await.status, StatusCode::OK, "{from} links to {link}");
        let found =
            anchor.is_empty() || anchors.get(&path).is_some_and(|anchors| anchors.iter().any(|id| id == anchor));
        assert!(found, "{from} links to {link}, but that section does not exist");
    }
    assert_eq!(browser("/docs/secret.md").await.status, StatusCode::NOT_FOUND);
    assert_eq!(browser("/docs/").await.headers["location"], "/docs");
    for path in ["/schema.graphql", "/docs/schema.graphql"] {
        assert_eq!(browser(path).await.text, documents::SCHEMA);
    }
}

#[test]
fn the_documents_show_the_tables_that_the_code_generates() {
    for (document, name, table) in [
        ("limits", "prices", prices::table()),
        ("errors", "codes", error::table()),
        ("operator", "settings", cli::settings_table()),
    ] {
        let text = Document::find(document).unwrap().markdown;
        let (_, rest) = text.split_once(&format!("<!-- {name}: begin -->\n")).unwrap();
        let (shown, _) = rest.split_once(&format!("\n<!-- {name}: end -->")).unwrap();
        assert_eq!(shown.trim(), table, "docs/{document}.md does not show its table: `just tables` writes it");
    }
}
