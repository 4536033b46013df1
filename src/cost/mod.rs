//! Points: what a document costs to compute. One price table feeds the enforcement, `@cost` and `@listSize` in
//! `schema.graphql`, and the table in `docs/limits.md`.
//!
//! A scalar costs 0, an object 1, a field of [`PRICES`] its weight on top; a list multiplies what is asked of its items
//! by its size. The walk looks at each selected field once (the guard bounds how many there are) and goes to the end,
//! so that a refusal can name the price and what is dear.

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

/// What each `__schema` and `__type` costs, however much it asks: every key can pay it.
pub const INTROSPECTION: u64 = 10;
/// Bytes of an answer, by estimate: scalars cost nothing, but keys can be long and stand in every item of a list.
const ANSWER: usize = 4 * 1024 * 1024;
/// Quotes of one document: each reads a document of its own.
const MOST_QUOTES: usize = 5;

/// Points of one place in a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, async_graphql::SimpleObject)]
pub struct PathPoints {
    /// Response keys from the root, separated by dots.
    pub path: String,
    /// Points, without what lies below.
    pub points: u64,
}

/// A page that could be smaller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, async_graphql::SimpleObject)]
pub struct PageFit {
    /// The list, as response keys from the root.
    pub path: String,
    /// The argument that says its size.
    pub argument: String,
    /// The largest size with which the document fits.
    pub size: u64,
}

/// What an error says of a document that costs too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Costly {
    pub cost: u64,
    pub limit: u64,
    /// The three dearest places.
    pub dearest: Vec<PathPoints>,
    pub fits: Option<PageFit>,
}

/// A place in a document: its key and the place it lies in. A path is put together only where one is shown.
struct Step {
    key: Name,
    within: Option<usize>,
}

/// A list whose size the document chooses.
struct Slice {
    step: usize,
    argument: &'static str,
    size: u64,
    /// Points of all its items, and nothing else: proportional to the size.
    points: u64,
}

/// What a document costs.
pub struct Bill {
    /// Points in all.
    pub points: u64,
    /// Privacy units in milli-units, if nothing of it was seen before.
    pub units_mu: i64,
    steps: Vec<Step>,
    /// Own points of places that have some.
    own: Vec<(usize, u64)>,
    slices: Vec<Slice>,
}

impl Bill {
    /// The dearest places, dearest first.
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

    /// The largest page with which the document would cost at most `limit`: of the list that costs most.
    #[must_use]
    pub fn largest_page(&self, limit: u64) -> Option<PageFit> {
        let slice = self.slices.iter().filter(|slice| slice.size > 0).max_by_key(|slice| slice.points)?;
        let rest = self.points.saturating_sub(slice.points);
        let size = limit.checked_sub(rest)? / (slice.points / slice.size).max(1);
        let fits = PageFit { path: self.path(slice.step), argument: slice.argument.to_owned(), size };
        (size > 0).then_some(fits)
    }

    /// Why it does not fit into a limit.
    #[must_use]
    pub fn costly(&self, limit: u64) -> Box<Costly> {
        Box::new(Costly { cost: self.points, limit, dearest: self.dearest(3), fits: self.largest_page(limit) })
    }
}

/// Prices a document.
///
/// # Errors
/// [`Error::BadUserInput`] naming the argument: a page size that is none.
pub fn price(document: &Normal, shape: &Shape) -> Result<Bill, Error> {
    if document.selections.iter().filter(|selected| selected.name == "quote").count() > MOST_QUOTES {
        return Err(Error::DocumentTooComplex { what: "quotes", limit: MOST_QUOTES });
    }
    let mut walk =
        Walk { shape, letters: 0, steps: Vec::new(), own: Vec::new(), slices: Vec::new(), releases: BTreeMap::new() };
    let mut points = walk.set(&document.selections, &Place::root(document))?;
    if walk.letters > ANSWER {
        return Err(Error::DocumentTooComplex { what: "bytes of an answer, by estimate", limit: ANSWER });
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

/// Where the walk is.
struct Place<'a> {
    /// The type whose fields are selected.
    on: &'a str,
    step: Option<usize>,
    /// A digest of names and arguments down to here: where they are equal, so are the segments meant.
    meaning: u64,
    /// As `meaning`, of the segment in which this place lies.
    segment: u64,
    /// The window that the field here or around here was asked for.
    window: String,
    /// How many items were sent along with the field around here.
    sent: u64,
    /// How often this place comes in the answer.
    times: u64,
    /// The page size of the connection that this is, and its place among the slices.
    page: Option<(u64, usize)>,
}

impl Place<'_> {
    fn root(document: &Normal) -> Self {
        let (on, window) = (root_type(document.kind), DEFAULT_WINDOW.to_owned());
        Self { on, step: None, meaning: 0, segment: 0, window, sent: 0, times: 1, page: None }
    }

    /// The meaning of a field here.
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
    /// Letters of the answer, by estimate.
    letters: usize,
    steps: Vec<Step>,
    own: Vec<(usize, u64)>,
    slices: Vec<Slice>,
    /// How many releases of a bundle (and its size) a segment is asked for.
    releases: BTreeMap<(u64, Bundle, String), i64>,
}

impl Walk<'_> {
    fn step(&mut self, selected: &Selected, within: Option<usize>) -> usize {
        self.steps.push(Step { key: selected.key.clone(), within });
        self.steps.len() - 1
    }

    /// Points of a selection set, counted once (the caller multiplies).
    fn set(&mut self, selections: &[Selected], at: &Place) -> Result<u64, Error> {
        let mut points = 0_u64;
        for selected in selections {
            points = points.saturating_add(self.field(selected, at)?);
        }
        Ok(points)
    }

    /// Points of one field at one place: its weight, and its items with what is asked of them.
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
                // A list counts its items itself; a connection hands the size down to its edges.
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

/// The window of which everything is told where none is named.
const DEFAULT_WINDOW: &str = "DAYS_28";

fn window_of(selected: &Selected) -> Option<String> {
    match selected.arguments.get("window")? {
        Value::Enum(window) => Some(window.to_string()),
        Value::String(window) => Some(window.clone()),
        _ => None,
    }
}

/// How many items a field holds.
enum Items {
    Number(u64),
    /// As many as this argument says.
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
