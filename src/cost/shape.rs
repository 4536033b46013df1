//! Index of the schema for the cost estimate: the type, the list size and the price of each field.

use std::collections::HashMap;

use async_graphql::{
    Name, Value,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

use super::{PRICES, Price, price_of};

/// The fields of all object types of the schema.
pub struct Shape(HashMap<String, HashMap<String, Field>>);

/// A field of an object type.
pub struct Field {
    /// The full type, with lists and non-null marks.
    pub kind: Type,
    /// The innermost type.
    pub named: String,
    pub is_object: bool,
    pub is_list: bool,
    pub price: Option<&'static Price>,
    defaults: HashMap<String, u64>,
}

impl Field {
    /// The default of a numeric argument.
    pub fn default_of(&self, argument: &str) -> Option<u64> {
        self.defaults.get(argument).copied()
    }
}

impl Shape {
    /// Parses a schema.
    ///
    /// # Errors
    /// The text is not a valid schema, or the price table contains a field that the schema lacks.
    pub fn parse(sdl: &str) -> anyhow::Result<Self> {
        let document = parse_schema(sdl)?;
        let mut objects = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = definition.node;
            if let TypeKind::Object(object) = definition.kind {
                objects.insert(definition.name.node.to_string(), object.fields);
            }
        }
        let is_object = |name: &str| objects.contains_key(name);
        let field = |on: &str, field: &FieldDefinition| {
            let kind = field.ty.node.clone();
            let named = innermost(&kind).to_string();
            let defaults = field.arguments.iter().filter_map(|argument| {
                let default = &argument.node.default_value.as_ref()?.node;
                let Value::Number(default) = default else { return None };
                Some((argument.node.name.node.to_string(), default.as_u64()?))
            });
            Field {
                is_object: is_object(&named),
                is_list: matches!(kind.base, BaseType::List(_)),
                price: price_of(on, &field.name.node),
                defaults: defaults.collect(),
                kind,
                named,
            }
        };
        let shapes = objects.iter().map(|(on, fields)| {
            let fields = fields.iter().map(|positioned| &positioned.node);
            (on.clone(), fields.map(|node| (node.name.node.to_string(), field(on, node))).collect())
        });
        let shape = Self(shapes.collect());
        for price in PRICES {
            anyhow::ensure!(
                shape.field(price.on, price.field).is_some(),
                "the price table contains {}.{}, which the schema lacks",
                price.on,
                price.field
            );
        }
        Ok(shape)
    }

    /// Returns a field of an object type; `None` for `__typename` and introspection fields.
    #[must_use]
    pub fn field(&self, on: &str, name: &str) -> Option<&Field> {
        self.0.get(on)?.get(name)
    }

    /// Returns the lists of objects for which the price table has no size, as `Type.field`. It must be empty.
    pub fn lists_without_size(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (on, fields) in &self.0 {
            for (name, field) in fields {
                let sized = super::SIZED.contains(&name.as_str()) || field.price.is_some();
                if field.is_list && field.is_object && !sized {
                    missing.push(format!("{on}.{name}"));
                }
            }
        }
        missing
    }
}

/// The name of the type inside all lists.
#[must_use]
pub fn innermost(kind: &Type) -> &Name {
    match &kind.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
