//! The types of a price table.

use async_graphql::Value;

use crate::NormalizedField;

/// The prices of a schema. A field without an entry costs 1 if it is an object and 0 if it is a scalar.
#[derive(Clone, Copy, Debug)]
pub struct PriceTable {
    pub fields: &'static [FieldPrice],
    /// Points of each `__schema` and `__type`, independent of their selection.
    pub introspection_points: u64,
    /// Maximum size of a response, in bytes (estimated). Scalars cost no points, but their keys can be long and are
    /// repeated in every item of a list.
    pub max_response_bytes: usize,
    /// Estimated size of a value that is not in `value_bytes`, in bytes without its key.
    pub default_value_bytes: usize,
    /// Estimated sizes of texts and lists of scalars that can be longer: type, field and bytes.
    pub value_bytes: &'static [(&'static str, &'static str, usize)],
    /// Root fields that may occur only a limited number of times in one document: field, its name in the error message,
    /// maximum number.
    pub max_occurrences: &'static [(&'static str, &'static str, usize)],
}

impl PriceTable {
    /// The price of a field.
    #[must_use]
    pub fn find(&self, on: &str, field: &str) -> Option<&'static FieldPrice> {
        self.fields.iter().find(|price| price.on == on && price.field == field)
    }

    /// The weight of a field with which `items` items were sent, in points.
    #[must_use]
    pub fn weight(&self, on: &str, field: &str, items: usize) -> u64 {
        self.find(on, field).map_or(0, |price| price.weight_with(items as u64))
    }

    /// Estimated size of a value without its key, in bytes.
    pub(crate) fn value_bytes_of(&self, on: &str, field: &str) -> usize {
        let known = self.value_bytes.iter().find(|known| (known.0, known.1) == (on, field));
        known.map_or(self.default_value_bytes, |(_, _, bytes)| *bytes)
    }
}

/// The price of a field, in addition to the points of the objects that it returns.
#[derive(Clone, Copy, Debug)]
pub struct FieldPrice {
    /// The type that has the field.
    pub on: &'static str,
    pub field: &'static str,
    /// Points of the field itself.
    pub weight: u64,
    /// The number of items with which it is priced.
    pub size: ListSize,
    /// Additional points for items that are sent in an argument.
    pub sent: Option<ListArgumentPrice>,
}

/// Points for the items of a list argument: `points` for every `items` items, rounded up.
#[derive(Clone, Copy, Debug)]
pub struct ListArgumentPrice {
    pub argument: &'static str,
    /// Points per group of items.
    pub points: u64,
    /// Number of items in a group.
    pub items: u64,
}

/// The number of items with which a field is priced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListSize {
    /// Not a list.
    One,
    /// Set by the first of these arguments that is given, at most `max`. The subfields `edges` and `nodes`, if there
    /// are any, contain the items.
    Page { arguments: &'static [&'static str], max: u64 },
    /// A fixed number.
    Fixed(u64),
    /// As many as were sent with the field itself or, if it takes no items, with the closest enclosing field that does;
    /// at most `max`, which the server enforces.
    AsSent { max: u64 },
}

/// The fields of a connection that contain the items of the page.
pub(crate) const PAGE_FIELDS: [&str; 2] = ["edges", "nodes"];

impl FieldPrice {
    /// Points of the field itself, including those for the items that are sent with it.
    pub(crate) fn weight_of(&self, field: &NormalizedField) -> u64 {
        self.weight_with(self.sent.map_or(0, |sent| sent.count(field)))
    }

    fn weight_with(&self, items: u64) -> u64 {
        self.weight.saturating_add(self.sent.map_or(0, |sent| items.saturating_mul(sent.points).div_ceil(sent.items)))
    }
}

impl ListArgumentPrice {
    /// The number of items in the argument; a single value is a list with one item.
    pub(crate) fn count(&self, field: &NormalizedField) -> u64 {
        match field.arguments.get(self.argument) {
            None | Some(Value::Null) => 0,
            Some(Value::List(items)) => items.len() as u64,
            Some(_) => 1,
        }
    }
}
