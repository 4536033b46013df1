//! The documents of `docs/`, as Markdown and as pages.

use std::{collections::HashMap, sync::LazyLock};

use pulldown_cmark::{CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd, html};

use super::{escape, page};

/// A document of `docs/`.
pub struct Document {
    /// Its file name without the ending.
    pub name: &'static str,
    /// What it holds, for the list of documents.
    pub holds: &'static str,
    /// As it was written.
    pub markdown: &'static str,
}

/// All of them, in the order in which a newcomer reads.
pub const ALL: &[Document] = &[
    Document {
        name: "quickstart",
        holds: "five minutes: from nothing to a number, and to a client",
        markdown: include_str!("../../docs/quickstart.md"),
    },
    Document {
        name: "partner",
        holds: "for partners: composing questions, reading a number, prices, errors, paging, retries, caching",
        markdown: include_str!("../../docs/partner.md"),
    },
    Document {
        name: "limits",
        holds: "what a request may hold, points, quotas, how to retry",
        markdown: include_str!("../../docs/limits.md"),
    },
    Document { name: "errors", holds: "every code, and what to do", markdown: include_str!("../../docs/errors.md") },
    Document {
        name: "privacy",
        holds: "what is promised, how it is kept, how to check it",
        markdown: include_str!("../../docs/privacy.md"),
    },
    Document {
        name: "personality",
        holds: "dimensions, archetypes, states, knots, and what follows from them",
        markdown: include_str!("../../docs/personality.md"),
    },
    Document {
        name: "operator",
        holds: "for operators: installing, settings, files, epochs, keys, metrics, backup",
        markdown: include_str!("../../docs/operator.md"),
    },
];

/// The schema's text, which is served beside the documents.
pub const SCHEMA: &str = include_str!("../../schema.graphql");

/// The pages, made at the first look at one of them.
static PAGES: LazyLock<HashMap<&'static str, String>> = LazyLock::new(|| {
    let mut pages: HashMap<_, _> = ALL.iter().map(|document| (document.name, document.html())).collect();
    pages.insert("", index());
    pages
});

impl Document {
    /// The document of a name, with or without `.md`.
    pub fn find(name: &str) -> Option<&'static Self> {
        let name = name.strip_suffix(".md").unwrap_or(name);
        ALL.iter().find(|document| document.name == name)
    }

    /// Its page.
    pub fn page(&self) -> &'static str {
        PAGES.get(self.name).map_or("", String::as_str)
    }

    /// Its first heading.
    fn title(&self) -> &'static str {
        self.markdown.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(self.name)
    }

    fn html(&self) -> String {
        let mut events: Vec<Event> = Parser::new_ext(self.markdown, Options::ENABLE_TABLES).collect();
        let sections = name_headings(&mut events);
        let mut text = String::new();
        html::push_html(&mut text, dress(events));
        // The contents stand behind the title.
        let (title, rest) = text.split_once("</h1>").unwrap_or(("", &text));
        let contents: Vec<_> = sections
            .iter()
            .map(|(id, name)| format!("<li><a href=\"#{}\">{}</a></li>", escape(id), escape(name)))
            .collect();
        let contents = contents.concat();
        let main = format!(
            "{title}</h1>\n<nav class=\"contents\" aria-label=\"Contents\"><details><summary>Contents</summary><ul>{contents}</ul></details></nav>{rest}"
        );
        page(&escape(self.title()), "Docs", &main)
    }
}

/// The list of documents.
pub fn index_page() -> &'static str {
    PAGES.get("").map_or("", String::as_str)
}

fn index() -> String {
    let items: Vec<_> = ALL
        .iter()
        .map(|document| {
            let (name, title, holds) = (document.name, escape(document.title()), escape(document.holds));
            format!("<li><a href=\"/docs/{name}.md\">{title}</a>: {holds}</li>\n")
        })
        .collect();
    let items = items.concat();
    let main = format!(
        "<h1>Documents</h1>
<ul>
{items}<li><a href=\"/schema.graphql\">The schema</a>: every type and field with its description</li>
</ul>
<p>Each document is also plain Markdown: <code>curl</code> the same address.</p>"
    );
    page("Documents", "Docs", &main)
}

/// Gives each heading an id as code hosts do, so that links to sections work there and here; returns the sections.
fn name_headings(events: &mut [Event]) -> Vec<(String, String)> {
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

/// The anchor of a heading: lower case, hyphens for spaces, other signs dropped.
fn slug(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}

/// What a page needs beyond the text: wide tables and code can be scrolled, also by keyboard; links lead to what is
/// served.
fn dress(events: Vec<Event>) -> impl Iterator<Item = Event> {
    let raw = |html: &'static str| Event::Html(html.into());
    let mut elsewhere = false;
    events.into_iter().flat_map(move |event| match event {
        Event::Start(Tag::Table(_)) => vec![raw("<div class=\"wide\" tabindex=\"0\">"), event],
        Event::End(TagEnd::Table) => vec![event, raw("</div>")],
        Event::Start(Tag::CodeBlock(_)) => vec![raw("<pre tabindex=\"0\"><code>")],
        Event::End(TagEnd::CodeBlock) => vec![raw("</code></pre>\n")],
        Event::Start(Tag::Link { link_type, dest_url, title, id }) => {
            let dest_url = if dest_url.as_ref() == "../schema.graphql" { "/schema.graphql".into() } else { dest_url };
            // Other files of the repository are not served.
            elsewhere = dest_url.starts_with("../");
            if elsewhere { vec![] } else { vec![Event::Start(Tag::Link { link_type, dest_url, title, id })] }
        }
        Event::End(TagEnd::Link) if elsewhere => vec![],
        event => vec![event],
    })
}
