//! Random documents: a plain text, and an equivalent text of the same query. Bytes drive the generator, so that a
//! failing case shrinks to fewer and smaller bytes.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

/// Bytes that make the choices. When they run out, every choice is the simplest one.
pub struct Choices<'a>(std::slice::Iter<'a, u8>);

impl<'a> Choices<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self(bytes.iter())
    }

    fn below(&mut self, number: usize) -> usize {
        usize::from(self.0.next().copied().unwrap_or(0)) % number
    }

    fn yes(&mut self) -> bool {
        self.below(2) == 1
    }
}

/// A selected field.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectedField {
    alias: Option<String>,
    name: &'static str,
    /// Name, type and value of each argument.
    arguments: Vec<(&'static str, &'static str, Value)>,
    /// The type of the selection below, for fragments; empty for a scalar.
    on: &'static str,
    children: Vec<SelectedField>,
}

fn scalar(name: &'static str) -> SelectedField {
    SelectedField { alias: None, name, arguments: Vec::new(), on: "", children: Vec::new() }
}

fn object(name: &'static str, on: &'static str, children: Vec<SelectedField>) -> SelectedField {
    SelectedField { alias: None, name, arguments: Vec::new(), on, children }
}

fn some(choices: &mut Choices, from: &[&'static str]) -> Vec<SelectedField> {
    let chosen: Vec<_> = from.iter().filter(|_| choices.yes()).map(|name| scalar(name)).collect();
    if chosen.is_empty() { vec![scalar(from[0])] } else { chosen }
}

fn measure(choices: &mut Choices) -> Vec<SelectedField> {
    let mut fields = some(choices, &["value", "unit", "quality", "sigma", "__typename"]);
    if choices.yes() {
        fields.push(object("interval95", "Interval", some(choices, &["low", "high"])));
    }
    fields
}

fn segment(choices: &mut Choices) -> Vec<SelectedField> {
    let mut fields = some(choices, &["slug", "id", "name", "shared", "__typename"]);
    if choices.yes() {
        fields.push(object("size", "Count", some(choices, &["value", "quality"])));
    }
    if choices.yes() {
        let mut behavior = vec![object("visitsPerPerson", "Measure", measure(choices))];
        if choices.yes() {
            let share = object("share", "Measure", measure(choices));
            behavior.push(object("dayParts", "DayPartShare", vec![scalar("days"), share]));
        }
        if choices.yes() {
            let name = ["prefersQualityOverPrice", "valuesCommunityProducts"][choices.below(2)];
            let verdict = object(name, "Implication", implication(choices));
            behavior.push(object("implications", "ProductImplications", vec![verdict]));
        }
        let mut field = object("behavior", "Behavior", behavior);
        if choices.yes() {
            field.arguments.push(("window", "WindowLength!", json!(["DAYS_7", "DAYS_84"][choices.below(2)])));
        }
        fields.push(field);
    }
    if choices.yes() {
        let mean = object("mean", "Measure", measure(choices));
        let dimensions = object("dimensions", "Dimension", vec![scalar("name"), mean]);
        fields.push(object("personality", "Personality", vec![scalar("archetype"), dimensions]));
    }
    if choices.yes() {
        let verdict = object("likelyToSharePurchases", "Implication", implication(choices));
        let implications = object("implications", "MarketingImplications", vec![verdict]);
        fields.push(object("network", "Network", vec![object("density", "Measure", measure(choices)), implications]));
    }
    if choices.yes() {
        fields.push(state(choices));
    }
    fields
}

fn implication(choices: &mut Choices) -> Vec<SelectedField> {
    let mut fields = some(choices, &["verdict", "rule"]);
    if choices.yes() {
        let value = object("value", "Measure", measure(choices));
        fields.push(object("inputs", "RuleInput", vec![scalar("name"), value]));
    }
    fields
}

/// A field that is answered from the second moments.
fn state(choices: &mut Choices) -> SelectedField {
    match choices.below(4) {
        0 => {
            let alone = object("score", "Measure", measure(choices));
            let contributions = object("contributions", "Contribution", vec![scalar("dimension"), alone]);
            let mut field = object("compatibility", "Compatibility", vec![scalar("reasons"), contributions]);
            let product = json!({"energyPreference": 0.5, "valueOrientation": 1, "styles": ["cozy"]});
            field.arguments.push(("product", "ProductState!", product));
            field
        }
        1 => {
            let purity = object("purity", "Measure", measure(choices));
            object("quantumState", "QuantumState", vec![purity])
        }
        2 => {
            let fidelity = object("fidelity", "Measure", measure(choices));
            let mut field = object("compare", "Comparison", vec![fidelity]);
            field.arguments.push(("with", "SegmentDefinition!", json!({"regions": ["demo-lakes"]})));
            field
        }
        _ => {
            let product = object("product", "Product", vec![scalar("id")]);
            let nodes = object("nodes", "Recommendation", vec![scalar("reasons"), product]);
            let mut field = object("recommendations", "RecommendationConnection", vec![scalar("totalCount"), nodes]);
            field.arguments.push(("first", "Int", json!(choices.below(9))));
            field
        }
    }
}

/// A random query over regions and slugs that exist.
pub fn query(choices: &mut Choices) -> Vec<SelectedField> {
    let mut fields = Vec::new();
    for number in 0..=choices.below(3) {
        let mut field = match choices.below(5) {
            0 => object("vocabulary", "Vocabulary", some(choices, &["regions", "interests", "__typename"])),
            1 => object("viewer", "Viewer", some(choices, &["partner", "keyId", "scopes"])),
            2 => {
                let mut segments = object("segments", "SegmentConnection", Vec::new());
                if choices.yes() {
                    let size = choices.below(8);
                    segments.arguments.push((["first", "last"][choices.below(2)], "Int", json!(size)));
                }
                let nodes = object("nodes", "Segment", segment(choices));
                segments.children = match choices.below(3) {
                    0 => vec![nodes],
                    1 => vec![object("edges", "SegmentEdge", vec![object("node", "Segment", segment(choices))])],
                    _ => vec![object("pageInfo", "PageInfo", vec![scalar("hasNextPage")]), nodes],
                };
                segments
            }
            3 => {
                let mut field = object("segment", "Segment", segment(choices));
                field.arguments.push(("slug", "String!", json!(["mine", "nobody"][choices.below(2)])));
                field
            }
            _ => {
                let mut field = object("cohort", "Segment", segment(choices));
                let region = ["demo-harbor", "demo-hills", "demo-lakes"][choices.below(3)];
                field.arguments.push(("definition", "SegmentDefinition!", json!({"regions": [region]})));
                field
            }
        };
        // Two fields with the same response key would be merged, or be a conflict.
        if number > 0 {
            field.alias = Some(format!("part{number}"));
        }
        fields.push(field);
    }
    fields
}

/// The text of a query and its variables.
pub struct Written {
    pub text: String,
    pub variables: Value,
}

#[derive(Default)]
struct Writer {
    fragments: Vec<String>,
    definitions: Vec<String>,
    variables: Map<String, Value>,
    directives: usize,
}

/// The query in its plainest text.
pub fn plain(query: &[SelectedField]) -> Written {
    rewritten(query, &mut Choices::new(&[]))
}

/// The same query in another text: fragments, variables, literals, duplicates, `@skip` and `@include`, another order of
/// arguments.
pub fn rewritten(query: &[SelectedField], choices: &mut Choices) -> Written {
    let mut writer = Writer::default();
    let body = writer.set(query, "Query", choices);
    let definitions =
        if writer.definitions.is_empty() { String::new() } else { format!("({})", writer.definitions.join(", ")) };
    let text = format!("query Q{definitions} {{ {body} }} {}", writer.fragments.join(" "));
    Written { text, variables: Value::Object(writer.variables) }
}

impl Writer {
    fn set(&mut self, fields: &[SelectedField], on: &str, choices: &mut Choices) -> String {
        let mut parts = Vec::new();
        for field in fields {
            let text = self.field(field, choices);
            match choices.below(8) {
                1 => parts.push(format!("... on {on} {{ {text} }}")),
                2 => parts.push(format!("... {{ {text} }}")),
                3 => {
                    let name = format!("f{}", self.fragments.len());
                    self.fragments.push(format!("fragment {name} on {on} {{ {text} }}"));
                    parts.push(format!("...{name}"));
                }
                // The same field twice is one field.
                // A document may hold 50 directives, and a duplicate repeats the directives inside it.
                4 if self.directives + text.matches('@').count() < 40 => {
                    self.directives += text.matches('@').count();
                    parts.extend([text.clone(), text]);
                }
                5 if self.directives < 20 => {
                    let condition = self.truth(true, choices);
                    parts.push(format!("... @include(if: {condition}) {{ {text} }}"));
                }
                6 if self.directives < 20 => {
                    let condition = self.truth(true, choices);
                    parts.push(text);
                    // A skipped field costs nothing.
                    parts.push(format!("more: __typename @skip(if: {condition})"));
                }
                _ => parts.push(text),
            }
        }
        parts.join(" ")
    }

    fn truth(&mut self, truth: bool, choices: &mut Choices) -> String {
        self.directives += 1;
        if choices.yes() { self.variable("Boolean!", json!(truth), choices) } else { truth.to_string() }
    }

    fn field(&mut self, field: &SelectedField, choices: &mut Choices) -> String {
        let mut text = field.alias.as_ref().map_or_else(String::new, |alias| format!("{alias}: "));
        text += field.name;
        if !field.arguments.is_empty() {
            let arguments: Vec<_> = field
                .arguments
                .iter()
                .map(|(name, kind, value)| {
                    let value = if choices.yes() {
                        self.variable(kind, value.clone(), choices)
                    } else {
                        literal(value, kind.starts_with("WindowLength"))
                    };
                    format!("{name}: {value}")
                })
                .collect();
            let _ = write!(text, "({})", arguments.join(", "));
        }
        if !field.children.is_empty() {
            let body = self.set(&field.children, field.on, choices);
            let _ = write!(text, " {{ {body} }}");
        }
        text
    }

    /// A variable: either its value is sent, or it is omitted and the variable has a default.
    fn variable(&mut self, kind: &str, value: Value, choices: &mut Choices) -> String {
        let name = format!("v{}", self.definitions.len());
        if choices.yes() {
            let default = literal(&value, kind.starts_with("WindowLength"));
            self.definitions.push(format!("${name}: {} = {default}", kind.trim_end_matches('!').to_owned() + "!"));
        } else {
            self.definitions.push(format!("${name}: {kind}"));
            self.variables.insert(name.clone(), value);
        }
        format!("${name}")
    }
}

fn literal(value: &Value, is_enum: bool) -> String {
    match value {
        Value::String(text) if is_enum => text.clone(),
        Value::Object(fields) => {
            let fields: Vec<_> =
                fields.iter().map(|(name, value)| format!("{name}: {}", literal(value, false))).collect();
            format!("{{{}}}", fields.join(", "))
        }
        value => value.to_string(),
    }
}
