//! What an answer was worth, and its `data` as the specification wants it.
//!
//! The library leaves a refused field out of `data`, also where the schema says that it is never null, and writes keys
//! in the order in which they were resolved. Typed clients expect the keys of their selection, in its order, and a
//! null that travels up from a field that may not be null.

use std::collections::HashSet;

use async_graphql::{
    Name, PathSegment, ServerError, Value,
    indexmap::IndexMap,
    parser::types::{BaseType, Type},
};

use super::{INTROSPECTION, Shape, shape::Field};
use crate::{
    document::{Normal, Selected, is_introspection, root_type},
    error::Error,
};

/// `data`, put in order, and what it cost.
pub struct Answered {
    pub data: Value,
    /// Points for what was resolved: never more than was asked for.
    pub points: u64,
}

/// Puts an answer's data in order and counts its points: a field costs its weight if it was tried, whatever came of it
/// (but nothing if the key was refused), and its items as many as there are.
#[must_use]
pub fn settle(document: &Normal, shape: &Shape, data: Value, errors: &[ServerError]) -> Answered {
    let forbidden = errors.iter().filter(|error| is_forbidden(error)).map(|error| keys(&error.path)).collect();
    let mut settling = Settling { shape, forbidden, points: 0, path: Vec::new() };
    let fields = match data {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    for _ in document.selections.iter().filter(|selected| is_introspection(&selected.name)) {
        settling.points += INTROSPECTION;
    }
    let data = settling.object(&document.selections, root_type(document.kind), fields).unwrap_or(Value::Null);
    Answered { data, points: settling.points }
}

fn is_forbidden(error: &ServerError) -> bool {
    let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
    code == Some(&Value::from(Error::Forbidden { needs: &[] }.code()))
}

/// A path without its list indices: a scope is missing at all of them or at none.
fn keys(path: &[PathSegment]) -> Vec<String> {
    let fields = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(key) => Some(key.clone()),
        PathSegment::Index(_) => None,
    });
    fields.collect()
}

struct Settling<'a> {
    shape: &'a Shape,
    forbidden: HashSet<Vec<String>>,
    points: u64,
    path: Vec<String>,
}

impl Settling<'_> {
    /// An object's fields in the order of the selection; `None` if one of them is null that may not be.
    fn object(&mut self, selections: &[Selected], on: &str, mut fields: IndexMap<Name, Value>) -> Option<Value> {
        let mut ordered = IndexMap::with_capacity(selections.len());
        let mut whole = true;
        for selected in selections {
            let value = fields.swap_remove(&selected.key);
            let value = match self.shape.field(on, &selected.name) {
                None => Some(plain(&selected.children, value.unwrap_or(Value::Null))),
                Some(field) => {
                    let weight = field.price.map_or(0, |price| price.weight(selected));
                    if self.forbidden.is_empty() {
                        self.points += weight;
                        self.value(selected, field, &field.kind, value.unwrap_or(Value::Null))
                    } else {
                        self.path.push(selected.key.to_string());
                        self.points += if self.forbidden.contains(&self.path) { 0 } else { weight };
                        let value = self.value(selected, field, &field.kind, value.unwrap_or(Value::Null));
                        self.path.pop();
                        value
                    }
                }
            };
            match value {
                Some(value) => {
                    ordered.insert(selected.key.clone(), value);
                }
                None => whole = false,
            }
        }
        whole.then_some(Value::Object(ordered))
    }

    /// A value of a type; `None` if it is null and may not be.
    fn value(&mut self, selected: &Selected, field: &Field, kind: &Type, value: Value) -> Option<Value> {
        let value = match (&kind.base, value) {
            (_, Value::Null) => None,
            (BaseType::List(inner), Value::List(items)) => {
                let items: Vec<Option<Value>> =
                    items.into_iter().map(|item| self.value(selected, field, inner, item)).collect();
                items.into_iter().collect::<Option<Vec<Value>>>().map(Value::List)
            }
            (BaseType::Named(_), Value::Object(fields)) if field.is_object => {
                self.points += 1;
                self.object(&selected.children, &field.named, fields)
            }
            (_, value) => Some(value),
        };
        match value {
            None if kind.nullable => Some(Value::Null),
            value => value,
        }
    }
}

/// `__typename` and introspection: whole whenever it is there.
fn plain(selections: &[Selected], value: Value) -> Value {
    match value {
        Value::List(items) => Value::List(items.into_iter().map(|item| plain(selections, item)).collect()),
        Value::Object(mut fields) => {
            let ordered = selections.iter().map(|selected| {
                let value = fields.swap_remove(&selected.key).unwrap_or(Value::Null);
                (selected.key.clone(), plain(&selected.children, value))
            });
            Value::Object(ordered.collect())
        }
        value => value,
    }
}
