//! The price table of the schema, and the estimate of privacy units. It is the source of the enforced limits, of
//! `@cost` and `@listSize` in `schema.graphql`, and of the table in `docs/limits.md`.

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use async_graphql::Value;
use graphql_limits::{
    CostEstimate, FieldPrice, ListArgumentPrice, ListSize, NormalizedField, NormalizedOperation, PriceTable,
    SchemaIndex,
    cost::{EstimatedField, estimate},
};

use crate::{
    domain::{
        error::Error,
        page::{MAX_COHORTS, MAX_PAGE_SIZE, MAX_QUOTED_SEGMENTS, MAX_REGIONS, MAX_USAGE_DAYS},
        product::MAX_BATCH,
        product_vocabulary::MAX_TERMS,
    },
    privacy::bundles::Bundle,
};
use ReleasedSegment::{Other, Own, Regions};

/// The prices of all fields.
pub static PRICES: PriceTable = PriceTable {
    fields: FIELDS,
    // A fixed price, so that every key can use introspection.
    introspection_points: 10,
    max_response_bytes: 4 * 1024 * 1024,
    default_value_bytes: 64,
    value_bytes: VALUE_BYTES,
    // Each of them parses a document.
    max_occurrences: &[("quote", "`quote` fields", 5)],
};

const fn field(on: &'static str, field: &'static str, weight: u64) -> FieldPrice {
    FieldPrice { on, field, weight, size: ListSize::One, sent: None }
}

const fn list(on: &'static str, name: &'static str, size: u64) -> FieldPrice {
    FieldPrice { size: ListSize::Fixed(size), ..field(on, name, 0) }
}

const fn paged(
    on: &'static str,
    name: &'static str,
    weight: u64,
    arguments: &'static [&'static str],
    max: i32,
) -> FieldPrice {
    let size = ListSize::Page { arguments, max: max.unsigned_abs() as u64 };
    FieldPrice { size, ..field(on, name, weight) }
}

const fn connection(field: &'static str) -> FieldPrice {
    paged("Query", field, 0, &["last", "first"], MAX_PAGE_SIZE)
}

const fn sent(
    on: &'static str,
    name: &'static str,
    weight: u64,
    argument: &'static str,
    [points, items]: [u64; 2],
) -> FieldPrice {
    FieldPrice { sent: Some(ListArgumentPrice { argument, points, items }), ..field(on, name, weight) }
}

/// The price table. A field without an entry costs 1 if it is an object and 0 if it is a scalar.
const FIELDS: &[FieldPrice] = &[
    connection("segments"),
    connection("products"),
    field("Query", "quote", 5),
    field("Query", "segment", 1),
    field("Query", "cohort", 1),
    FieldPrice {
        size: ListSize::AsSent { max: MAX_COHORTS as u64 },
        ..sent("Query", "cohorts", 0, "definitions", [1, 1])
    },
    field("SegmentConnection", "totalCount", 5),
    field("ProductConnection", "totalCount", 5),
    sent("Query", "knot", 10, "braid", [2, 1]),
    field("Segment", "size", 5),
    field("Segment", "behavior", 10),
    field("Segment", "personality", 10),
    field("Segment", "network", 10),
    field("Segment", "compatibility", 10),
    field("Segment", "quantumState", 10),
    field("Segment", "knot", 20),
    field("Segment", "knotCompatibility", 30),
    field("Segment", "compare", 20),
    paged("Segment", "recommendations", 20, &["last", "first"], MAX_PAGE_SIZE),
    list("Behavior", "dayParts", 9),
    list("Behavior", "categories", 12),
    list("Implication", "inputs", 4),
    list("DerivedMeasure", "inputs", 4),
    list("DecisionFactors", "inputs", 4),
    list("Personality", "dimensions", 12),
    list("Personality", "archetypes", 7),
    list("Compatibility", "contributions", 12),
    list("KnotOrigin", "correlations", 12),
    list("Product", "states", 12),
    list("Release", "sigma", 5),
    list("Vocabulary", "ageBands", 6),
    list("Vocabulary", "priceBands", 4),
    list("Vocabulary", "styles", MAX_TERMS),
    list("Vocabulary", "features", MAX_TERMS),
    list("Vocabulary", "attributes", 3),
    list("ProductWord", "means", 3),
    paged("Viewer", "usage", 10, &["last"], MAX_USAGE_DAYS),
    field("Viewer", "privacyBudget", 5),
    list("PrivacyBudget", "returns", 31),
    paged("PrivacyBudget", "regions", 10, &["first"], MAX_REGIONS),
    paged("PrivacyBudget", "atoms", 0, &["first"], MAX_REGIONS),
    list("RegionBudget", "ageBands", 7),
    list("UsageDay", "errors", 25),
    list("Quote", "dearestPaths", 3),
    paged("Quote", "segments", 0, &["first"], MAX_QUOTED_SEGMENTS),
    list("QuotedSegment", "bundles", 5),
    field("Mutation", "saveSegment", 10),
    field("Mutation", "deleteSegment", 10),
    sent("Mutation", "upsertProducts", 10, "input", [1, 2]),
    FieldPrice { size: ListSize::AsSent { max: MAX_BATCH as u64 }, ..field("UpsertProductsResult", "errors", 0) },
    sent("Mutation", "deleteProducts", 10, "ids", [1, 2]),
];

/// Sizes of texts and lists of scalars that can be longer than 64 bytes: type, field and bytes.
const VALUE_BYTES: &[(&str, &str, usize)] = &[
    ("Product", "id", 800),
    ("Product", "title", 2_000),
    ("Product", "category", 800),
    ("Product", "subcategory", 800),
    ("Product", "styles", 400),
    ("Product", "features", 400),
    ("ProductError", "id", 800),
    ("ProductError", "message", 200),
    ("UpsertProductsResult", "ignored", 24_400),
    ("Compatibility", "ignored", 14_600),
    ("KnotCompatibility", "ignored", 14_600),
    ("Compatibility", "reasons", 250),
    ("Recommendation", "reasons", 250),
    ("Knot", "braid", 700),
    ("LaurentPolynomial", "coefficients", 2_000),
    ("LaurentPolynomial", "text", 4_000),
    ("Implication", "rule", 200),
    ("DerivedMeasure", "rule", 200),
    ("DecisionFactors", "rule", 200),
    ("Dimension", "histogram", 100),
    ("DensityMatrix", "rows", 4_000),
];

/// The segment of a requested release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReleasedSegment {
    /// The segment that contains the field.
    Own,
    /// The segment in the argument `with`.
    Other,
    /// All people in the regions of the segment that contains the field.
    Regions,
}

/// A type, one of its fields, and the releases that the field requests.
type FieldReleases = (&'static str, &'static str, &'static [(Bundle, ReleasedSegment)]);

/// The releases that fields request: bundles of segments. Each bundle includes the size. The window of the bundle
/// `Behavior` is that of the field or of the enclosing field; all other bundles have the window of 28 days.
const RELEASES: &[FieldReleases] = &[
    ("Segment", "size", &[(Bundle::Size, Own)]),
    ("Segment", "behavior", &[(Bundle::Behavior, Own)]),
    ("Segment", "personality", &[(Bundle::Personality, Own)]),
    ("Segment", "network", &[(Bundle::Network, Own)]),
    ("Segment", "compatibility", &[(Bundle::Moments, Own)]),
    ("Segment", "quantumState", &[(Bundle::Moments, Own)]),
    ("Segment", "knot", &[(Bundle::Moments, Own)]),
    ("Segment", "knotCompatibility", &[(Bundle::Moments, Own)]),
    ("Segment", "compare", &[(Bundle::Moments, Own), (Bundle::Moments, Other)]),
    ("Segment", "recommendations", &[(Bundle::Moments, Own)]),
    ("ProductImplications", "prefersQualityOverPrice", &[(Bundle::Personality, Own)]),
    ("ProductImplications", "valuesCommunityProducts", &[(Bundle::Personality, Own), (Bundle::Behavior, Regions)]),
    ("ProductImplications", "decisionFactors", &[(Bundle::Personality, Own)]),
];

/// The releases that a field requests of its own segment, of the segment in its argument `with`, and of all people in
/// the regions of its own segment.
#[must_use]
pub fn releases_of(on: &str, field: &str) -> &'static [(Bundle, ReleasedSegment)] {
    let known = RELEASES.iter().find(|(type_name, name, _)| *type_name == on && *name == field);
    known.map_or(&[][..], |(.., releases)| releases)
}

/// The window of a field for which none is requested.
const DEFAULT_WINDOW: &str = "DAYS_28";

/// The estimated cost of a document.
pub struct DocumentCost {
    pub points: CostEstimate,
    /// Privacy units in microunits, if the key has viewed none of the releases before.
    pub microunits: i64,
}

/// Estimates the cost of a document.
///
/// # Errors
/// [`Error::BadUserInput`] with the name of the argument for an invalid page size, [`Error::DocumentTooComplex`] for
/// too many `quote` fields or too large a response.
pub fn price(operation: &NormalizedOperation, schema: &SchemaIndex) -> Result<DocumentCost, Error> {
    let mut releases = RequestedReleases::default();
    let points = estimate(operation, schema, &mut |field| releases.add(field))?;
    Ok(DocumentCost { points, microunits: releases.microunits() })
}

/// The releases that a document requests, each with the number of its occurrences: hash of the segment, bundle and
/// window.
#[derive(Default)]
struct RequestedReleases(BTreeMap<(u64, Bundle, String), i64>);

impl RequestedReleases {
    fn add(&mut self, field: &EstimatedField) {
        for (bundle, of) in releases_of(field.on, &field.field.name).iter().chain(&reference(field)) {
            let mut hasher = DefaultHasher::new();
            (segment(field.parent), of).hash(&mut hasher);
            if *of == Other {
                field.field.arguments.get("with").map(ToString::to_string).hash(&mut hasher);
            }
            let window = if *bundle == Bundle::Behavior { window(field) } else { DEFAULT_WINDOW.to_owned() };
            let times = i64::try_from(field.occurrences).unwrap_or(i64::MAX);
            for bundle in [*bundle, Bundle::Size] {
                self.0.insert((hasher.finish(), bundle, window.clone()), times);
            }
        }
    }

    fn microunits(&self) -> i64 {
        let prices = self.0.iter().map(|((_, bundle, _), times)| bundle.price_microunits().saturating_mul(*times));
        prices.fold(0, i64::saturating_add)
    }
}

/// The release that the index of a number needs: the bundle of the field that contains the number, of everybody in the
/// regions.
fn reference(field: &EstimatedField) -> Option<(Bundle, ReleasedSegment)> {
    if field.field.name != "index" || field.on != "Measure" {
        return None;
    }
    let mut ancestors = std::iter::successors(field.parent, |field| field.parent);
    ancestors.find_map(|field| reference_bundle(&field.field.name)).map(|bundle| (bundle, Regions))
}

/// The bundle whose release about everybody in the regions gives the index of the numbers of a field.
#[must_use]
pub fn reference_bundle(field: &str) -> Option<Bundle> {
    match field {
        "behavior" => Some(Bundle::Behavior),
        "personality" => Some(Bundle::Personality),
        "network" => Some(Bundle::Network),
        _ => None,
    }
}

/// A hash of the names and arguments of the fields from the root to the closest field that returns a segment. Equal
/// hashes denote the same segment.
fn segment(field: Option<&EstimatedField>) -> u64 {
    let path = std::iter::successors(field, |field| field.parent).skip_while(|field| field.returns != "Segment");
    let mut hasher = DefaultHasher::new();
    for ancestor in path {
        ancestor.field.name.hash(&mut hasher);
        for (name, value) in &ancestor.field.arguments {
            (name, value.to_string()).hash(&mut hasher);
        }
    }
    hasher.finish()
}

/// The `window` argument of the field, or of the closest enclosing field that has one.
fn window(field: &EstimatedField) -> String {
    let argument = |field: &NormalizedField| match field.arguments.get("window")? {
        Value::Enum(window) => Some(window.to_string()),
        Value::String(window) => Some(window.clone()),
        _ => None,
    };
    std::iter::successors(Some(field), |field| field.parent)
        .find_map(|field| argument(field.field))
        .unwrap_or_else(|| DEFAULT_WINDOW.to_owned())
}

/// The price table for `docs/limits.md`, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut rows = vec!["| field | points | items |".to_owned(), "|---|---|---|".to_owned()];
    for price in PRICES.fields {
        let items = match price.size {
            ListSize::One => "1".to_owned(),
            ListSize::Fixed(size) => format!("{size}"),
            ListSize::AsSent { max } => format!("as many as were sent (at most {max})"),
            ListSize::Page { arguments, max } => {
                let arguments: Vec<_> = arguments.iter().map(|name| format!("`{name}`")).collect();
                format!("{} (at most {max})", arguments.join(" or "))
            }
        };
        let sent = price.sent.map_or_else(String::new, |sent| match sent.items {
            1 => format!(" + {} per item of `{}`", sent.points, sent.argument),
            items => format!(" + {} per {items} items of `{}`", sent.points, sent.argument),
        });
        rows.push(format!("| `{}.{}` | {}{sent} | {items} |", price.on, price.field, price.weight));
    }
    rows.push(format!("| `__schema`, `__type` | {} each | |", PRICES.introspection_points));
    rows.join("\n")
}
