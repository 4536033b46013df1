//! The pages that the binary carries: the explorer and the portrait (made from `web/` by `build.rs`), and the documents.

pub mod assets;
pub mod documents;

/// How every page looks; the explorer and the portrait add their own.
pub const STYLE: &str = include_str!("style.css");

/// A whole page around `main`. Everything that goes in is the program's own text, or escaped by the caller.
fn page(title: &str, current: &str, main: &str) -> String {
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
<link rel=\"stylesheet\" href=\"/style.css\">
</head>
<body>
<header class=\"site\"><a class=\"site-name\" href=\"/\">spots-enrichment</a><nav aria-label=\"Pages\">{}</nav></header>
<main class=\"text\">
{main}
</main>
</body>
</html>
",
        links.concat()
    )
}

/// Text as it may stand in a page.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
