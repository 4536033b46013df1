//! The description of a product by its partner, and the product state that results from it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    dimensions::{Dimension, DimensionMap},
    error::Error,
    product_vocabulary::{self, Term, TermTable},
};
use personality_math::ProductVector;

/// The maximum number of terms of one kind (styles, features, attributes) per product.
const MAX_TERMS_PER_KIND: usize = 20;
/// The maximum length of a term, in characters.
const MAX_TERM_CHARS: usize = 60;

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
    pub fn name(self) -> &'static str {
        match self {
            Self::Budget => "budget",
            Self::Mid => "mid",
            Self::Premium => "premium",
            Self::Luxury => "luxury",
        }
    }

    /// The band with this name; `None` if the name is unknown.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|band| band.name() == name)
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
    pub vector: ProductVector,
    /// The source of each dimension; `None` if the dimension is not set.
    pub sources: DimensionMap<Option<Source>>,
}

impl Resolved {
    /// The product, reduced to the dimensions that one source determined; `None` if there are none.
    #[must_use]
    pub fn only(&self, source: Source) -> Option<ProductVector> {
        self.vector.only(|index| self.sources.values()[index] == Some(source))
    }

    /// The dimensions that are set, with their values.
    pub fn stated(&self) -> impl Iterator<Item = (Dimension, f64)> + '_ {
        self.vector.stated().map(|(index, value)| (Dimension::ALL[index], value))
    }
}

impl ProductState {
    /// The dimensions that are given as numbers.
    #[must_use]
    pub fn dimensions(&self) -> DimensionMap<Option<f64>> {
        DimensionMap::new([
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
        ])
    }

    /// A state with the given dimensions and no terms.
    #[must_use]
    pub fn of_dimensions(dimensions: &DimensionMap<Option<f64>>) -> Self {
        Self {
            exploration_eagerness: dimensions[Dimension::ExplorationEagerness],
            community_orientation: dimensions[Dimension::CommunityOrientation],
            authenticity_preference: dimensions[Dimension::AuthenticityPreference],
            social_discovery_style: dimensions[Dimension::SocialDiscoveryStyle],
            temporal_flexibility: dimensions[Dimension::TemporalFlexibility],
            location_adventurousness: dimensions[Dimension::LocationAdventurousness],
            curation_tendency: dimensions[Dimension::CurationTendency],
            trust_network_reliance: dimensions[Dimension::TrustNetworkReliance],
            energy_preference: dimensions[Dimension::EnergyPreference],
            novelty_seeking: dimensions[Dimension::NoveltySeeking],
            value_orientation: dimensions[Dimension::ValueOrientation],
            crowd_tolerance: dimensions[Dimension::CrowdTolerance],
            ..Self::default()
        }
    }

    /// Checks the ranges of numbers, the lengths of lists and terms, and that no attribute occurs more than once.
    ///
    /// # Errors
    /// The name of the first invalid field, and a message.
    pub fn check(&self) -> Result<(), (String, String)> {
        let is_in_range = |value: f64| (0.0..=1.0).contains(&value);
        for (dimension, value) in self.dimensions().iter() {
            if value.is_some_and(|value| !is_in_range(value)) {
                return Err((camel_case(dimension.column()), "must be 0 to 1.".to_owned()));
            }
        }
        let attributes = self.attributes.as_deref().unwrap_or_default();
        if attributes.iter().any(|attribute| !is_in_range(attribute.value)) {
            return Err(("attributes".to_owned(), "a value must be 0 to 1.".to_owned()));
        }
        let mut seen = BTreeSet::new();
        let is_duplicate = |attribute: &Attribute| {
            product_vocabulary::attribute(&attribute.name).is_some_and(|(_, dimension)| !seen.insert(*dimension))
        };
        if attributes.len() <= MAX_TERMS_PER_KIND && attributes.iter().any(is_duplicate) {
            return Err(("attributes".to_owned(), "contains a duplicate name.".to_owned()));
        }
        let terms = |list: &Option<Vec<String>>| list.clone().unwrap_or_default();
        let names = attributes.iter().map(|attribute| attribute.name.clone()).collect();
        for (field, terms) in
            [("styles", terms(&self.styles)), ("features", terms(&self.features)), ("attributes", names)]
        {
            let is_valid =
                |term: &String| term.chars().count() <= MAX_TERM_CHARS && !term.chars().any(char::is_control);
            if terms.len() > MAX_TERMS_PER_KIND || !terms.iter().all(is_valid) {
                let message = format!(
                    "at most {MAX_TERMS_PER_KIND} terms of {MAX_TERM_CHARS} characters, no control characters."
                );
                return Err((field.to_owned(), message));
            }
        }
        Ok(())
    }

    /// The same state with only the terms that are in the vocabulary, each once and in its canonical spelling. This is
    /// the form that is stored.
    #[must_use]
    pub fn known(self) -> Self {
        let terms = |list: Option<Vec<String>>, table: &TermTable| -> Option<Vec<String>> {
            let known: BTreeSet<&str> =
                list.iter().flatten().filter_map(|term| table.find(term)).map(|term| term.term).collect();
            (!known.is_empty()).then(|| known.into_iter().map(str::to_owned).collect())
        };
        let attributes: Vec<Attribute> =
            self.known_attributes().map(|(name, _, value)| Attribute { name: name.to_owned(), value }).collect();
        Self {
            styles: terms(self.styles, TermTable::styles()),
            features: terms(self.features, TermTable::features()),
            attributes: (!attributes.is_empty()).then_some(attributes),
            ..self
        }
    }

    /// The name, dimension and value of each attribute that is in the vocabulary.
    fn known_attributes(&self) -> impl Iterator<Item = (&'static str, Dimension, f64)> + '_ {
        let attributes = self.attributes.iter().flatten();
        attributes.filter_map(|given| {
            let (name, dimension) = product_vocabulary::attribute(&given.name)?;
            Some((*name, *dimension, given.value))
        })
    }

    /// Resolves the state to values of dimensions; `None` if no dimension is set. Call [`Self::check`] first.
    #[must_use]
    pub fn resolve(&self) -> Option<Resolved> {
        let mut values = self.dimensions();
        let mut sources = DimensionMap::from_fn(|dimension| values[dimension].map(|_| Source::Personality));
        let attributes = self.known_attributes().map(|(_, dimension, value)| (dimension, value)).collect();
        let price = self.price.map(|band| (Dimension::ValueOrientation, band.value())).into_iter().collect();
        let of = |list: &Option<Vec<String>>, table: &TermTable| -> Vec<(Dimension, f64)> {
            let known: BTreeMap<&str, &Term> =
                list.iter().flatten().filter_map(|term| table.find(term)).map(|term| (term.term, term)).collect();
            known.into_values().flat_map(|term| term.implies.iter().copied()).collect()
        };
        for (source, implied) in [
            (Source::Personality, attributes),
            (Source::Price, price),
            (Source::Feature, of(&self.features, TermTable::features())),
            (Source::Style, of(&self.styles, TermTable::styles())),
        ] {
            let mut by_dimension: BTreeMap<Dimension, Vec<f64>> = BTreeMap::new();
            for (dimension, value) in implied {
                by_dimension.entry(dimension).or_default().push(value);
            }
            for (dimension, implied) in by_dimension {
                if values[dimension].is_none() {
                    values[dimension] = Some(implied.iter().sum::<f64>() / implied.len() as f64);
                    sources[dimension] = Some(source);
                }
            }
        }
        ProductVector::new(*values.values()).map(|vector| Resolved { vector, sources })
    }

    /// The terms that are not in the vocabulary, each once, sorted.
    #[must_use]
    pub fn ignored(&self) -> BTreeSet<String> {
        let unknown = |list: &Option<Vec<String>>, table: &TermTable| -> Vec<String> {
            list.iter().flatten().filter(|term| table.find(term).is_none()).cloned().collect()
        };
        let names = self.attributes.iter().flatten().map(|attribute| attribute.name.clone());
        let attributes = names.filter(|name| product_vocabulary::attribute(name).is_none());
        let terms = [unknown(&self.styles, TermTable::styles()), unknown(&self.features, TermTable::features())];
        terms.into_iter().flatten().chain(attributes).collect()
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
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| {
        let (head, tail) = part.split_at(1.min(part.len()));
        name + &head.to_uppercase() + tail
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(list: &[&str]) -> Vec<String> {
        list.iter().map(|term| (*term).to_owned()).collect()
    }

    #[test]
    fn numbers_go_before_attributes_price_features_and_styles() {
        let state = ProductState {
            novelty_seeking: Some(0.1),
            price: Some(PriceBand::Luxury),
            styles: Some(terms(&["vintage", "Vintage", "elegant", "steampunk"])),
            features: Some(terms(&["Handmade", "surprise"])),
            attributes: Some(vec![
                Attribute { name: "novelty".to_owned(), value: 1.0 },
                Attribute { name: "energyLevel".to_owned(), value: 0.35 },
                Attribute { name: "sweetness".to_owned(), value: 0.5 },
            ]),
            ..ProductState::default()
        };
        let resolved = state.read().unwrap();
        let stated: Vec<(Dimension, f64)> = resolved.stated().collect();
        // vintage implies authenticity 0.85 and curation 0.75, elegant curation 0.75 and value 0.75, handmade
        // authenticity 0.9, surprise exploration 0.75 and flexibility 0.75.
        let expected = [
            (Dimension::ExplorationEagerness, 0.75, Source::Feature),
            (Dimension::AuthenticityPreference, 0.9, Source::Feature),
            (Dimension::TemporalFlexibility, 0.75, Source::Feature),
            (Dimension::CurationTendency, 0.75, Source::Style),
            (Dimension::EnergyPreference, 0.35, Source::Personality),
            (Dimension::NoveltySeeking, 0.1, Source::Personality),
            (Dimension::ValueOrientation, 0.95, Source::Price),
        ];
        assert_eq!(stated, expected.map(|(dimension, value, _)| (dimension, value)));
        for (dimension, _, source) in expected {
            assert_eq!(resolved.sources[dimension], Some(source));
        }
        let price: Vec<_> = resolved.only(Source::Price).unwrap().stated().collect();
        assert_eq!(price, [(10, 0.95)]);
        assert_eq!(state.ignored().into_iter().collect::<Vec<_>>(), ["steampunk", "sweetness"]);
        let known = state.clone().known();
        assert_eq!((known.styles.as_deref(), known.ignored().len()), (Some(&terms(&["elegant", "vintage"])[..]), 0));
        assert_eq!(known.resolve().unwrap().vector, resolved.vector);
    }

    #[test]
    fn an_invalid_state_is_rejected_with_its_field() {
        let field = |state: ProductState| match state.read() {
            Err(Error::BadUserInput { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let none = ProductState::default();
        assert_eq!(field(none.clone()), "product");
        assert_eq!(field(ProductState { styles: Some(terms(&["steampunk"])), ..none.clone() }), "product");
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
        let dimensions = DimensionMap::from_fn(|dimension| Some(f64::from(dimension as u8) / 20.0));
        let state = ProductState::of_dimensions(&dimensions);
        assert_eq!(state.dimensions(), dimensions);
        let json = serde_json::to_value(&state).unwrap();
        for (dimension, value) in dimensions.iter() {
            assert_eq!(json[dimension.column()].as_f64(), *value);
        }
    }
}
