//! Index of a schema for the cost estimate: the type, the list size and the price of each field.

use std::collections::HashMap;

use async_graphql::{
    Name, Value,
    parser::{
        parse_schema,
        types::{BaseType, FieldDefinition, Type, TypeKind, TypeSystemDefinition},
    },
};

use crate::{FieldPrice, PriceTable, price::PAGE_FIELDS};

/// The fields of all object types of a schema, with their prices.
pub struct SchemaIndex {
    objects: HashMap<String, HashMap<String, IndexedField>>,
    pub(crate) prices: &'static PriceTable,
}

/// A field of an object type.
pub(crate) struct IndexedField {
    /// The full type, with lists and non-null marks.
    pub kind: Type,
    /// The innermost type.
    pub named: String,
    pub is_object: bool,
    pub is_list: bool,
    pub price: Option<&'static FieldPrice>,
    defaults: HashMap<String, u64>,
}

impl IndexedField {
    /// The default of a numeric argument.
    pub fn default_of(&self, argument: &str) -> Option<u64> {
        self.defaults.get(argument).copied()
    }
}

impl SchemaIndex {
    /// Parses a schema.
    ///
    /// # Errors
    /// The text is not a valid schema, or the price table contains a field that the schema lacks.
    pub fn parse(sdl: &str, prices: &'static PriceTable) -> anyhow::Result<Self> {
        let document = parse_schema(sdl)?;
        let mut definitions = HashMap::new();
        for definition in document.definitions {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let definition = definition.node;
            if let TypeKind::Object(object) = definition.kind {
                definitions.insert(definition.name.node.to_string(), object.fields);
            }
        }
        let index = |on: &str, field: &FieldDefinition| {
            let kind = field.ty.node.clone();
            let named = innermost(&kind).to_string();
            let defaults = field.arguments.iter().filter_map(|argument| {
                let default = &argument.node.default_value.as_ref()?.node;
                let Value::Number(default) = default else { return None };
                Some((argument.node.name.node.to_string(), default.as_u64()?))
            });
            IndexedField {
                is_object: definitions.contains_key(&named),
                is_list: matches!(kind.base, BaseType::List(_)),
                price: prices.find(on, &field.name.node),
                defaults: defaults.collect(),
                kind,
                named,
            }
        };
        let objects = definitions.iter().map(|(on, fields)| {
            let fields = fields.iter().map(|field| (field.node.name.node.to_string(), index(on, &field.node)));
            (on.clone(), fields.collect())
        });
        let index = Self { objects: objects.collect(), prices };
        for price in prices.fields {
            anyhow::ensure!(
                index.field(price.on, price.field).is_some(),
                "the price table contains {}.{}, which the schema lacks",
                price.on,
                price.field
            );
        }
        Ok(index)
    }

    /// Returns a field of an object type; `None` for `__typename` and introspection fields.
    pub(crate) fn field(&self, on: &str, name: &str) -> Option<&IndexedField> {
        self.objects.get(on)?.get(name)
    }

    /// Returns the lists of objects for which the price table has no size, as `Type.field`. It must be empty.
    #[must_use]
    pub fn lists_without_size(&self) -> Vec<String> {
        let mut missing = Vec::new();
        for (on, fields) in &self.objects {
            for (name, field) in fields {
                let sized = PAGE_FIELDS.contains(&name.as_str()) || field.price.is_some();
                if field.is_list && field.is_object && !sized {
                    missing.push(format!("{on}.{name}"));
                }
            }
        }
        missing
    }
}

/// The name of the type inside all lists.
pub(crate) fn innermost(kind: &Type) -> &Name {
    match &kind.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => innermost(inner),
    }
}
