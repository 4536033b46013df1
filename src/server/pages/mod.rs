//! The pages embedded in the binary: the explorer and the portrait, built from `web/` by `build.rs`, and the documents
//! of `docs/`.

pub mod assets;
pub mod documents;
pub mod routes;

/// The style sheet of every page; the explorer and the portrait add their own.
pub const STYLE: &str = include_str!("style.css");

/// Renders a complete HTML page around `main`. The arguments are inserted without escaping: the caller escapes any text
/// that is not part of the program.
fn page(title: &str, current: &str, main: &str) -> String {
    page_with(title, current, "", &format!("<main class=\"text\">\n{main}\n</main>"))
}

/// The same, with additional elements of the head and a whole body below the page header.
fn page_with(title: &str, current: &str, head: &str, body: &str) -> String {
    let links = [("/", "Explorer"), ("/portrait", "Portrait"), ("/docs", "Docs")].map(|(path, name)| {
        let here = if name == current { " aria-current=\"page\"" } else { "" };
        format!("<a href=\"{path}\"{here}>{name}</a>")
    });
    format!(
        "<!doctype html>
<html lang=\"en\">
<head>
<meta charset=\"utf-8\">
<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\">
<title>{title} · spots-enrichment</title>
<link rel=\"icon\" href=\"data:,\">
<link rel=\"stylesheet\" href=\"/style.css\">{head}
</head>
<body>
<header class=\"site\"><a class=\"site-name\" href=\"/\">spots-enrichment</a><nav aria-label=\"Pages\">{}</nav></header>
{body}
</body>
</html>
",
        links.concat()
    )
}

/// Escapes text for HTML content and double-quoted attributes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
