//! Writes the price table into the schema, as `@cost` and `@listSize` of the IBM GraphQL cost specification.

use super::{INTROSPECTION, SIZED, Size, price_of};
use crate::catalog::MOST_SENT;

/// Definitions of the directives, for tools that read `schema.graphql`.
const DEFINITIONS: &str = r#"
"""
Points of a field in addition to those of the objects that it returns (`docs/limits.md`).
"""
directive @cost(
	"""
	Points.
	"""
	weight: String!
) on FIELD_DEFINITION

"""
The number of items with which a list is priced (`docs/limits.md`).
"""
directive @listSize(
	"""
	The size if no argument sets it.
	"""
	assumedSize: Int
	"""
	Arguments that set the size.
	"""
	slicingArguments: [String!]
	"""
	The subfields that contain the items.
	"""
	sizedFields: [String!]
	"""
	Whether one of the arguments is required.
	"""
	requireOneSlicingArgument: Boolean = false
) on FIELD_DEFINITION
"#;

/// Adds the prices to the fields of a schema in the format of async-graphql: one field per line, indented by one tab,
/// each argument on a separate line.
#[must_use]
pub fn annotate(sdl: &str) -> String {
    let mut lines = Vec::new();
    let (mut on, mut field, mut text) = (None, None, false);
    for line in sdl.lines() {
        let bare = line.trim();
        let mut end = String::new();
        if bare == "\"\"\"" {
            text = !text;
        } else if !text {
            if let Some(rest) = line.strip_prefix("type ") {
                on = rest.split_whitespace().next();
            } else if line == "}" {
                on = None;
            } else if let Some(field_line) = line.strip_prefix('\t').filter(|line| !line.starts_with('\t')) {
                let name = field_line.split(['(', ':']).next().unwrap_or_default();
                if !name.is_empty() && !name.starts_with(')') {
                    field = Some(name);
                }
                // The line with the type is the last one of the field.
                if !field_line.ends_with('(') {
                    end = on.zip(field).map_or_else(String::new, |(on, field)| directives(on, field));
                }
            }
        }
        lines.push(format!("{line}{end}"));
    }
    format!("{}\n{DEFINITIONS}", lines.join("\n"))
}

/// The directives of a field, with a leading space; empty if it has no price.
fn directives(on: &str, field: &str) -> String {
    let Some(price) = price_of(on, field) else { return String::new() };
    let cost = if price.weight > 0 { format!(" @cost(weight: \"{}\")", price.weight) } else { String::new() };
    let size = match price.size {
        Size::One => String::new(),
        Size::Fixed(size) => format!(" @listSize(assumedSize: {size})"),
        Size::Sent => format!(" @listSize(assumedSize: {MOST_SENT})"),
        Size::Page { arguments, largest } => {
            let quote = |names: &[&str]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
            let sized = if arguments.len() > 1 { format!(", sizedFields: [{}]", quote(&SIZED)) } else { String::new() };
            format!(
                " @listSize(assumedSize: {largest}, slicingArguments: [{}]{sized}, requireOneSlicingArgument: false)",
                quote(arguments)
            )
        }
    };
    cost + &size
}

/// The price table for `docs/limits.md`, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut rows = vec!["| field | points | items |".to_owned(), "|---|---|---|".to_owned()];
    for price in super::PRICES {
        let items = match price.size {
            Size::One => "1".to_owned(),
            Size::Fixed(size) => format!("{size}"),
            Size::Sent => format!("as many as were sent (at most {MOST_SENT})"),
            Size::Page { arguments, largest } => {
                let arguments: Vec<_> = arguments.iter().map(|name| format!("`{name}`")).collect();
                format!("{} (at most {largest})", arguments.join(" or "))
            }
        };
        let sent = price.sent.map_or_else(String::new, |sent| match sent.items {
            1 => format!(" + {} per item of `{}`", sent.points, sent.argument),
            items => format!(" + {} per {items} items of `{}`", sent.points, sent.argument),
        });
        rows.push(format!("| `{}.{}` | {}{sent} | {items} |", price.on, price.field, price.weight));
    }
    rows.push(format!("| `__schema`, `__type` | {INTROSPECTION} each | |"));
    rows.join("\n")
}
