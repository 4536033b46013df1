//! The description of a product by its partner, and the product state that results from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::words::{self, Word, Words};
use crate::{
    error::Error,
    math,
    personality::{DIMENSIONS, number::VALUE_ORIENTATION},
};

/// The maximum number of terms of one kind (styles, features, attributes) per product.
const MOST_OF_A_KIND: usize = 20;
/// The maximum length of a term, in characters.
const LONGEST_WORD: usize = 60;

/// The level of a price within its category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
#[serde(rename_all = "lowercase")]
pub enum PriceBand {
    /// Value orientation 0.15.
    Budget,
    /// Value orientation 0.45.
    Mid,
    /// Value orientation 0.75.
    Premium,
    /// Value orientation 0.95.
    Luxury,
}

impl PriceBand {
    /// All bands, cheapest first.
    pub const ALL: [Self; 4] = [Self::Budget, Self::Mid, Self::Premium, Self::Luxury];

    /// The name in files and in the database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Mid => "mid",
            Self::Premium => "premium",
            Self::Luxury => "luxury",
        }
    }

    /// The band with this name; `None` if the name is unknown.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.word() == word)
    }

    /// The value orientation that the band represents, 0 to 1.
    #[must_use]
    pub fn value(self) -> f64 {
        match self {
            Self::Budget => 0.15,
            Self::Mid => 0.45,
            Self::Premium => 0.75,
            Self::Luxury => 0.95,
        }
    }
}

/// A named numeric attribute of a product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, async_graphql::InputObject)]
#[graphql(name = "ProductAttribute")]
pub struct Attribute {
    /// The name, such as `energyLevel`; `vocabulary { attributes }` lists all names.
    pub name: String,
    /// The value, 0 to 1.
    pub value: f64,
}

/// The description of a product: any of the twelve dimensions as numbers, and terms that imply values of dimensions. If
/// several inputs set the same dimension, the first of these applies: the dimension as a number, an attribute, the
/// price band, features, styles. If several terms of one kind set the same dimension, their mean applies. Terms that
/// are not in `vocabulary` are ignored and returned in `ignored`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, async_graphql::InputObject)]
#[serde(default)]
pub struct ProductState {
    /// How eager the target audience is to explore, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exploration_eagerness: Option<f64>,
    /// How strongly the target audience is oriented towards community, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_orientation: Option<f64>,
    /// How strongly the target audience prefers authentic offers, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authenticity_preference: Option<f64>,
    /// How much the target audience discovers through other people, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub social_discovery_style: Option<f64>,
    /// How flexible the target audience is in time, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temporal_flexibility: Option<f64>,
    /// How adventurous the target audience is in the choice of places, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub location_adventurousness: Option<f64>,
    /// How much the target audience collects and curates, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub curation_tendency: Option<f64>,
    /// How much the target audience relies on people it trusts, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trust_network_reliance: Option<f64>,
    /// The energy level that the target audience prefers: 0 = calm, 1 = lively.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy_preference: Option<f64>,
    /// How strongly the target audience seeks novelty, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub novelty_seeking: Option<f64>,
    /// The price level that the target audience prefers: 0 = budget, 1 = premium.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_orientation: Option<f64>,
    /// How well the target audience tolerates crowds, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crowd_tolerance: Option<f64>,
    /// The level of the price within the category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<PriceBand>,
    /// Terms for the look and feel of the product, at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub styles: Option<Vec<String>>,
    /// Terms for the features of the product, at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<String>>,
    /// Named numeric attributes, at most 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attributes: Option<Vec<Attribute>>,
}

/// The kind of input that determined a dimension of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Style,
    Feature,
    Price,
    /// A number for the dimension, or an attribute.
    Personality,
}

/// The resolved state of a product.
#[derive(Clone, Debug)]
pub struct Resolved {
    pub product: math::Product,
    /// The source of each dimension; `None` if the dimension is not set.
    pub sources: [Option<Source>; 12],
}

impl Resolved {
    /// The product, reduced to the dimensions that one source determined; `None` if there are none.
    #[must_use]
    pub fn only(&self, source: Source) -> Option<math::Product> {
        self.product.only(|k| self.sources[k] == Some(source))
    }
}

impl ProductState {
    /// The dimensions that are given as numbers, in the order of [`DIMENSIONS`].
    #[must_use]
    pub fn dimensions(&self) -> [Option<f64>; 12] {
        [
            self.exploration_eagerness,
            self.community_orientation,
            self.authenticity_preference,
            self.social_discovery_style,
            self.temporal_flexibility,
            self.location_adventurousness,
            self.curation_tendency,
            self.trust_network_reliance,
            self.energy_preference,
            self.novelty_seeking,
            self.value_orientation,
            self.crowd_tolerance,
        ]
    }

    /// A state with the given dimensions, in the order of [`DIMENSIONS`], and no terms.
    #[must_use]
    pub fn of_dimensions(dimensions: [Option<f64>; 12]) -> Self {
        let mut state = Self::default();
        let places = [
            &mut state.exploration_eagerness,
            &mut state.community_orientation,
            &mut state.authenticity_preference,
            &mut state.social_discovery_style,
            &mut state.temporal_flexibility,
            &mut state.location_adventurousness,
            &mut state.curation_tendency,
            &mut state.trust_network_reliance,
            &mut state.energy_preference,
            &mut state.novelty_seeking,
            &mut state.value_orientation,
            &mut state.crowd_tolerance,
        ];
        for (place, value) in places.into_iter().zip(dimensions) {
            *place = value;
        }
        state
    }

    /// Checks the ranges of numbers, the lengths of lists and terms, and that no attribute occurs more than once.
    ///
    /// # Errors
    /// The name of the first invalid field, and a message.
    pub fn check(&self) -> Result<(), (String, String)> {
        let between = |value: f64| (0.0..=1.0).contains(&value);
        for (name, value) in DIMENSIONS.iter().zip(self.dimensions()) {
            if value.is_some_and(|value| !between(value)) {
                return Err((camel(name), "must be 0 to 1.".to_owned()));
            }
        }
        let attributes = self.attributes.as_deref().unwrap_or_default();
        if attributes.iter().any(|attribute| !between(attribute.value)) {
            return Err(("attributes".to_owned(), "a value must be 0 to 1.".to_owned()));
        }
        let mut named = BTreeSet::new();
        let twice = |attribute: &Attribute| {
            words::attribute(&attribute.name).is_some_and(|(_, dimension)| !named.insert(*dimension))
        };
        if attributes.len() <= MOST_OF_A_KIND && attributes.iter().any(twice) {
            return Err(("attributes".to_owned(), "contains a duplicate name.".to_owned()));
        }
        let words = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let names = attributes.iter().map(|attribute| attribute.name.clone()).collect();
        for (field, words) in
            [("styles", words(&self.styles)), ("features", words(&self.features)), ("attributes", names)]
        {
            let sane = |word: &String| word.chars().count() <= LONGEST_WORD && !word.chars().any(char::is_control);
            if words.len() > MOST_OF_A_KIND || !words.iter().all(sane) {
                let message =
                    format!("at most {MOST_OF_A_KIND} terms of {LONGEST_WORD} characters, no control characters.");
                return Err((field.to_owned(), message));
            }
        }
        Ok(())
    }

    /// The same state with only the terms that are in the vocabulary, each once and in its canonical spelling. This is
    /// the form that is stored.
    #[must_use]
    pub fn known(self) -> Self {
        let words = |list: Option<Vec<String>>, table: &Words| -> Option<Vec<String>> {
            let known: BTreeSet<&str> =
                list.iter().flatten().filter_map(|word| table.find(word)).map(|word| word.word).collect();
            (!known.is_empty()).then(|| known.into_iter().map(str::to_owned).collect())
        };
        let attributes: Vec<Attribute> =
            self.known_attributes().map(|(name, _, value)| Attribute { name: name.to_owned(), value }).collect();
        Self {
            styles: words(self.styles, Words::styles()),
            features: words(self.features, Words::features()),
            attributes: (!attributes.is_empty()).then_some(attributes),
            ..self
        }
    }

    /// The name, dimension and value of each attribute that is in the vocabulary.
    fn known_attributes(&self) -> impl Iterator<Item = (&'static str, usize, f64)> + '_ {
        let attributes = self.attributes.iter().flatten();
        attributes.filter_map(|given| words::attribute(&given.name).map(|(name, k)| (*name, *k, given.value)))
    }

    /// Resolves the state to values of dimensions; `None` if no dimension is set. Call [`Self::check`] first.
    #[must_use]
    pub fn resolve(&self) -> Option<Resolved> {
        let (mut values, mut sources) = (self.dimensions(), [None; 12]);
        for (source, value) in sources.iter_mut().zip(values) {
            *source = value.map(|_| Source::Personality);
        }
        let attributes = self.known_attributes().map(|(_, dimension, value)| (dimension, value)).collect();
        let price = self.price.map(|band| (VALUE_ORIENTATION, band.value())).into_iter().collect();
        let of = |list: &Option<Vec<String>>, table: &Words| -> Vec<(usize, f64)> {
            let known: BTreeMap<&str, &Word> =
                list.iter().flatten().filter_map(|word| table.find(word)).map(|word| (word.word, word)).collect();
            known.into_values().flat_map(|word| word.means.iter().copied()).collect()
        };
        for (source, said) in [
            (Source::Personality, attributes),
            (Source::Price, price),
            (Source::Feature, of(&self.features, Words::features())),
            (Source::Style, of(&self.styles, Words::styles())),
        ] {
            let mut of_dimension: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
            for (dimension, value) in said {
                of_dimension.entry(dimension).or_default().push(value);
            }
            for (dimension, said) in of_dimension {
                if values[dimension].is_none() {
                    values[dimension] = Some(said.iter().sum::<f64>() / said.len() as f64);
                    sources[dimension] = Some(source);
                }
            }
        }
        math::Product::new(values).map(|product| Resolved { product, sources })
    }

    /// The terms that are not in the vocabulary, each once, sorted.
    #[must_use]
    pub fn ignored(&self) -> BTreeSet<String> {
        let unknown = |list: &Option<Vec<String>>, table: &Words| -> Vec<String> {
            list.iter().flatten().filter(|word| table.find(word).is_none()).cloned().collect()
        };
        let names = self.attributes.iter().flatten().map(|attribute| attribute.name.clone());
        let attributes = names.filter(|name| words::attribute(name).is_none());
        let words = [unknown(&self.styles, Words::styles()), unknown(&self.features, Words::features())];
        words.into_iter().flatten().chain(attributes).collect()
    }

    /// Validates and resolves the state of the argument `product` of a query.
    ///
    /// # Errors
    /// [`Error::BadUserInput`], naming the field, if [`Self::check`] fails or no dimension is set.
    pub fn read(&self) -> Result<Resolved, Error> {
        self.check().map_err(|(field, message)| Error::input(format!("product.{field}"), message))?;
        self.resolve().ok_or_else(|| {
            Error::input(
                "product",
                "contains no known value: give a dimension, a price band or a term of `vocabulary`.",
            )
        })
    }
}

/// Converts `energy_preference` to `energyPreference`.
fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |name, word| {
        let (head, tail) = word.split_at(1.min(word.len()));
        name + &head.to_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(list: &[&str]) -> Vec<String> {
        list.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn numbers_go_before_attributes_price_features_and_styles() {
        let state = ProductState {
            novelty_seeking: Some(0.1),
            price: Some(PriceBand::Luxury),
            styles: Some(words(&["vintage", "Vintage", "elegant", "steampunk"])),
            features: Some(words(&["Handmade", "surprise"])),
            attributes: Some(vec![
                Attribute { name: "novelty".to_owned(), value: 1.0 },
                Attribute { name: "energyLevel".to_owned(), value: 0.35 },
                Attribute { name: "sweetness".to_owned(), value: 0.5 },
            ]),
            ..ProductState::default()
        };
        let resolved = state.read().unwrap();
        let stated: BTreeMap<usize, f64> = resolved.product.stated().collect();
        // vintage implies authenticity 0.85 and curation 0.75, elegant curation 0.75 and value 0.75, handmade
        // authenticity 0.9, surprise exploration 0.75 and flexibility 0.75.
        let expected = [(0, 0.75), (2, 0.9), (4, 0.75), (6, 0.75), (8, 0.35), (9, 0.1), (10, 0.95)];
        assert_eq!(stated, expected.into());
        assert_eq!(resolved.sources[2], Some(Source::Feature));
        assert_eq!(resolved.sources[6], Some(Source::Style));
        assert_eq!(resolved.sources[8], Some(Source::Personality));
        assert_eq!(resolved.sources[10], Some(Source::Price));
        let price: Vec<_> = resolved.only(Source::Price).unwrap().stated().collect();
        assert_eq!(price, [(10, 0.95)]);
        assert_eq!(state.ignored().into_iter().collect::<Vec<_>>(), ["steampunk", "sweetness"]);
        let known = state.clone().known();
        assert_eq!((known.styles.as_deref(), known.ignored().len()), (Some(&words(&["elegant", "vintage"])[..]), 0));
        assert_eq!(known.resolve().unwrap().product, resolved.product);
    }

    #[test]
    fn what_is_no_state_is_refused_with_its_field() {
        let field = |state: ProductState| match state.read() {
            Err(Error::BadUserInput { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let none = ProductState::default();
        assert_eq!(field(none.clone()), "product");
        assert_eq!(field(ProductState { styles: Some(words(&["steampunk"])), ..none.clone() }), "product");
        assert_eq!(field(ProductState { energy_preference: Some(1.01), ..none.clone() }), "product.energyPreference");
        assert_eq!(field(ProductState { styles: Some(vec!["x".to_owned(); 21]), ..none.clone() }), "product.styles");
        let attribute = |name: &str, value| Attribute { name: name.to_owned(), value };
        let attributes = Some(vec![attribute("novelty", -0.5)]);
        assert_eq!(field(ProductState { attributes, ..none.clone() }), "product.attributes");
        let attributes = Some(vec![attribute("novelty", 0.5), attribute("Novelty", 0.5)]);
        assert_eq!(field(ProductState { attributes, ..none }), "product.attributes");
    }

    #[test]
    fn dimensions_are_read_in_their_order() {
        let dimensions = std::array::from_fn(|k| Some(k as f64 / 20.0));
        let state = ProductState::of_dimensions(dimensions);
        assert_eq!(state.dimensions(), dimensions);
        let json = serde_json::to_value(&state).unwrap();
        for (name, value) in DIMENSIONS.iter().zip(dimensions) {
            assert_eq!(json[name].as_f64(), value);
        }
    }
}
