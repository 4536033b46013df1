//! Estimates the cost of a document in points. One price table is the source of the enforced limits, of `@cost` and
//! `@listSize` in `schema.graphql`, and of the table in `docs/limits.md`.
//!
//! A scalar costs 0, an object 1, and a field of [`PRICES`] its weight in addition. A list multiplies the cost of its
//! items by its size. The walk visits each selected field once (the document limits bound their number) and always
//! visits the whole document, so that an error can state the total and the most expensive fields.

mod actual;
mod directives;
mod prices;
mod shape;

pub use actual::{Answered, settle};
pub use directives::{annotate, table};
pub use prices::{Ask, Of, PRICES, Price, Sent, Size, weight_of, weight_with};
use prices::{SIZED, letters, price_of};
use shape::Field;
pub use shape::{Shape, innermost};

use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash as _, Hasher as _},
};

use async_graphql::{Name, Value};
use serde::Serialize;

use crate::{
    document::{Normal, Selected, is_introspection, root_type},
    error::Error,
    privacy::Bundle,
};

/// Points of each `__schema` and `__type`, independent of their selection, so that every key can use introspection.
pub const INTROSPECTION: u64 = 10;
/// Maximum size of a response, in bytes (estimated). Scalars cost no points, but their keys can be long and are
/// repeated in every item of a list.
const ANSWER: usize = 4 * 1024 * 1024;
/// Maximum number of `quote` fields in one document: each of them parses a document.
const MOST_QUOTES: usize = 5;

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
pub struct Costly {
    pub cost: u64,
    pub limit: u64,
    /// The three most expensive fields.
    pub dearest: Vec<PathPoints>,
    pub fits: Option<PageFit>,
}

/// A field in a document: its response key and the index of its parent. Paths are built only when they are needed.
struct Step {
    key: Name,
    within: Option<usize>,
}

/// A list whose size is set by an argument.
struct Slice {
    step: usize,
    argument: &'static str,
    size: u64,
    /// Points of all its items, without other points, so that they are proportional to the size.
    points: u64,
}

/// The estimated cost of a document.
pub struct Bill {
    /// Total points.
    pub points: u64,
    /// Privacy units in milliunits, if the key has viewed none of the releases before.
    pub units_mu: i64,
    steps: Vec<Step>,
    /// Fields with points of their own: index in `steps`, and points.
    own: Vec<(usize, u64)>,
    slices: Vec<Slice>,
}

impl Bill {
    /// Returns the `number` most expensive fields, in descending order of points.
    #[must_use]
    pub fn dearest(&self, number: usize) -> Vec<PathPoints> {
        let mut own: Vec<&(usize, u64)> = self.own.iter().collect();
        own.sort_by_key(|(_, points)| std::cmp::Reverse(*points));
        own.iter().take(number).map(|(step, points)| PathPoints { path: self.path(*step), points: *points }).collect()
    }

    fn path(&self, step: usize) -> String {
        let up = std::iter::successors(Some(step), |step| self.steps[*step].within);
        let mut keys: Vec<&str> = up.map(|step| self.steps[step].key.as_str()).collect();
        keys.reverse();
        keys.join(".")
    }

    /// Returns the largest page size of the most expensive list with which the document costs at most `limit` points.
    /// `None` if there is no such list, or if not even a size of 1 is within the limit.
    #[must_use]
    pub fn largest_page(&self, limit: u64) -> Option<PageFit> {
        let slice = self.slices.iter().filter(|slice| slice.size > 0).max_by_key(|slice| slice.points)?;
        let rest = self.points.saturating_sub(slice.points);
        let size = limit.checked_sub(rest)? / (slice.points / slice.size).max(1);
        let fits = PageFit { path: self.path(slice.step), argument: slice.argument.to_owned(), size };
        (size > 0).then_some(fits)
    }

    /// Details for the error that reports that the document exceeds `limit` points.
    #[must_use]
    pub fn costly(&self, limit: u64) -> Box<Costly> {
        Box::new(Costly { cost: self.points, limit, dearest: self.dearest(3), fits: self.largest_page(limit) })
    }
}

/// Estimates the cost of a document.
///
/// # Errors
/// [`Error::BadUserInput`] with the name of the argument for an invalid page size, [`Error::DocumentTooComplex`] for
/// too many `quote` fields or too large a response.
pub fn price(document: &Normal, shape: &Shape) -> Result<Bill, Error> {
    if document.selections.iter().filter(|selected| selected.name == "quote").count() > MOST_QUOTES {
        return Err(Error::DocumentTooComplex { what: "`quote` fields", limit: MOST_QUOTES });
    }
    let mut walk =
        Walk { shape, letters: 0, steps: Vec::new(), own: Vec::new(), slices: Vec::new(), releases: BTreeMap::new() };
    let mut points = walk.set(&document.selections, &Place::root(document))?;
    if walk.letters > ANSWER {
        return Err(Error::DocumentTooComplex { what: "bytes of response (estimated)", limit: ANSWER });
    }
    for selected in document.selections.iter().filter(|selected| is_introspection(&selected.name)) {
        let step = walk.step(selected, None);
        walk.own.push((step, INTROSPECTION));
        points = points.saturating_add(INTROSPECTION);
    }
    let units = walk.releases.iter().map(|((_, bundle, _), times)| bundle.price_mu().saturating_mul(*times));
    let units_mu = units.fold(0, i64::saturating_add);
    Ok(Bill { points, units_mu, steps: walk.steps, own: walk.own, slices: walk.slices })
}

/// The position of the walk: a selection set and its context.
struct Place<'a> {
    /// The type whose fields are selected.
    on: &'a str,
    step: Option<usize>,
    /// A hash of the field names and arguments from the root. Equal hashes denote the same segment.
    meaning: u64,
    /// `meaning` of the closest enclosing segment.
    segment: u64,
    /// The `window` argument of the closest enclosing field that has one.
    window: String,
    /// Number of items that were sent with the closest enclosing field that takes some.
    sent: u64,
    /// How often this selection set occurs in the response.
    times: u64,
    /// The page size if this is a connection, and its index in `slices`.
    page: Option<(u64, usize)>,
}

impl Place<'_> {
    fn root(document: &Normal) -> Self {
        let (on, window) = (root_type(document.kind), DEFAULT_WINDOW.to_owned());
        Self { on, step: None, meaning: 0, segment: 0, window, sent: 0, times: 1, page: None }
    }

    /// The `meaning` of a field in this selection set.
    fn meaning_of(&self, selected: &Selected) -> u64 {
        let mut hasher = DefaultHasher::new();
        (self.meaning, &selected.name).hash(&mut hasher);
        for (name, value) in &selected.arguments {
            (name, value.to_string()).hash(&mut hasher);
        }
        hasher.finish()
    }
}

struct Walk<'a> {
    shape: &'a Shape,
    /// Size of the response in bytes (estimated).
    letters: usize,
    steps: Vec<Step>,
    own: Vec<(usize, u64)>,
    slices: Vec<Slice>,
    /// Requested releases: hash of the segment, bundle and window; and how often each one occurs.
    releases: BTreeMap<(u64, Bundle, String), i64>,
}

impl Walk<'_> {
    fn step(&mut self, selected: &Selected, within: Option<usize>) -> usize {
        self.steps.push(Step { key: selected.key.clone(), within });
        self.steps.len() - 1
    }

    /// Points of one occurrence of a selection set (the caller multiplies).
    fn set(&mut self, selections: &[Selected], at: &Place) -> Result<u64, Error> {
        let mut points = 0_u64;
        for selected in selections {
            points = points.saturating_add(self.field(selected, at)?);
        }
        Ok(points)
    }

    /// Points of one occurrence of a field: its weight, and its items with their subfields.
    fn field(&mut self, selected: &Selected, at: &Place) -> Result<u64, Error> {
        let times = usize::try_from(at.times).unwrap_or(usize::MAX);
        self.letters =
            self.letters.saturating_add(times.saturating_mul(selected.key.len() + letters(at.on, &selected.name)));
        let Some(field) = self.shape.field(at.on, &selected.name) else { return Ok(0) };
        let step = self.step(selected, at.step);
        let weight = field.price.map_or(0, |price| price.weight(selected));
        let window = window_of(selected).unwrap_or_else(|| at.window.clone());
        let (items, page) = match sizes(selected, field, at)? {
            Items::Number(items) => (items, None),
            Items::Page { size, argument } => {
                let slice = Slice { step, argument, size, points: 0 };
                self.slices.push(slice);
                // A list multiplies its items by the size here; a connection passes the size to `edges` and `nodes`.
                (if field.is_list { size } else { 1 }, Some((size, self.slices.len() - 1)))
            }
        };
        for ask in field.price.map_or(&[][..], |price| price.asks) {
            self.release(selected, at, *ask, &window);
        }
        let below = if field.is_object {
            let meaning = at.meaning_of(selected);
            let below = Place {
                on: &field.named,
                step: Some(step),
                meaning,
                segment: if field.named == "Segment" { meaning } else { at.segment },
                window,
                sent: field.price.and_then(|price| price.sent).map_or(at.sent, |sent| sent.count(selected)),
                times: at.times.saturating_mul(items),
                page,
            };
            self.set(&selected.children, &below)?.saturating_add(1)
        } else {
            0
        };
        let all = items.saturating_mul(below);
        let slice = if SIZED.contains(&selected.name.as_str()) { at.page } else { page.filter(|_| field.is_list) };
        if let Some((_, slice)) = slice {
            let points = &mut self.slices[slice].points;
            *points = points.saturating_add(at.times.saturating_mul(all));
        }
        let own = at.times.saturating_mul(weight.saturating_add(if field.is_object { items } else { 0 }));
        if own > 0 {
            self.own.push((step, own));
        }
        Ok(weight.saturating_add(all))
    }

    fn release(&mut self, selected: &Selected, at: &Place, ask: Ask, window: &str) {
        let mut hasher = DefaultHasher::new();
        (at.segment, ask.of).hash(&mut hasher);
        if ask.of == Of::Other {
            selected.arguments.get("with").map(ToString::to_string).hash(&mut hasher);
        }
        let window = if ask.bundle == Bundle::Behavior { window } else { DEFAULT_WINDOW };
        let times = i64::try_from(at.times).unwrap_or(i64::MAX);
        for bundle in [ask.bundle, Bundle::Size] {
            self.releases.insert((hasher.finish(), bundle, window.to_owned()), times);
        }
    }
}

/// The window of a field for which none is requested.
const DEFAULT_WINDOW: &str = "DAYS_28";

fn window_of(selected: &Selected) -> Option<String> {
    match selected.arguments.get("window")? {
        Value::Enum(window) => Some(window.to_string()),
        Value::String(window) => Some(window.clone()),
        _ => None,
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

fn sizes(selected: &Selected, field: &Field, at: &Place) -> Result<Items, Error> {
    match field.price.map_or(Size::One, |price| price.size) {
        Size::One if SIZED.contains(&selected.name.as_str()) => Ok(Items::Number(at.page.map_or(1, |(size, _)| size))),
        Size::One => Ok(Items::Number(1)),
        Size::Fixed(items) => Ok(Items::Number(items)),
        Size::Sent => Ok(Items::Number(at.sent)),
        Size::Page { arguments, largest } => {
            let mut given = None;
            for argument in arguments {
                let number = match selected.arguments.get(*argument) {
                    None | Some(Value::Null) => continue,
                    Some(Value::Number(number)) => number.as_u64().filter(|size| *size <= largest),
                    Some(_) => None,
                };
                let size = number.ok_or_else(|| Error::input(*argument, format!("must be 0 to {largest}.")))?;
                given = given.or(Some((size, *argument)));
            }
            let (size, argument) = given.unwrap_or_else(|| {
                let argument = arguments.last().copied().unwrap_or_default();
                (field.default_of(argument).unwrap_or(largest), argument)
            });
            Ok(Items::Page { size, argument })
        }
    }
}
