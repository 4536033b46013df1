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
    Name, Pos, Positioned, Value as ConstValue, Variables,
    indexmap::IndexMap,
    parser::types::{
        Directive, DocumentOperations, ExecutableDocument, Field, FragmentDefinition, OperationDefinition,
        OperationType, Selection, SelectionSet,
    },
};
use async_graphql_value::Value;

use crate::{Error, is_introspection};

/// A normalized operation.
#[derive(Clone, Debug)]
pub struct NormalizedOperation {
    pub kind: OperationType,
    /// The operation's own name.
    pub name: Option<Name>,
    pub selections: Vec<NormalizedField>,
    position: Pos,
}

impl NormalizedOperation {
    /// Estimated memory, in bytes. It can be much larger than the document, because fragments are expanded.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.selections.iter().map(NormalizedField::bytes).sum()
    }
}

/// A field of a normalized operation.
#[derive(Clone, Debug)]
pub struct NormalizedField {
    /// The key in the response.
    pub key: Name,
    pub name: Name,
    /// The arguments in the document, with variables substituted. An absent argument has the default of the schema.
    pub arguments: BTreeMap<Name, ConstValue>,
    /// The fields of its selection set.
    pub children: Vec<Self>,
    /// Whether the field has a selection set, which may be empty because of `@skip`.
    has_children: bool,
    position: Pos,
}

impl NormalizedField {
    fn bytes(&self) -> usize {
        // Bytes of memory for one value, or for 64 bytes of text, including the overhead of the tree.
        const VALUE: usize = 128;
        let arguments: usize = self.arguments.values().map(count_values).sum();
        let own = size_of::<Self>() + self.key.len() + self.name.len() + arguments * VALUE;
        own + self.children.iter().map(Self::bytes).sum::<usize>()
    }
}

/// Response key of a `__typename` that is added to every object, because async-graphql returns null for an object whose
/// fields all failed. Not part of the response.
const PRESENCE_KEY: &str = "__present";

/// Maximum number of values that result from substituting variables, counted for each use.
const MAX_SUBSTITUTED_VALUES: usize = 20_000;

/// The number of values in a value. A string counts one more per 64 bytes.
fn count_values(value: &ConstValue) -> usize {
    1 + match value {
        ConstValue::List(items) => items.iter().map(count_values).sum(),
        ConstValue::Object(fields) => fields.values().map(count_values).sum(),
        ConstValue::String(text) => text.len() / 64,
        _ => 0,
    }
}

/// Normalizes a document that passed [`crate::measure`] and validation.
///
/// # Errors
/// [`Error::InvalidDocument`] if the operation does not exist, a variable has no value, or two different fields use the
/// same response key. [`Error::TooComplex`] if the substituted variables have too many values.
pub fn normalize(
    document: &ExecutableDocument,
    operation_name: Option<&str>,
    variables: &Variables,
) -> Result<NormalizedOperation, Error> {
    let (name, operation) = select_operation(&document.operations, operation_name)?;
    let variables = values(&operation.node, variables)?;
    let merger = Merger { fragments: &document.fragments, variables: &variables, substituted: Cell::new(0) };
    let mut selections = Vec::new();
    merger.merge(&operation.node.selection_set.node, &mut selections, &mut HashMap::new())?;
    let (kind, selections) = (operation.node.ty, finish(selections));
    Ok(NormalizedOperation { kind, name: name.cloned(), selections, position: operation.pos })
}

/// Selects the operation to execute. Returns its name and the operation.
fn select_operation<'a>(
    operations: &'a DocumentOperations,
    name: Option<&str>,
) -> Result<(Option<&'a Name>, &'a Positioned<OperationDefinition>), Error> {
    let mut named = operations.iter().filter(|(of, _)| name.is_none_or(|name| of.is_some_and(|of| of == name)));
    match (named.next(), named.next(), name) {
        (Some(operation), None, _) => Ok(operation),
        (None, _, Some(name)) => {
            let name: String = name.chars().take(60).collect();
            Err(Error::invalid(format!("The document has no operation {name:?}.")))
        }
        _ => Err(Error::invalid("The document has several operations: select one with operationName.")),
    }
}

/// The values of the operation's variables: those that were sent, otherwise the defaults.
fn values(operation: &OperationDefinition, sent: &Variables) -> Result<HashMap<Name, ConstValue>, Error> {
    let mut values = HashMap::new();
    for definition in &operation.variable_definitions {
        let definition = &definition.node;
        let name = &definition.name.node;
        let default = definition.default_value.as_ref().map(|default| &default.node);
        let value = sent.get(name).or(default);
        let nullable = definition.var_type.node.nullable;
        if !nullable && value.is_none_or(|value| *value == ConstValue::Null) {
            return Err(Error::invalid(format!("The variable ${name} requires a value that is not null.")));
        }
        if let Some(value) = value {
            values.insert(name.clone(), value.clone());
        }
    }
    Ok(values)
}

/// A field into which further ones with the same response key may be merged.
struct MergingField {
    field: NormalizedField,
    children: Vec<MergingField>,
    /// The index in `children`, by response key.
    indices: HashMap<Name, usize>,
}

struct Merger<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &'a HashMap<Name, ConstValue>,
    /// Number of values substituted for variables so far.
    substituted: Cell<usize>,
}

impl Merger<'_> {
    fn merge(
        &self,
        set: &SelectionSet,
        into: &mut Vec<MergingField>,
        indices: &mut HashMap<Name, usize>,
    ) -> Result<(), Error> {
        for selection in &set.items {
            if !self.is_included(selection.node.directives())? {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.field(field, into, indices)?,
                Selection::InlineFragment(fragment) => {
                    self.merge(&fragment.node.selection_set.node, into, indices)?;
                }
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    let fragment = self.fragments.get(name);
                    let fragment =
                        fragment.ok_or_else(|| Error::invalid_at("There is no such fragment.", spread.pos))?;
                    self.merge(&fragment.node.selection_set.node, into, indices)?;
                }
            }
        }
        Ok(())
    }

    fn field(
        &self,
        field: &Positioned<Field>,
        into: &mut Vec<MergingField>,
        indices: &mut HashMap<Name, usize>,
    ) -> Result<(), Error> {
        let key = &field.node.response_key().node;
        if key == PRESENCE_KEY {
            return Err(Error::invalid_at(format!("The alias {PRESENCE_KEY} is reserved."), field.pos));
        }
        let mut arguments = BTreeMap::new();
        for (name, value) in &field.node.arguments {
            if let Some(value) = self.value(&value.node)? {
                arguments.insert(name.node.clone(), value);
            }
        }
        let index = if let Some(index) = indices.get(key) {
            let before = &into[*index].field;
            if before.name != field.node.name.node {
                let message = format!(
                    "The fields {} and {} both use the response key {key}: give one an alias.",
                    before.name, field.node.name.node
                );
                return Err(Error::invalid_at(message, field.pos));
            }
            if before.arguments != arguments {
                let message = format!(
                    "The field {} is selected twice with different arguments under the response key {key}: give one \
                     an alias.",
                    before.name
                );
                return Err(Error::invalid_at(message, field.pos));
            }
            *index
        } else {
            indices.insert(key.clone(), into.len());
            let name = field.node.name.node.clone();
            let has_children = !field.node.selection_set.node.items.is_empty();
            let (key, position) = (key.clone(), field.pos);
            let field = NormalizedField { key, name, arguments, children: Vec::new(), has_children, position };
            into.push(MergingField { field, children: Vec::new(), indices: HashMap::new() });
            into.len() - 1
        };
        let merging = &mut into[index];
        self.merge(&field.node.selection_set.node, &mut merging.children, &mut merging.indices)
    }

    /// Substitutes the variables in a value. Returns `None` for a variable without a value, which counts as absent.
    fn value(&self, value: &Value) -> Result<Option<ConstValue>, Error> {
        Ok(Some(match value {
            Value::Variable(name) => {
                let Some(value) = self.variables.get(name) else { return Ok(None) };
                // Every use of a variable adds its values again.
                self.substituted.set(self.substituted.get().saturating_add(count_values(value)));
                if self.substituted.get() > MAX_SUBSTITUTED_VALUES {
                    let what = "values after variables are substituted (64 bytes of text are one)";
                    return Err(Error::TooComplex { what, limit: MAX_SUBSTITUTED_VALUES });
                }
                value.clone()
            }
            Value::List(items) => {
                let items = items.iter().map(|item| Ok(self.value(item)?.unwrap_or(ConstValue::Null)));
                ConstValue::List(items.collect::<Result<_, Error>>()?)
            }
            Value::Object(fields) => {
                let mut given = IndexMap::new();
                for (name, field) in fields {
                    if let Some(field) = self.value(field)? {
                        given.insert(name.clone(), field);
                    }
                }
                ConstValue::Object(given)
            }
            Value::Null => ConstValue::Null,
            Value::Number(number) => ConstValue::Number(number.clone()),
            Value::String(text) => ConstValue::String(text.clone()),
            Value::Boolean(truth) => ConstValue::Boolean(*truth),
            Value::Binary(bytes) => ConstValue::Binary(bytes.clone()),
            Value::Enum(name) => ConstValue::Enum(name.clone()),
        }))
    }

    /// Whether `@skip` and `@include` keep a selection.
    fn is_included(&self, directives: &[Positioned<Directive>]) -> Result<bool, Error> {
        for directive in directives {
            let (directive, position) = (&directive.node, directive.pos);
            let condition = directive.get_argument("if").map(|value| self.value(&value.node)).transpose()?;
            let Some(Some(ConstValue::Boolean(condition))) = condition else {
                let message = format!("The condition of @{} must be true or false.", directive.name.node);
                return Err(Error::invalid_at(message, position));
            };
            if condition == (directive.name.node == "skip") {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn finish(merging: Vec<MergingField>) -> Vec<NormalizedField> {
    merging.into_iter().map(|merging| NormalizedField { children: finish(merging.children), ..merging.field }).collect()
}

/// Maximum number of aliases below `__schema` and `__type`.
const MAX_INTROSPECTION_ALIASES: usize = 10;
/// Maximum nesting of lists of fields and types below `__schema` and `__type`.
const MAX_INTROSPECTION_LISTS: usize = 2;

impl NormalizedOperation {
    /// Rejects introspection whose result would be many times as large as the schema, because introspection has a fixed
    /// price.
    ///
    /// # Errors
    /// [`Error::TooComplex`] for too many aliases, [`Error::TooDeep`] for lists nested too deeply.
    pub fn check_introspection(&self) -> Result<(), Error> {
        let mut aliases = 0;
        let mut introspection = self.selections.iter().filter(|field| is_introspection(&field.name));
        introspection.try_for_each(|field| field.check_introspection(0, &mut aliases))
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

fn set(selections: &[NormalizedField], of_object: bool, position: Pos) -> Positioned<SelectionSet> {
    let mut items: Vec<_> = selections.iter().map(NormalizedField::executable).collect();
    if of_object {
        let at = |name: &str| Positioned::new(Name::new(name), position);
        let presence = Field {
            alias: Some(at(PRESENCE_KEY)),
            name: at("__typename"),
            arguments: Vec::new(),
            directives: Vec::new(),
            selection_set: Positioned::default(),
        };
        items.push(Positioned::new(Selection::Field(Positioned::new(presence, position)), position));
    }
    Positioned::new(SelectionSet { items }, position)
}

impl NormalizedField {
    fn check_introspection(&self, lists: usize, aliases: &mut usize) -> Result<(), Error> {
        let is_list = matches!(self.name.as_str(), "fields" | "inputFields" | "interfaces" | "possibleTypes");
        let lists = lists + usize::from(is_list);
        *aliases += usize::from(self.key != self.name);
        if lists > MAX_INTROSPECTION_LISTS {
            let what = "levels of nested field or type lists in an introspection";
            return Err(Error::TooDeep { what, limit: MAX_INTROSPECTION_LISTS });
        }
        if *aliases > MAX_INTROSPECTION_ALIASES {
            let what = "aliases in an introspection";
            return Err(Error::TooComplex { what, limit: MAX_INTROSPECTION_ALIASES });
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
