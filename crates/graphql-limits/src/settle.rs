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

use crate::{
    NormalizedField, NormalizedOperation, SchemaIndex, is_introspection, root_type, schema_index::IndexedField,
};

/// `data` in the order of the selection, and its cost.
pub struct SettledResponse {
    pub data: Value,
    /// Points of the fields that were resolved, at most the estimated cost.
    pub points: u64,
}

/// Orders the data of a response and counts its points. A field costs its weight whether it succeeded or failed, except
/// that a field whose error `is_free` costs nothing. A list costs its actual number of items.
#[must_use]
pub fn settle(
    operation: &NormalizedOperation,
    schema: &SchemaIndex,
    data: Value,
    errors: &[ServerError],
    is_free: impl Fn(&ServerError) -> bool,
) -> SettledResponse {
    let free = errors.iter().filter(|error| is_free(error)).map(|error| keys(&error.path)).collect();
    let mut settlement = Settlement { schema, free, points: 0, path: Vec::new() };
    let fields = match data {
        Value::Object(fields) => fields,
        _ => IndexMap::new(),
    };
    for _ in operation.selections.iter().filter(|field| is_introspection(&field.name)) {
        settlement.points += schema.prices.introspection_points;
    }
    let data = settlement.object(&operation.selections, root_type(operation.kind), fields).unwrap_or(Value::Null);
    SettledResponse { data, points: settlement.points }
}

/// A path without its list indices: such an error occurs for all items of a list or for none.
fn keys(path: &[PathSegment]) -> Vec<String> {
    let fields = path.iter().filter_map(|segment| match segment {
        PathSegment::Field(key) => Some(key.clone()),
        PathSegment::Index(_) => None,
    });
    fields.collect()
}

struct Settlement<'a> {
    schema: &'a SchemaIndex,
    free: HashSet<Vec<String>>,
    points: u64,
    path: Vec<String>,
}

impl Settlement<'_> {
    /// Returns the fields of an object in the order of the selection; `None` if a non-null field is null.
    fn object(&mut self, selections: &[NormalizedField], on: &str, mut fields: IndexMap<Name, Value>) -> Option<Value> {
        let mut ordered = IndexMap::with_capacity(selections.len());
        let mut is_complete = true;
        for selected in selections {
            let value = fields.swap_remove(&selected.key);
            let value = match self.schema.field(on, &selected.name) {
                None => Some(plain(&selected.children, value.unwrap_or(Value::Null))),
                Some(field) => {
                    let weight = field.price.map_or(0, |price| price.weight_of(selected));
                    if self.free.is_empty() {
                        self.points += weight;
                        self.value(selected, field, &field.kind, value.unwrap_or(Value::Null))
                    } else {
                        self.path.push(selected.key.to_string());
                        self.points += if self.free.contains(&self.path) { 0 } else { weight };
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
                None => is_complete = false,
            }
        }
        is_complete.then_some(Value::Object(ordered))
    }

    /// Returns the value of a field; `None` if it is null and its type is non-null.
    fn value(&mut self, selected: &NormalizedField, field: &IndexedField, kind: &Type, value: Value) -> Option<Value> {
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
fn plain(selections: &[NormalizedField], value: Value) -> Value {
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
