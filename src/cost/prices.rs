//! The price table and the types of its entries.

use async_graphql::Value;

use crate::{
    catalog::words::MOST_WORDS,
    document::Selected,
    privacy::Bundle,
    types::{budget, page, usage},
};

/// The price of a field, in addition to the points of the objects that it returns.
#[derive(Clone, Copy, Debug)]
pub struct Price {
    pub on: &'static str,
    pub field: &'static str,
    /// Points of the field itself.
    pub weight: u64,
    /// The number of items with which it is priced, if it is a list.
    pub size: Size,
    /// Additional points for items that are sent in an argument.
    pub sent: Option<Sent>,
    /// The releases that it requests.
    pub asks: &'static [Ask],
}

/// Points for the items of a list argument: `points` for every `items` items, rounded up.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    pub argument: &'static str,
    /// Points per group of items.
    pub points: u64,
    /// Number of items in a group.
    pub items: u64,
}

/// A release that a field requests: a bundle of a segment. The window of the bundle `Behavior` is that of the field or
/// of the enclosing field; all other bundles have the window of 28 days.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub bundle: Bundle,
    pub of: Of,
}

/// The segment of a requested release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Of {
    /// The segment that contains the field.
    Own,
    /// The segment in the argument `with`.
    Other,
    /// All people in the regions of the segment that contains the field.
    Regions,
}

/// The number of items with which a list is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Not a list.
    One,
    /// Set by the first of these arguments that is given, at most `largest`. The subfields `edges` and `nodes`, if
    /// there are any, contain the items.
    Page { arguments: &'static [&'static str], largest: u64 },
    /// A fixed number.
    Fixed(u64),
    /// As many as were sent with the enclosing field.
    Sent,
}

impl Price {
    /// Points of the field itself, including those for the items that are sent with it.
    pub(super) fn weight(&self, selected: &Selected) -> u64 {
        self.weight_with(self.sent.map_or(0, |sent| sent.count(selected)))
    }

    fn weight_with(&self, items: u64) -> u64 {
        self.weight.saturating_add(self.sent.map_or(0, |sent| items.saturating_mul(sent.points).div_ceil(sent.items)))
    }
}

impl Sent {
    /// The number of items in the argument; a single value is a list with one item.
    pub(super) fn count(&self, selected: &Selected) -> u64 {
        match selected.arguments.get(self.argument) {
            None | Some(Value::Null) => 0,
            Some(Value::List(items)) => items.len() as u64,
            Some(_) => 1,
        }
    }
}

const fn field(on: &'static str, field: &'static str, weight: u64) -> Price {
    Price { on, field, weight, size: Size::One, sent: None, asks: &[] }
}

const fn of_segment(name: &'static str, weight: u64, asks: &'static [Ask]) -> Price {
    Price { asks, ..field("Segment", name, weight) }
}

const fn implication(name: &'static str, asks: &'static [Ask]) -> Price {
    Price { asks, ..field("ProductImplications", name, 0) }
}

const fn list(on: &'static str, name: &'static str, size: u64) -> Price {
    Price { size: Size::Fixed(size), ..field(on, name, 0) }
}

const fn paged(
    on: &'static str,
    name: &'static str,
    weight: u64,
    arguments: &'static [&'static str],
    largest: i32,
) -> Price {
    let size = Size::Page { arguments, largest: largest.unsigned_abs() as u64 };
    Price { size, ..field(on, name, weight) }
}

const fn connection(field: &'static str) -> Price {
    paged("Query", field, 0, &["last", "first"], page::LARGEST)
}

const fn sent(on: &'static str, name: &'static str, weight: u64, argument: &'static str, each: [u64; 2]) -> Price {
    let [points, items] = each;
    Price { sent: Some(Sent { argument, points, items }), ..field(on, name, weight) }
}

const fn own(bundle: Bundle) -> Ask {
    Ask { bundle, of: Of::Own }
}

/// The release from which mixtures are computed.
const MOMENTS: &[Ask] = &[own(Bundle::Moments)];

/// The price table. A field without an entry costs 1 if it is an object and 0 if it is a scalar.
pub const PRICES: &[Price] = &[
    connection("segments"),
    connection("products"),
    field("Query", "quote", 5),
    field("Query", "segment", 1),
    field("Query", "cohort", 1),
    sent("Query", "knot", 10, "braid", [2, 1]),
    of_segment("size", 5, &[own(Bundle::Size)]),
    of_segment("behavior", 10, &[own(Bundle::Behavior)]),
    of_segment("personality", 10, &[own(Bundle::Personality)]),
    of_segment("network", 10, &[own(Bundle::Network)]),
    of_segment("compatibility", 10, MOMENTS),
    of_segment("quantumState", 10, MOMENTS),
    of_segment("knot", 20, MOMENTS),
    of_segment("knotCompatibility", 30, MOMENTS),
    of_segment("compare", 20, &[own(Bundle::Moments), Ask { bundle: Bundle::Moments, of: Of::Other }]),
    Price { asks: MOMENTS, ..paged("Segment", "recommendations", 20, &["first"], page::LARGEST) },
    list("Behavior", "dayParts", 9),
    list("Behavior", "categories", 12),
    implication("prefersQualityOverPrice", &[own(Bundle::Personality)]),
    implication(
        "valuesCommunityProducts",
        &[own(Bundle::Personality), Ask { bundle: Bundle::Behavior, of: Of::Regions }],
    ),
    implication("decisionFactors", &[own(Bundle::Personality)]),
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
    list("Vocabulary", "styles", MOST_WORDS),
    list("Vocabulary", "features", MOST_WORDS),
    list("Vocabulary", "attributes", 3),
    list("ProductWord", "means", 3),
    paged("Viewer", "usage", 10, &["last"], usage::MOST_DAYS),
    field("Viewer", "privacyBudget", 5),
    list("PrivacyBudget", "returns", 31),
    paged("PrivacyBudget", "regions", 10, &["first"], budget::MOST_REGIONS),
    list("UsageDay", "errors", 25),
    list("Quote", "dearestPaths", 3),
    field("Mutation", "saveSegment", 10),
    field("Mutation", "deleteSegment", 10),
    sent("Mutation", "upsertProducts", 10, "input", [1, 2]),
    Price { size: Size::Sent, ..field("UpsertProductsResult", "errors", 0) },
    sent("Mutation", "deleteProducts", 10, "ids", [1, 2]),
];

/// The fields of a connection that contain the items of the page.
pub(super) const SIZED: [&str; 2] = ["edges", "nodes"];

pub(super) fn price_of(on: &str, field: &str) -> Option<&'static Price> {
    PRICES.iter().find(|price| price.on == on && price.field == field)
}

/// The weight of a field, in points.
#[must_use]
pub fn weight_of(on: &str, field: &str) -> u64 {
    price_of(on, field).map_or(0, |price| price.weight)
}

/// The weight of a field with which `items` items were sent, in points.
#[must_use]
pub fn weight_with(on: &str, field: &str, items: usize) -> u64 {
    price_of(on, field).map_or(0, |price| price.weight_with(items as u64))
}

/// Estimated size of a value that is not in [`LONG`], in bytes.
const LETTERS: usize = 64;
/// Estimated sizes of texts and lists of scalars that can be longer: type, field and bytes.
const LONG: &[(&str, &str, usize)] = &[
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
];

/// Estimated size of a value without its key, in bytes.
pub(super) fn letters(on: &str, field: &str) -> usize {
    LONG.iter().find(|long| (long.0, long.1) == (on, field)).map_or(LETTERS, |(_, _, bytes)| *bytes)
}
