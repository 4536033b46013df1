//! One meaning, one form: the operation that runs, with `@skip` and `@include` decided, variables put in, fragments
//! spread, and fields of one response key merged. Price and execution are both read off this form, so that inline,
//! fragment, variable, literal and duplicate cost the same and run once.
//!
//! Type conditions are dropped: the schema has no interface and no union (a test says so), so a condition that passed
//! the validation always holds.

use std::collections::{BTreeMap, HashMap};

use async_graphql::{
    Name, Pos, Positioned, Value as Given, Variables,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value;

use crate::error::Error;

/// An operation in its normal form.
#[derive(Clone, Debug)]
pub struct Normal {
    pub kind: OperationType,
    pub selections: Vec<Selected>,
    position: Pos,
}

/// A field in its normal form.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Its key in the response.
    pub key: Name,
    pub name: Name,
    /// What was given, variables put in; an absent one takes the schema's default.
    pub arguments: BTreeMap<Name, Given>,
    /// What is asked of it.
    pub children: Vec<Self>,
    /// Whether it has a selection set; `@skip` may have left it empty.
    has_children: bool,
    position: Pos,
}

/// A key that is asked of every object in secret: the library answers an object whose fields are all refused as null.
const PRESENT: &str = "__present";

fn invalid(message: impl Into<String>) -> Error {
    Error::InvalidRequest { message: message.into() }
}

/// Brings a document that passed the guard and the validation into its normal form.
///
/// # Errors
/// There is no such operation, a variable lacks its value, or two different fields want one response key.
pub fn normalize(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<Normal, Error> {
    let operation = pick(&document.operations, operation_name)?;
    let variables = values(&operation.node, variables)?;
    let spread = Spread { fragments: &document.fragments, variables: &variables };
    let mut selections = Vec::new();
    spread.merge(&operation.node.selection_set.node, &mut selections, &mut HashMap::new())?;
    Ok(Normal { kind: operation.node.ty, selections: finish(selections), position: operation.pos })
}

fn pick<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<&'a Positioned<OperationDefinition>, Error> {
    match (operations, name) {
        (DocumentOperations::Single(operation), None) => Ok(operation),
        (DocumentOperations::Multiple(named), None) if named.len() == 1 => {
            named.values().next().ok_or_else(|| invalid("The document holds no operation."))
        }
        (_, None) => Err(invalid("The document holds several operations: name one as operationName.")),
        (DocumentOperations::Multiple(named), Some(name)) if named.contains_key(name) => Ok(&named[name]),
        (_, Some(name)) => {
            let name: String = name.chars().take(60).collect();
            Err(invalid(format!("The document holds no operation {name:?}.")))
        }
    }
}

/// The operation's variables with what was sent or, where nothing was, their defaults.
fn values(operation: &OperationDefinition, sent: &Variables) -> Result<HashMap<Name, Given>, Error> {
    let mut values = HashMap::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let default = definition.default_value.as_ref().map(|default| &default.node);
        let value = sent.get(name).or(default);
        let nullable = definition.var_type.node.nullable;
        if !nullable && value.is_none_or(|value| *value == Given::Null) {
            return Err(invalid(format!("The variable ${name} must have a value that is not null.")));
        }
        if let Some(value) = value {
            values.insert(name.clone(), value.clone());
        }
    }
    Ok(values)
}

/// A field while others may still be merged into it.
struct Open {
    field: Selected,
    children: Vec<Open>,
    /// Where each response key stands in `children`.
    places: HashMap<Name, usize>,
}

struct Spread<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a HashMap<Name, Given>,
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
        if field.node.alias.is_some() && key.starts_with("__") {
            return Err(invalid("An alias must not begin with two underscores."));
        }
        let arguments: BTreeMap<Name, Given> = field
            .node
            .arguments
            .iter()
            .filter_map(|(name, value)| Some((name.node.clone(), self.value(&value.node)?)))
            .collect();
        let place = if let Some(place) = places.get(key) {
            let before = &into[*place].field;
            if before.name != field.node.name.node || before.arguments != arguments {
                return Err(invalid(format!("Two different fields want the key {key}: give one an alias.")));
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

    /// A value with its variables put in; `None` for a variable without a value, which is as if nothing were there.
    fn value(&self, value: &Value) -> Option<Given> {
        Some(match value {
            Value::Variable(name) => self.variables.get(name)?.clone(),
            Value::List(items) => {
                Given::List(items.iter().map(|item| self.value(item).unwrap_or(Given::Null)).collect())
            }
            Value::Object(fields) => Given::Object(
                fields.iter().filter_map(|(name, field)| Some((name.clone(), self.value(field)?))).collect(),
            ),
            Value::Null => Given::Null,
            Value::Number(number) => Given::Number(number.clone()),
            Value::String(text) => Given::String(text.clone()),
            Value::Boolean(truth) => Given::Boolean(*truth),
            Value::Binary(bytes) => Given::Binary(bytes.clone()),
            Value::Enum(name) => Given::Enum(name.clone()),
        })
    }

    /// What `@skip` and `@include` decide.
    fn wanted(&self, directives: &[Positioned<Directive>]) -> Result<bool, Error> {
        for directive in directives {
            let directive = &directive.node;
            let condition = directive.get_argument("if").and_then(|value| self.value(&value.node));
            let Some(Given::Boolean(condition)) = condition else {
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

impl Normal {
    /// The document that the library executes.
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
