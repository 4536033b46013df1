//! Normalizes the operation to execute: `@skip` and `@include` are applied, variables substituted, fragments expanded,
//! and fields with the same response key merged. Price and execution both use the normalized operation, so that
//! equivalent documents (inline or fragment, variable or literal, with or without duplicates) cost the same, and
//! duplicates run once.
//!
//! Type conditions are removed: the schema has no interfaces and no unions (checked by a test), so a condition that
//! passes validation always holds.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
};

use async_graphql::{
    Name, Pos, Positioned, Value as Given, Variables,
    indexmap::IndexMap,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value;

use super::is_introspection;
use crate::error::Error;

/// A normalized operation.
#[derive(Clone, Debug)]
pub struct Normal {
    pub kind: OperationType,
    /// The operation's own name.
    pub name: Option<Name>,
    pub selections: Vec<Selected>,
    position: Pos,
}

impl Normal {
    /// Estimated memory, in bytes. It can be much larger than the document, because fragments are expanded.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.selections.iter().map(Selected::bytes).sum()
    }
}

/// A field of a normalized operation.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The key in the response.
    pub key: Name,
    pub name: Name,
    /// The arguments in the document, with variables substituted. An absent argument has the default of the schema.
    pub arguments: BTreeMap<Name, Given>,
    /// The fields of its selection set.
    pub children: Vec<Self>,
    /// Whether the field has a selection set, which may be empty because of `@skip`.
    has_children: bool,
    position: Pos,
}

impl Selected {
    fn bytes(&self) -> usize {
        // Bytes of memory for one value, or for 64 bytes of text, including the overhead of the tree.
        const VALUE: usize = 128;
        let arguments: usize = self.arguments.values().map(weight).sum();
        let own = size_of::<Self>() + self.key.len() + self.name.len() + arguments * VALUE;
        own + self.children.iter().map(Self::bytes).sum::<usize>()
    }
}

/// Response key of a `__typename` that is added to every object, because async-graphql returns null for an object whose
/// fields all failed. Not part of the response.
const PRESENT: &str = "__present";

/// Maximum number of values that result from substituting variables, counted for each use.
const PUT_IN: usize = 20_000;

/// The number of values in a value. A string counts one more per 64 bytes.
fn weight(value: &Given) -> usize {
    1 + match value {
        Given::List(items) => items.iter().map(weight).sum(),
        Given::Object(fields) => fields.values().map(weight).sum(),
        Given::String(text) => text.len() / 64,
        _ => 0,
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidRequest { message: message.into() }
}

/// Normalizes a document that passed [`super::guard`] and validation.
///
/// # Errors
/// [`Error::InvalidRequest`] if the operation does not exist, a variable has no value, or two different fields use the
/// same response key. [`Error::DocumentTooComplex`] if the substituted variables have too many values.
pub fn normalize(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<Normal, Error> {
    let (name, operation) = pick(&document.operations, operation_name)?;
    let variables = values(&operation.node, variables)?;
    let spread = Spread { fragments: &document.fragments, variables: &variables, put_in: Cell::new(0) };
    let mut selections = Vec::new();
    spread.merge(&operation.node.selection_set.node, &mut selections, &mut HashMap::new())?;
    let (kind, selections) = (operation.node.ty, finish(selections));
    Ok(Normal { kind, name: name.cloned(), selections, position: operation.pos })
}

/// Selects the operation to execute. Returns its name and the operation.
fn pick<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<(Option<&'a Name>, &'a Positioned<OperationDefinition>), Error> {
    let mut named = operations.iter().filter(|(of, _)| name.is_none_or(|name| of.is_some_and(|of| of == name)));
    match (named.next(), named.next(), name) {
        (Some(operation), None, _) => Ok(operation),
        (None, _, Some(name)) => {
            let name: String = name.chars().take(60).collect();
            Err(invalid(format!("The document has no operation {name:?}.")))
        }
        _ => Err(invalid("The document has several operations: select one with operationName.")),
    }
}

/// The values of the operation's variables: those that were sent, otherwise the defaults.
fn values(operation: &OperationDefinition, sent: &Variables) -> Result<HashMap<Name, Given>, Error> {
    let mut values = HashMap::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let default = definition.default_value.as_ref().map(|default| &default.node);
        let value = sent.get(name).or(default);
        let nullable = definition.var_type.node.nullable;
        if !nullable && value.is_none_or(|value| *value == Given::Null) {
            return Err(invalid(format!("The variable ${name} requires a value that is not null.")));
        }
        if let Some(value) = value {
            values.insert(name.clone(), value.clone());
        }
    }
    Ok(values)
}

/// A field into which further ones with the same response key may be merged.
struct Open {
    field: Selected,
    children: Vec<Open>,
    /// The index in `children`, by response key.
    places: HashMap<Name, usize>,
}

struct Spread<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a HashMap<Name, Given>,
    /// Number of values substituted for variables so far.
    put_in: Cell<usize>,
}

impl Spread<'_> {
    fn merge(&self, set: &SelectionSet, into: &mut Vec<Open>, places: &mut HashMap<Name, usize>) -> Result<(), Error> {
        for selection in &set.items {
            if !self.wanted(selection.node.directives())? {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.field(field, into, places)?,
                Selection::InlineFragment(fragment) => {
                    self.merge(&fragment.node.selection_set.node, into, places)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.fragments.get(name).ok_or_else(|| invalid("There is no such fragment."))?;
                    self.merge(&fragment.node.selection_set.node, into, places)?;
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        field: &Positioned<Field>,
        into: &mut Vec<Open>,
        places: &mut HashMap<Name, usize>,
    ) -> Result<(), Error> {
        let key = &field.node.response_key().node;
        if key == PRESENT {
            return Err(invalid(format!("The alias {PRESENT} is reserved.")));
        }
        let mut arguments = BTreeMap::new();
        for (name, value) in &field.node.arguments {
            if let Some(value) = self.value(&value.node)? {
                arguments.insert(name.node.clone(), value);
            }
        }
        let place = if let Some(place) = places.get(key) {
            let before = &into[*place].field;
            if before.name != field.node.name.node || before.arguments != arguments {
                return Err(invalid(format!("Two different fields use the response key {key}: give one an alias.")));
            }
            *place
        } else {
            places.insert(key.clone(), into.len());
            let name = field.node.name.node.clone();
            let has_children = !field.node.selection_set.node.items.is_empty();
            let (key, position) = (key.clone(), field.pos);
            let field = Selected { key, name, arguments, children: Vec::new(), has_children, position };
            into.push(Open { field, children: Vec::new(), places: HashMap::new() });
            into.len() - 1
        };
        let open = &mut into[place];
        self.merge(&field.node.selection_set.node, &mut open.children, &mut open.places)
    }

    /// Substitutes the variables in a value. Returns `None` for a variable without a value, which counts as absent.
    fn value(&self, value: &Value) -> Result<Option<Given>, Error> {
        Ok(Some(match value {
            Value::Variable(name) => {
                let Some(value) = self.variables.get(name) else { return Ok(None) };
                // Every use of a variable adds its values again.
                self.put_in.set(self.put_in.get().saturating_add(weight(value)));
                if self.put_in.get() > PUT_IN {
                    let what = "values after variables are substituted (64 bytes of text are one)";
                    return Err(Error::DocumentTooComplex { what, limit: PUT_IN });
                }
                value.clone()
            }
            Value::List(items) => {
                let items = items.iter().map(|item| Ok(self.value(item)?.unwrap_or(Given::Null)));
                Given::List(items.collect::<Result<_, Error>>()?)
            }
            Value::Object(fields) => {
                let mut given = IndexMap::new();
                for (name, field) in fields {
                    if let Some(field) = self.value(field)? {
                        given.insert(name.clone(), field);
                    }
                }
                Given::Object(given)
            }
            Value::Null => Given::Null,
            Value::Number(number) => Given::Number(number.clone()),
            Value::String(text) => Given::String(text.clone()),
            Value::Boolean(truth) => Given::Boolean(*truth),
            Value::Binary(bytes) => Given::Binary(bytes.clone()),
            Value::Enum(name) => Given::Enum(name.clone()),
        }))
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn wanted(&self, directives: &[Positioned<Directive>]) -> Result<bool, Error> {
        for directive in directives {
            let directive = &directive.node;
            let condition = directive.get_argument("if").map(|value| self.value(&value.node)).transpose()?;
            let Some(Some(Given::Boolean(condition))) = condition else {
                return Err(invalid(format!("The condition of @{} must be true or false.", directive.name.node)));
            };
            if condition == (directive.name.node == "skip") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn finish(open: Vec<Open>) -> Vec<Selected> {
    open.into_iter().map(|open| Selected { children: finish(open.children), ..open.field }).collect()
}

/// Maximum number of aliases below `__schema` and `__type`.
const INTROSPECTION_ALIASES: usize = 10;
/// Maximum nesting of lists of fields and types below `__schema` and `__type`.
const INTROSPECTION_LISTS: usize = 2;

impl Normal {
    /// Rejects introspection whose result would be many times as large as the schema, because introspection has a fixed
    /// price.
    ///
    /// # Errors
    /// [`Error::DocumentTooComplex`] for too many aliases, [`Error::DocumentTooDeep`] for lists nested too deeply.
    pub fn check_introspection(&self) -> Result<(), Error> {
        let mut aliases = 0;
        let mut introspection = self.selections.iter().filter(|selected| is_introspection(&selected.name));
        introspection.try_for_each(|selected| selected.check_introspection(0, &mut aliases))
    }

    /// The document that async-graphql executes.
    #[must_use]
    pub fn executable(&self) -> ExecutableDocument {
        let operation = OperationDefinition {
            ty: self.kind,
            variable_definitions: Vec::new(),
            directives: Vec::new(),
            selection_set: set(&self.selections, true, self.position),
        };
        ExecutableDocument {
            operations: DocumentOperations::Single(Positioned::new(operation, self.position)),
            fragments: HashMap::new(),
        }
    }
}

fn set(selections: &[Selected], of_object: bool, position: Pos) -> Positioned<SelectionSet> {
    let mut items: Vec<_> = selections.iter().map(Selected::executable).collect();
    if of_object {
        let at = |name: &str| Positioned::new(Name::new(name), position);
        let present = Field {
            alias: Some(at(PRESENT)),
            name: at("__typename"),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        items.push(Positioned::new(Selection::Field(Positioned::new(present, position)), position));
    }
    Positioned::new(SelectionSet { items }, position)
}

impl Selected {
    fn check_introspection(&self, lists: usize, aliases: &mut usize) -> Result<(), Error> {
        let is_list = matches!(self.name.as_str(), "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let lists = lists + usize::from(is_list);
        *aliases += usize::from(self.key != self.name);
        if lists > INTROSPECTION_LISTS {
            let what = "levels of nested field or type lists in an introspection";
            return Err(Error::DocumentTooDeep { what, limit: INTROSPECTION_LISTS });
        }
        if *aliases > INTROSPECTION_ALIASES {
            let what = "aliases in an introspection";
            return Err(Error::DocumentTooComplex { what, limit: INTROSPECTION_ALIASES });
        }
        self.children.iter().try_for_each(|child| child.check_introspection(lists, aliases))
    }

    fn executable(&self) -> Positioned<Selection> {
        let at = |name: &Name| Positioned::new(name.clone(), self.position);
        let arguments = self.arguments.iter();
        let field = Field {
            alias: (self.key != self.name).then(|| at(&self.key)),
            name: at(&self.name),
            arguments: arguments
                .map(|(name, value)| (at(name), Positioned::new(value.clone().into_value(), self.position)))
                .collect(),
            directives: Vec::new(),
            selection_set: set(&self.children, self.has_children, self.position),
        };
        Positioned::new(Selection::Field(Positioned::new(field, self.position)), self.position)
    }
}
