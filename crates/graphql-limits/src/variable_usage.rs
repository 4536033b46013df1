//! Checks that variables are used only where their types allow it (GraphQL specification, "All Variable Usages Are
//! Allowed"). async-graphql 7.2 contains this rule, but does not pass input values to it.

use std::collections::{HashMap, HashSet};

use async_graphql::{
    Name, Pos, Positioned, ServerError, Value as ConstValue,
    parser::{
        parse_schema,
        types::{
            BaseType, Directive, ExecutableDocument, InputValueDefinition, OperationDefinition, Selection,
            SelectionSet, Type, TypeKind, TypeSystemDefinition, VariableDefinition,
        },
    },
};
use async_graphql_value::Value;

use crate::{Error, root_type, schema_index::innermost};

/// An argument or a field of an input object: its type, and whether it has a default.
struct InputSlot {
    kind: Type,
    has_default: bool,
}

/// A field: its arguments and its innermost type.
struct FieldInputs {
    arguments: HashMap<Name, InputSlot>,
    returns: Name,
}

/// The arguments and input objects of the schema.
pub struct InputTypes {
    fields: HashMap<Name, HashMap<Name, FieldInputs>>,
    objects: HashMap<Name, HashMap<Name, InputSlot>>,
}

fn input_slots(definitions: Vec<Positioned<InputValueDefinition>>) -> HashMap<Name, InputSlot> {
    let slot = |definition: InputValueDefinition| InputSlot {
        kind: definition.ty.node,
        has_default: definition.default_value.is_some(),
    };
    definitions.into_iter().map(|definition| (definition.node.name.node.clone(), slot(definition.node))).collect()
}

impl InputTypes {
    /// Parses the schema. An invalid schema returns an empty value.
    #[must_use]
    pub fn parse(sdl: &str) -> Self {
        let mut inputs = Self { fields: HashMap::new(), objects: HashMap::new() };
        // The server does not start with an invalid schema (`SchemaIndex::parse` checks it).
        for definition in parse_schema(sdl).map(|document| document.definitions).unwrap_or_default() {
            let TypeSystemDefinition::Type(definition) = definition else { continue };
            let (name, kind) = (definition.node.name.node, definition.node.kind);
            match kind {
                TypeKind::Object(object) => {
                    let fields = object.fields.into_iter().map(|field| {
                        let returns = innermost(&field.node.ty.node).clone();
                        (field.node.name.node, FieldInputs { arguments: input_slots(field.node.arguments), returns })
                    });
                    inputs.fields.insert(name, fields.collect());
                }
                TypeKind::InputObject(object) => {
                    inputs.objects.insert(name, input_slots(object.fields));
                }
                _ => {}
            }
        }
        let kind = Type { base: BaseType::Named(Name::new("String")), nullable: false };
        let arguments = HashMap::from([(Name::new("name"), InputSlot { kind, has_default: false })]);
        let introspection = FieldInputs { arguments, returns: Name::new("__Type") };
        inputs.fields.entry(Name::new("Query")).or_default().insert(Name::new("__type"), introspection);
        inputs
    }

    /// Checks every use of a variable in a document.
    ///
    /// # Errors
    /// [`Error::InvalidDocument`] with the positions of the uses that are not allowed.
    pub fn check(&self, document: &ExecutableDocument) -> Result<(), Error> {
        let mut errors = Vec::new();
        for (_, operation) in document.operations.iter() {
            let operation = &operation.node;
            if operation.variable_definitions.is_empty() {
                continue;
            }
            let root = Name::new(root_type(operation.ty));
            let mut usage = VariableUsage {
                inputs: self,
                document,
                variables: variables(operation),
                visited: HashSet::new(),
                errors: &mut errors,
            };
            usage.set(&operation.selection_set.node, &root);
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::InvalidDocument(errors)) }
    }
}

fn variables(operation: &OperationDefinition) -> HashMap<&Name, &VariableDefinition> {
    let definitions = operation.variable_definitions.iter().map(|definition| &definition.node);
    definitions.map(|definition| (&definition.name.node, definition)).collect()
}

struct VariableUsage<'a> {
    inputs: &'a InputTypes,
    document: &'a ExecutableDocument,
    variables: HashMap<&'a Name, &'a VariableDefinition>,
    /// Fragments that were visited for this operation.
    visited: HashSet<&'a Name>,
    errors: &'a mut Vec<ServerError>,
}

impl<'a> VariableUsage<'a> {
    fn set(&mut self, set: &'a SelectionSet, on: &Name) {
        for selection in &set.items {
            self.directives(selection.node.directives());
            match &selection.node {
                Selection::Field(field) => {
                    let field = &field.node;
                    let Some(known) = self.inputs.fields.get(on).and_then(|fields| fields.get(&field.name.node)) else {
                        continue;
                    };
                    for (name, value) in &field.arguments {
                        if let Some(slot) = known.arguments.get(&name.node) {
                            self.value(&value.node, &slot.kind, slot.has_default, value.pos);
                        }
                    }
                    self.set(&field.selection_set.node, &known.returns);
                }
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref().map(|condition| &condition.node.on.node);
                    self.set(&fragment.node.selection_set.node, condition.unwrap_or(on));
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = self.document.fragments.get(name)
                        && self.visited.insert(name)
                    {
                        let condition = &fragment.node.type_condition.node.on.node;
                        self.set(&fragment.node.selection_set.node, condition);
                    }
                }
            }
        }
    }

    fn directives(&mut self, directives: &'a [Positioned<Directive>]) {
        let boolean = Type { base: BaseType::Named(Name::new("Boolean")), nullable: false };
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            self.value(&value.node, &boolean, false, value.pos);
        }
    }

    fn value(&mut self, value: &'a Value, kind: &Type, has_default: bool, position: Pos) {
        match value {
            Value::Variable(name) => {
                let Some(definition) = self.variables.get(name) else { return };
                if !is_allowed(definition, kind, has_default) {
                    let of = &definition.var_type.node;
                    let message = format!("The variable ${name} of type {of} cannot be used where {kind} is expected.");
                    self.errors.push(ServerError::new(message, Some(position)));
                }
            }
            Value::List(items) => {
                // A list where none is expected is not reported here: another validation rule reports it.
                let inner = if let BaseType::List(inner) = &kind.base { inner } else { kind };
                for item in items {
                    self.value(item, inner, false, position);
                }
            }
            Value::Object(fields) => {
                let Some(input_slots) = self.inputs.objects.get(innermost(kind)) else { return };
                for (name, field) in fields {
                    if let Some(slot) = input_slots.get(name) {
                        self.value(field, &slot.kind, slot.has_default, position);
                    }
                }
            }
            _ => {}
        }
    }
}

fn is_allowed(variable: &VariableDefinition, place: &Type, has_default: bool) -> bool {
    let of = &variable.var_type.node;
    if !place.nullable && of.nullable {
        let default = variable.default_value.as_ref().is_some_and(|default| default.node != ConstValue::Null);
        // A client may still send null; that is reported when the variables are read.
        return (default || has_default) && is_compatible(of, &Type { nullable: true, ..place.clone() });
    }
    is_compatible(of, place)
}

fn is_compatible(of: &Type, place: &Type) -> bool {
    (place.nullable || !of.nullable)
        && match (&of.base, &place.base) {
            (BaseType::Named(of), BaseType::Named(place)) => of == place,
            (BaseType::List(of), BaseType::List(place)) => is_compatible(of, place),
            _ => false,
        }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    const SCHEMA: &str = "type Query { a(one: Int!, some: Int = 3, list: [Int!], in: In): B b(n: Int! = 1): Int }
        type B { c(text: String): Int } input In { must: String! may: String! = \"x\" more: [In!] }";

    fn fits(query: &str) -> bool {
        InputTypes::parse(SCHEMA).check(&parse_query(query).unwrap()).is_ok()
    }

    #[test]
    fn a_variable_fits_where_the_specification_says() {
        for query in [
            "query ($x: Int!) { a(one: $x) { c } }",
            "query ($x: Int = 2) { a(one: $x) { c } }",
            "query ($x: Int) { b(n: $x) }",
            "query ($x: Int, $y: Int!) { a(one: 1, some: $x, list: [$y]) { c } }",
            "query ($x: [Int!]!) { a(one: 1, list: $x) { c } }",
            "query ($x: String!, $y: String) { a(one: 1, in: {must: $x, may: $y, more: [{must: $x}]}) { c } }",
            "query ($x: Boolean!) { a(one: 1) @skip(if: $x) { c } }",
            "query ($x: String) { ...f } fragment f on Query { a(one: 1) { ... on B { c(text: $x) } } }",
            "query ($x: String!) { __type(name: $x) { name } }",
        ] {
            assert!(fits(query), "{query}");
        }
        for query in [
            "query ($x: Int) { a(one: $x) { c } }",
            "query ($x: Int = null) { a(one: $x) { c } }",
            "query ($x: String!) { a(one: $x) { c } }",
            "query ($x: Int) { a(one: 1, list: [$x]) { c } }",
            "query ($x: Int!) { a(one: 1, list: $x) { c } }",
            "query ($x: [Int]) { a(one: 1, list: $x) { c } }",
            "query ($x: String) { a(one: 1, in: {must: $x}) { c } }",
            "query ($x: String) { a(one: 1, in: {must: \"\", more: [{must: $x}]}) { c } }",
            "query ($x: Boolean) { a(one: 1) @skip(if: $x) { c } }",
            "query ($x: Int) { ...f } fragment f on Query { a(one: 1) { ... on B { c(text: $x) } } }",
            "query ($x: String) { __type(name: $x) { name } }",
        ] {
            assert!(!fits(query), "{query}");
        }
    }
}
