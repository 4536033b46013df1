//! The documents of `docs/`, served as Markdown and as HTML pages.

use std::{collections::HashMap, sync::LazyLock};

use pulldown_cmark::{CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::{assets::Asset, escape, page_with};

/// A document of `docs/`.
pub struct Document {
    /// The file name without the extension.
    pub name: &'static str,
    /// A summary of the content, shown in the list of documents.
    pub summary: &'static str,
    /// The Markdown source.
    pub markdown: &'static str,
}

/// All documents, in reading order for new users.
pub const ALL: &[Document] = &[
    Document {
        name: "quickstart",
        summary: "the first query and the first client in five minutes",
        markdown: include_str!("../../../docs/quickstart.md"),
    },
    Document {
        name: "partner",
        summary: "for partners: writing queries, reading results, prices, errors, paging, retries, caching",
        markdown: include_str!("../../../docs/partner.md"),
    },
    Document {
        name: "limits",
        summary: "limits of a request, points, quotas, retries",
        markdown: include_str!("../../../docs/limits.md"),
    },
    Document { name: "errors", summary: "error codes and remedies", markdown: include_str!("../../../docs/errors.md") },
    Document {
        name: "privacy",
        summary: "the privacy guarantees, how they are implemented, how to verify them",
        markdown: include_str!("../../../docs/privacy.md"),
    },
    Document {
        name: "personality",
        summary: "dimensions, archetypes, states, knots, and the results derived from them",
        markdown: include_str!("../../../docs/personality.md"),
    },
    Document {
        name: "operator",
        summary: "for operators: installation, settings, files, epochs, keys, metrics, backup",
        markdown: include_str!("../../../docs/operator.md"),
    },
    Document {
        name: "scaling",
        summary: "for operators: data that outgrow one machine",
        markdown: include_str!("../../../docs/scaling.md"),
    },
    Document {
        name: "performance",
        summary: "for operators: measurements, and how to repeat them",
        markdown: include_str!("../../../docs/performance.md"),
    },
];

/// The GraphQL schema in SDL, served together with the documents.
pub const SCHEMA: &str = include_str!("../../../schema.graphql");

/// The rendered pages by document name; `""` is the list of documents. Rendered when the first page is requested.
static PAGES: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let mut pages: HashMap<_, _> = ALL.iter().map(|document| (document.name, document.html())).collect();
    pages.insert("", index());
    pages
});

impl Document {
    /// Returns the document with the given name, with or without `.md`, or `None`.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.strip_suffix(".md").unwrap_or(name);
        ALL.iter().find(|document| document.name == name)
    }

    /// The HTML page.
    pub fn page(&self) -> &'static str {
        PAGES.get(self.name).map_or("", String::as_str)
    }

    /// The first level-1 heading; the name if there is none.
    fn title(&self) -> &'static str {
        self.markdown.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(self.name)
    }

    fn html(&self) -> String {
        let mut events: Vec<Event> = Parser::new_ext(self.markdown, Options::ENABLE_TABLES).collect();
        let sections = set_heading_ids(&mut events);
        let mut text = String::new();
        html::push_html(&mut text, adapt_to_page(events));
        let contents: Vec<_> = sections
            .iter()
            .map(|(id, name)| format!("<li><a href=\"#{}\">{}</a></li>", escape(id), escape(name)))
            .collect();
        with_sidebar(self.title(), Some((self.name, &contents.concat())), &text)
    }
}

/// The HTML page that lists the documents.
pub fn index_page() -> &'static str {
    PAGES.get("").map_or("", String::as_str)
}

fn index() -> String {
    let items: Vec<_> = ALL
        .iter()
        .map(|document| {
            let (name, title, summary) = (document.name, escape(document.title()), escape(document.summary));
            format!("<li><a href=\"/docs/{name}.md\">{title}</a>: {summary}</li>\n")
        })
        .collect();
    let items = items.concat();
    let main = format!(
        "<h1>Documents</h1>
<ul>
{items}<li><a href=\"/schema.graphql\">Schema</a>: every type and field with its description</li>
</ul>
<p>Each document is also available as Markdown: request the same URL with <code>curl</code>.</p>"
    );
    with_sidebar("Documents", None, &main)
}

/// A page with the list of documents at its side; below the current document are its sections. The script adds the
/// search, highlighted code and buttons; without it the page is complete.
fn with_sidebar(title: &str, current: Option<(&str, &str)>, main: &str) -> String {
    let entry = |document: &Document| {
        let (name, title) = (document.name, escape(document.title()));
        match current {
            Some((current, sections)) if current == name => format!(
                "<li><a href=\"/docs/{name}.md\" data-document aria-current=\"page\">{title}</a>\
                 <ul>{sections}</ul></li>"
            ),
            _ => format!("<li><a href=\"/docs/{name}.md\" data-document>{title}</a></li>"),
        }
    };
    let entries: Vec<String> = ALL.iter().map(entry).collect();
    let script = Asset::script_of_documents()
        .map_or_else(String::new, |path| format!("\n<script type=\"module\" src=\"/{path}\"></script>"));
    let body = format!(
        "<div class=\"docs\">
<nav class=\"sidebar\" aria-label=\"Documents\">
<form class=\"search\" role=\"search\" hidden><label>Search the documents <input type=\"search\"></label></form>
<ul class=\"search-results\" aria-live=\"polite\"></ul>
<ul class=\"contents\">{}<li><a href=\"/schema.graphql\">Schema</a></li></ul>
</nav>
<main class=\"text\">
{main}
</main>
</div>",
        entries.concat()
    );
    page_with(&escape(title), "Docs", &script, &body)
}

/// Sets the id of each heading by the rule that code hosts use, so that section links work on both. Returns the anchor
/// and the text of each level-2 heading.
fn set_heading_ids(events: &mut [Event]) -> Vec<(String, String)> {
    let mut sections = Vec::new();
    let mut used: HashMap<String, usize> = HashMap::new();
    for start in 0..events.len() {
        let Event::Start(Tag::Heading { level, .. }) = events[start] else { continue };
        let inside = events[start + 1..].iter().take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
        let name: String = inside
            .filter_map(|event| match event {
                Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        let slug = slug(&name);
        let count = used.entry(slug.clone()).and_modify(|count| *count += 1).or_default();
        let slug = if *count == 0 { slug } else { format!("{slug}-{count}") };
        if let Event::Start(Tag::Heading { id, .. }) = &mut events[start] {
            *id = Some(CowStr::from(slug.clone()));
        }
        if level == HeadingLevel::H2 {
            sections.push((slug, name));
        }
    }
    sections
}

/// The anchor of a heading: lower case, spaces replaced by hyphens, all other punctuation removed.
fn slug(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

fn is_name(language: &str) -> bool {
    !language.is_empty() && language.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Adapts the events of a document to the page: tables and code blocks can be scrolled, also with the keyboard; links
/// to the schema point to its route; links to files of the repository that are not served are removed.
fn adapt_to_page(events: Vec<Event>) -> impl Iterator<Item = Event> {
    let raw = |html: &'static str| Event::Html(html.into());
    let mut is_unserved_link = false;
    events.into_iter().flat_map(move |event| match event {
        Event::Start(Tag::Table(_)) => vec![raw("<div class=\"wide\" tabindex=\"0\">"), event],
        Event::End(TagEnd::Table) => vec![event, raw("</div>")],
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if is_name(&language) => {
            vec![Event::Html(format!("<pre tabindex=\"0\"><code class=\"language-{language}\">").into())]
        }
        Event::Start(Tag::CodeBlock(_)) => vec![raw("<pre tabindex=\"0\"><code>")],
        Event::End(TagEnd::CodeBlock) => vec![raw("</code></pre>\n")],
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if dest_url.as_ref() == "../schema.graphql" { "/schema.graphql".into() } else { dest_url };
            // The server does not serve other files of the repository.
            is_unserved_link = dest_url.starts_with("../");
            if is_unserved_link { vec![] } else { vec![Event::Start(Tag::Link { link_type, dest_url, title, id })] }
        }
        Event::End(TagEnd::Link) if is_unserved_link => vec![],
        event => vec![event],
    })
}
