//! Walks the committed schema: every field that holds data must reject a key without scopes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::app::{On, TestApp};

/// Fields that any key may read: the viewer, the vocabulary and the names of segments, but no number about people.
const OPEN: [&str; 19] = [
    "Query.knot",
    "Query.quote",
    "Query.viewer",
    "Query.vocabulary",
    "Query.segment",
    "Query.segments",
    "Query.cohort",
    "Query.cohorts",
    "Segment.id",
    "Segment.slug",
    "Segment.name",
    "Segment.shared",
    "Segment.definition",
    "Segment.definitionHash",
    "Segment.window",
    "SegmentConnection.edges",
    "SegmentConnection.nodes",
    "SegmentConnection.pageInfo",
    "SegmentConnection.totalCount",
];

/// A value for each required argument.
fn argument(field: &str, name: &str) -> &'static str {
    match name {
        "input" if field == "upsertProducts" => r#"[{id: "p", title: "P"}]"#,
        "slug" => "\"mine\"",
        "document" => "\"{ __typename }\"",
        "definition" | "with" => "{}",
        "definitions" => "[{}]",
        "product" => "{price: MID}",
        "braid" => "[1, 1, 1]",
        "ids" => "[\"p\"]",
        "input" => r#"{slug: "mine", name: "Mine", definition: {}}"#,
        other => panic!("the walk needs a value for the argument {other}"),
    }
}

struct Field {
    name: String,
    arguments: String,
    /// The name of the field's type, if it is an object type.
    object: Option<String>,
}

async fn fields_by_type(app: &TestApp) -> BTreeMap<String, Vec<Field>> {
    let client = app.client(&[]).await;
    let answer = client
        .ask(
            "{ __schema { types { name kind fields { name args { name defaultValue type { kind } }
            type { ...T } } } } }
            fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
                ofType { kind name } } } } } }",
        )
        .await;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let types = answer.ok()["__schema"]["types"].as_array().unwrap().clone();
    let objects = types.iter().filter(|kind| kind["kind"] == "OBJECT" && !text(&kind["name"]).starts_with("__"));
    objects
        .map(|object| {
            let fields = object["fields"].as_array().unwrap().iter().map(|field| {
                let mut named = &field["type"];
                while named["name"].is_null() {
                    named = &named["ofType"];
                }
                let needed =
                    field["args"].as_array().unwrap().iter().filter(|argument| {
                        argument["type"]["kind"] == "NON_NULL" && argument["defaultValue"].is_null()
                    });
                let arguments: Vec<String> = needed
                    .map(|given| {
                        format!(
                            "{}: {}",
                            text(&given["name"]),
                            argument(&text(&field["name"]), given["name"].as_str().unwrap())
                        )
                    })
                    .collect();
                Field {
                    name: text(&field["name"]),
                    arguments: if arguments.is_empty() { String::new() } else { format!("({})", arguments.join(", ")) },
                    object: (named["kind"] == "OBJECT").then(|| text(&named["name"])),
                }
            });
            (text(&object["name"]), fields.collect())
        })
        .collect()
}

/// Collects every field that can be reached from a root through open fields. `path` holds the selection so far.
fn walk(
    types: &BTreeMap<String, Vec<Field>>,
    on: &str,
    path: &mut Vec<String>,
    seen: &mut BTreeSet<String>,
    out: &mut Vec<(String, Vec<String>)>,
) {
    if !seen.insert(on.to_owned()) {
        return;
    }
    for field in &types[on] {
        path.push(format!("{}{}", field.name, field.arguments));
        out.push((format!("{on}.{}", field.name), path.clone()));
        if let Some(object) = &field.object {
            // Fields below a guarded field cannot be reached, so only open fields are walked.
            if OPEN.contains(&format!("{on}.{}", field.name).as_str()) {
                walk(types, object, path, seen, out);
            }
        }
        path.pop();
    }
}

fn query(root: &str, path: &[String], leaf: Option<&str>) -> String {
    let mut query = path.join(" { ");
    if let Some(leaf) = leaf {
        query = format!("{query} {{ {leaf} }}");
    }
    let closing = " }".repeat(path.len() - 1);
    format!("{root} {{ {query}{closing} }}")
}

#[tokio::test]
async fn without_scopes_every_data_field_of_the_schema_is_refused() {
    let app = TestApp::new(On::Sqlite).await;
    let types = fields_by_type(&app).await;
    let saver = app.client(&crate::app::ALL).await;
    saver.ask(r#"mutation { saveSegment(input: {slug: "mine", name: "Mine", definition: {}}) { id } }"#).await.ok();
    let without_scopes = app.client(&[]).await;

    let mut ways = Vec::new();
    for (root, operation) in [("Query", "query"), ("Mutation", "mutation")] {
        let mut found = Vec::new();
        walk(&types, root, &mut Vec::new(), &mut BTreeSet::new(), &mut found);
        ways.extend(found.into_iter().map(|(name, path)| (operation, name, path)));
    }
    let object_of = |name: &str| {
        let (on, field) = name.split_once('.').unwrap();
        types[on].iter().find(|candidate| candidate.name == field).and_then(|field| field.object.clone())
    };
    let (mut rejected, mut open) = (0, 0);
    for (number, (operation, name, path)) in ways.iter().enumerate() {
        if number % 90 == 89 {
            app.clock.advance_s(61);
        }
        let leaf = object_of(name).map(|_| "__typename");
        let answer = without_scopes.ask(&query(operation, path, leaf)).await;
        let below_open = OPEN.contains(&name.as_str())
            || [
                "Viewer.",
                "Limits.",
                "UsageDay.",
                "ErrorCount.",
                "Quote.",
                "QuotedSegment.",
                "QuotedBundle.",
                "PathPoints.",
                "PageFit.",
                "Vocabulary.",
                "Knot.",
                "AgeBand.",
                "Definition.",
                "Window.",
                "PageInfo.",
                "SegmentEdge.",
            ]
            .iter()
            .any(|open| name.starts_with(open));
        if below_open {
            answer.ok();
            open += 1;
        } else {
            assert_eq!(answer.codes(), ["FORBIDDEN"], "{name} is open: {}", answer.text);
            rejected += 1;
        }
    }
    // These fields must have been walked; otherwise the walk does not reach the data.
    for name in [
        "Segment.size",
        "Segment.behavior",
        "Segment.personality",
        "Segment.network",
        "Segment.compatibility",
        "Segment.recommendations",
        "Query.products",
        "Mutation.upsertProducts",
    ] {
        assert!(ways.iter().any(|(_, way, _)| way == name), "{name} was not walked");
    }
    assert!(rejected >= 15 && open >= 20, "{rejected} rejected, {open} open");
    assert_eq!(app.noise.draws.load(std::sync::atomic::Ordering::SeqCst), 0, "a rejected field sampled noise");
}
