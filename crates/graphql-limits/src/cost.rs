//! Estimates the cost of an operation in points, before it is executed.
//!
//! A scalar costs 0, an object 1, and a field of the price table its weight in addition. A list multiplies the cost of
//! its items by its size. The estimate visits each selected field once (the document limits bound their number) and
//! always visits the whole operation, so that an error can state the total and the most expensive fields.

use async_graphql::{Name, Value};
use serde::Serialize;

use crate::{
    Error, ListSize, NormalizedField, NormalizedOperation, SchemaIndex, is_introspection, price::PAGE_FIELDS,
    root_type, schema_index::IndexedField,
};

/// Points of one field in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, async_graphql::SimpleObject)]
pub struct PathPoints {
    /// Response keys from the root, separated by dots.
    pub path: String,
    /// Points of the field, without its subfields.
    pub points: u64,
}

/// The largest page size with which a document is within its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, async_graphql::SimpleObject)]
pub struct PageFit {
    /// The path of the list: response keys from the root, separated by dots.
    pub path: String,
    /// The argument that sets the page size.
    pub argument: String,
    /// The largest page size with which the document is within its limit.
    pub size: u64,
}

/// Details in the error for a document that costs more than a limit allows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CostExceeded {
    pub cost: u64,
    pub limit: u64,
    /// The three most expensive fields.
    pub most_expensive: Vec<PathPoints>,
    pub fits: Option<PageFit>,
}

/// A field in a document: its response key and the index of its parent. Paths are built only when they are needed.
struct PathStep {
    key: Name,
    parent: Option<usize>,
}

/// A list whose size is set by an argument.
struct SizedList {
    step: usize,
    argument: &'static str,
    size: u64,
    /// Points of all its items, without other points, so that they are proportional to the size.
    points: u64,
}

/// The estimated cost of a document.
pub struct CostEstimate {
    /// Total points.
    pub points: u64,
    steps: Vec<PathStep>,
    /// Fields with points of their own: index in `steps`, and points.
    own: Vec<(usize, u64)>,
    lists: Vec<SizedList>,
}

impl CostEstimate {
    /// Returns the `number` most expensive fields, in descending order of points.
    #[must_use]
    pub fn most_expensive(&self, number: usize) -> Vec<PathPoints> {
        let mut own: Vec<&(usize, u64)> = self.own.iter().collect();
        own.sort_by_key(|(_, points)| std::cmp::Reverse(*points));
        own.iter().take(number).map(|(step, points)| PathPoints { path: self.path(*step), points: *points }).collect()
    }

    fn path(&self, step: usize) -> String {
        let up = std::iter::successors(Some(step), |step| self.steps[*step].parent);
        let mut keys: Vec<&str> = up.map(|step| self.steps[step].key.as_str()).collect();
        keys.reverse();
        keys.join(".")
    }

    /// Returns the largest page size of the most expensive list with which the document costs at most `limit` points.
    /// `None` if there is no such list, or if not even a size of 1 is within the limit.
    #[must_use]
    pub fn largest_page(&self, limit: u64) -> Option<PageFit> {
        let list = self.lists.iter().filter(|list| list.size > 0).max_by_key(|list| list.points)?;
        let rest = self.points.saturating_sub(list.points);
        let size = limit.checked_sub(rest)? / (list.points / list.size).max(1);
        let fits = PageFit { path: self.path(list.step), argument: list.argument.to_owned(), size };
        (size > 0).then_some(fits)
    }

    /// Details for the error that reports that the document exceeds `limit` points.
    #[must_use]
    pub fn exceeding(&self, limit: u64) -> Box<CostExceeded> {
        Box::new(CostExceeded {
            cost: self.points,
            limit,
            most_expensive: self.most_expensive(3),
            fits: self.largest_page(limit),
        })
    }
}

/// A field during the estimate.
pub struct EstimatedField<'a> {
    /// The type that has the field.
    pub on: &'a str,
    pub field: &'a NormalizedField,
    /// The innermost type that the field returns.
    pub returns: &'a str,
    /// How often the field occurs in the response.
    pub occurrences: u64,
    /// The enclosing field; `None` for a root field.
    pub parent: Option<&'a EstimatedField<'a>>,
}

/// Estimates the cost of an operation. `visit` is called once for each field of the schema that it selects, parents
/// first, so that other costs can be estimated in the same pass.
///
/// # Errors
/// [`Error::InvalidArgument`] for an invalid page size, [`Error::TooComplex`] if a root field occurs too often or the
/// response would be too large.
pub fn estimate(
    operation: &NormalizedOperation,
    schema: &SchemaIndex,
    visit: &mut dyn FnMut(&EstimatedField),
) -> Result<CostEstimate, Error> {
    let roots = |name: &str| operation.selections.iter().filter(|field| field.name == name).count();
    if let Some((_, what, limit)) = schema.prices.max_occurrences.iter().find(|(name, _, limit)| roots(name) > *limit) {
        return Err(Error::TooComplex { what, limit: *limit });
    }
    let mut estimate =
        Estimation { schema, visit, response_bytes: 0, steps: Vec::new(), own: Vec::new(), lists: Vec::new() };
    let root =
        Position { on: root_type(operation.kind), step: None, parent: None, sent: 0, occurrences: 1, page: None };
    let mut points = estimate.selection_set(&operation.selections, &root)?;
    let limit = schema.prices.max_response_bytes;
    if estimate.response_bytes > limit {
        return Err(Error::TooComplex { what: "bytes of response (estimated)", limit });
    }
    for field in operation.selections.iter().filter(|field| is_introspection(&field.name)) {
        let step = estimate.step(field, None);
        estimate.own.push((step, schema.prices.introspection_points));
        points = points.saturating_add(schema.prices.introspection_points);
    }
    Ok(CostEstimate { points, steps: estimate.steps, own: estimate.own, lists: estimate.lists })
}

/// A selection set and its context.
struct Position<'a> {
    /// The type whose fields are selected.
    on: &'a str,
    step: Option<usize>,
    parent: Option<&'a EstimatedField<'a>>,
    /// Number of items that were sent with the closest enclosing field that takes some.
    sent: u64,
    /// How often this selection set occurs in the response.
    occurrences: u64,
    /// The page size if this is a connection, and its index in `lists`.
    page: Option<(u64, usize)>,
}

struct Estimation<'a, 'v> {
    schema: &'a SchemaIndex,
    visit: &'v mut dyn FnMut(&EstimatedField),
    /// Size of the response in bytes (estimated).
    response_bytes: usize,
    steps: Vec<PathStep>,
    own: Vec<(usize, u64)>,
    lists: Vec<SizedList>,
}

impl Estimation<'_, '_> {
    fn step(&mut self, field: &NormalizedField, parent: Option<usize>) -> usize {
        self.steps.push(PathStep { key: field.key.clone(), parent });
        self.steps.len() - 1
    }

    /// Points of one occurrence of a selection set (the caller multiplies).
    fn selection_set(&mut self, fields: &[NormalizedField], at: &Position) -> Result<u64, Error> {
        let mut points = 0_u64;
        for field in fields {
            points = points.saturating_add(self.field(field, at)?);
        }
        Ok(points)
    }

    /// Points of one occurrence of a field: its weight, and its items with their subfields.
    fn field(&mut self, field: &NormalizedField, at: &Position) -> Result<u64, Error> {
        let occurrences = usize::try_from(at.occurrences).unwrap_or(usize::MAX);
        let bytes = field.key.len() + self.schema.prices.value_bytes_of(at.on, &field.name);
        self.response_bytes = self.response_bytes.saturating_add(occurrences.saturating_mul(bytes));
        let Some(known) = self.schema.field(at.on, &field.name) else { return Ok(0) };
        let estimated =
            EstimatedField { on: at.on, field, returns: &known.named, occurrences: at.occurrences, parent: at.parent };
        (self.visit)(&estimated);
        let step = self.step(field, at.step);
        let weight = known.price.map_or(0, |price| price.weight_of(field));
        let (items, page) = match list_size(field, known, at)? {
            Items::Number(items) => (items, None),
            Items::Page { size, argument } => {
                self.lists.push(SizedList { step, argument, size, points: 0 });
                // A list multiplies its items by the size here; a connection passes the size to `edges` and `nodes`.
                (if known.is_list { size } else { 1 }, Some((size, self.lists.len() - 1)))
            }
        };
        let one = if known.is_object {
            let below = Position {
                on: &known.named,
                step: Some(step),
                parent: Some(&estimated),
                sent: known.price.and_then(|price| price.sent).map_or(at.sent, |sent| sent.count(field)),
                occurrences: at.occurrences.saturating_mul(items),
                page,
            };
            self.selection_set(&field.children, &below)?.saturating_add(1)
        } else {
            0
        };
        let all = items.saturating_mul(one);
        let list = if PAGE_FIELDS.contains(&field.name.as_str()) { at.page } else { page.filter(|_| known.is_list) };
        if let Some((_, list)) = list {
            let points = &mut self.lists[list].points;
            *points = points.saturating_add(at.occurrences.saturating_mul(all));
        }
        let objects = if known.is_object { items } else { 0 };
        let own = at.occurrences.saturating_mul(weight.saturating_add(objects));
        if own > 0 {
            self.own.push((step, own));
        }
        Ok(weight.saturating_add(all))
    }
}

/// The number of items of a field.
enum Items {
    Number(u64),
    /// Set by an argument.
    Page {
        size: u64,
        argument: &'static str,
    },
}

fn list_size(field: &NormalizedField, known: &IndexedField, at: &Position) -> Result<Items, Error> {
    match known.price.map_or(ListSize::One, |price| price.size) {
        ListSize::One if PAGE_FIELDS.contains(&field.name.as_str()) => {
            Ok(Items::Number(at.page.map_or(1, |(size, _)| size)))
        }
        ListSize::One => Ok(Items::Number(1)),
        ListSize::Fixed(items) => Ok(Items::Number(items)),
        ListSize::AsSent { .. } => {
            let own = known.price.and_then(|price| price.sent).map(|sent| sent.count(field));
            Ok(Items::Number(own.unwrap_or(at.sent)))
        }
        ListSize::Page { arguments, max } => {
            let mut given = None;
            for argument in arguments {
                let number = match field.arguments.get(*argument) {
                    None | Some(Value::Null) => continue,
                    Some(Value::Number(number)) => number.as_u64().filter(|size| *size <= max),
                    Some(_) => None,
                };
                let size = number.ok_or_else(|| Error::InvalidArgument {
                    argument: (*argument).to_owned(),
                    message: format!("must be 0 to {max}."),
                })?;
                given = given.or(Some((size, *argument)));
            }
            let (size, argument) = given.unwrap_or_else(|| {
                let argument = arguments.last().copied().unwrap_or_default();
                (known.default_of(argument).unwrap_or(max), argument)
            });
            Ok(Items::Page { size, argument })
        }
    }
}
