//! Computes the actual cost of a response and brings its `data` into the form that the GraphQL specification requires.
//!
//! async-graphql omits a failed field from `data`, even if the schema declares it non-null, and writes keys in the
//! order in which they were resolved. Typed clients expect all keys of their selection, in its order, and a null of a
//! non-null field that propagates to its parent.

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

/// `data` in the order of the selection, and its cost.
pub struct Answered {
    pub data: Value,
    /// Points of the fields that were resolved, at most the estimated cost.
    pub points: u64,
}

/// Orders the data of a response and counts its points. A field costs its weight whether it succeeded or failed, except
/// that a field for which the key lacks the scope costs nothing. A list costs its actual number of items.
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

/// A path without its list indices: a scope is missing for all items or for none.
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
    /// Returns the fields of an object in the order of the selection; `None` if a non-null field is null.
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

    /// Returns the value of a field; `None` if it is null and its type is non-null.
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

/// Orders the value of `__typename` or of an introspection field, for which null propagation is not needed.
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
