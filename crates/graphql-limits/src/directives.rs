//! Adds a price table to the registry of a schema as `@cost` and `@listSize` of the IBM GraphQL cost specification, so
//! that introspection and the exported SDL show the same directives.
//!
//! Wrap both root types in a type that calls [`annotate`] after the types of the wrapped root are registered.

use async_graphql::{
    Value,
    indexmap::IndexMap,
    registry::{
        __DirectiveLocation, Deprecation, MetaDirective, MetaDirectiveInvocation, MetaInputValue, MetaType, Registry,
    },
};

use crate::{FieldPrice, ListSize, PriceTable, price::PAGE_FIELDS};

/// Defines the directives, and applies them to all fields that are registered so far and have a price.
pub fn annotate(registry: &mut Registry, prices: &'static PriceTable) {
    for directive in [cost(), list_size()] {
        registry.directives.insert(directive.name.clone(), directive);
    }
    for price in prices.fields {
        let Some(MetaType::Object { fields, .. }) = registry.types.get_mut(price.on) else { continue };
        if let Some(field) = fields.get_mut(price.field) {
            field.directive_invocations = invocations(price);
        }
    }
}

/// Removes `@include` and `@skip` from a registry whose SDL is exported. Every server has them, so the specification
/// recommends omitting them from SDL, and linters report the definitions of async-graphql as incomplete.
pub fn remove_built_in(registry: &mut Registry) {
    registry.directives.retain(|name, _| name != "include" && name != "skip");
}

fn cost() -> MetaDirective {
    directive(
        "cost",
        "Points of a field in addition to those of the objects that it returns (`docs/limits.md`).",
        &[("weight", "String!", None)],
    )
}

fn list_size() -> MetaDirective {
    directive(
        "listSize",
        "The number of items with which a list is priced (`docs/limits.md`): the first of `slicingArguments` that is \
         given, otherwise its default or `assumedSize`. `sizedFields` are the subfields that contain the items. With \
         `requireOneSlicingArgument`, one of the arguments is required.",
        &[
            ("assumedSize", "Int", None),
            ("slicingArguments", "[String!]", None),
            ("sizedFields", "[String!]", None),
            ("requireOneSlicingArgument", "Boolean", Some("false")),
        ],
    )
}

/// A directive on field definitions. Each argument has a name, a type and a default. Arguments have no descriptions,
/// because the SDL export of async-graphql would leave them out.
fn directive(name: &str, description: &str, arguments: &[(&str, &str, Option<&str>)]) -> MetaDirective {
    let argument = |(name, ty, default): &(&str, &str, Option<&str>)| {
        let value = MetaInputValue {
            name: (*name).to_owned(),
            description: None,
            ty: (*ty).to_owned(),
            deprecation: Deprecation::NoDeprecated,
            default_value: default.map(str::to_owned),
            visible: None,
            inaccessible: false,
            tags: Vec::new(),
            is_secret: false,
            directive_invocations: Vec::new(),
        };
        ((*name).to_owned(), value)
    };
    MetaDirective {
        name: name.to_owned(),
        description: Some(description.to_owned()),
        locations: vec![__DirectiveLocation::FIELD_DEFINITION],
        args: arguments.iter().map(argument).collect(),
        is_repeatable: false,
        visible: None,
        composable: None,
    }
}

fn invocations(price: &FieldPrice) -> Vec<MetaDirectiveInvocation> {
    let mut invocations = Vec::new();
    let mut add = |name: &str, arguments: Vec<(&str, Value)>| {
        let args = arguments.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<IndexMap<_, _>>();
        invocations.push(MetaDirectiveInvocation { name: name.to_owned(), args });
    };
    if price.weight > 0 {
        add("cost", vec![("weight", Value::from(price.weight.to_string()))]);
    }
    let texts = |texts: &[&str]| Value::List(texts.iter().map(|text| Value::from(*text)).collect());
    match price.size {
        ListSize::One => {}
        ListSize::Fixed(size) => add("listSize", vec![("assumedSize", Value::from(size))]),
        ListSize::AsSent { max } => add("listSize", vec![("assumedSize", Value::from(max))]),
        ListSize::Page { arguments, max } => {
            let mut values = vec![("assumedSize", Value::from(max)), ("slicingArguments", texts(arguments))];
            if arguments.len() > 1 {
                values.push(("sizedFields", texts(&PAGE_FIELDS)));
            }
            values.push(("requireOneSlicingArgument", Value::from(false)));
            add("listSize", values);
        }
    }
    invocations
}
