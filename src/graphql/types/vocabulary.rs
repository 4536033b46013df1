//! The terms that segment definitions and products may use.

use async_graphql::SimpleObject;

use crate::domain::{
    dimensions::Dimension,
    epoch::Epoch,
    product_state::PriceBand,
    product_vocabulary::{ATTRIBUTES, FEATURES, STYLES, Term},
    segment::{self, AGE_BANDS},
};

/// The terms that may be used. Segment definitions may use only the regions, interests and categories of the newest
/// epoch; other terms are rejected with `BAD_USER_INPUT`, reason `VOCABULARY`. Products may use the listed styles,
/// features and attributes; other terms are ignored.
#[derive(SimpleObject)]
pub struct Vocabulary {
    /// Home regions.
    regions: Vec<String>,
    /// Age bands. The age range of a definition is widened to whole bands.
    age_bands: Vec<AgeBand>,
    /// Interests. Unless the operator has set a closed list, those shared by at least 100 people of the epoch.
    interests: Vec<String>,
    /// Preferred categories of places. Unless the operator has set a closed list, those shared by at least 100 people
    /// of the epoch.
    categories: Vec<String>,
    /// Price bands of products, with the dimension that each determines.
    price_bands: Vec<PriceBandMeaning>,
    /// Styles of products, with the dimensions that each determines.
    styles: Vec<ProductWord>,
    /// Features of products, with the dimensions that each determines.
    features: Vec<ProductWord>,
    /// Attributes of products. Each sets one dimension to a value given by the product.
    attributes: Vec<ProductAttributeName>,
}

/// A price band and the dimension that it determines.
#[derive(SimpleObject)]
pub struct PriceBandMeaning {
    /// The price band.
    band: PriceBand,
    /// The dimension.
    dimension: Dimension,
    /// Value of the dimension, 0 to 1.
    value: f64,
}

impl From<PriceBand> for PriceBandMeaning {
    fn from(band: PriceBand) -> Self {
        Self { band, dimension: Dimension::ValueOrientation, value: band.value() }
    }
}

/// A style or feature of products.
#[derive(SimpleObject)]
pub struct ProductWord {
    /// The term. Case, spaces, hyphens and underscores are ignored when terms are compared.
    word: String,
    /// The dimensions that the term determines.
    means: Vec<Meaning>,
}

/// A dimension and its value.
#[derive(SimpleObject)]
pub struct Meaning {
    /// The dimension.
    dimension: Dimension,
    /// Value of the dimension, 0 to 1.
    value: f64,
}

/// An attribute of products.
#[derive(SimpleObject)]
pub struct ProductAttributeName {
    /// Name of the attribute. Case, spaces, hyphens and underscores are ignored when names are compared.
    name: String,
    /// The dimension that the attribute sets.
    dimension: Dimension,
}

impl From<&Term> for ProductWord {
    fn from(term: &Term) -> Self {
        let meaning = |(dimension, value): &(Dimension, f64)| Meaning { dimension: *dimension, value: *value };
        Self { word: term.term.to_owned(), means: term.implies.iter().map(meaning).collect() }
    }
}

/// A range of ages.
#[derive(SimpleObject)]
pub struct AgeBand {
    /// Name of the band, such as `25-34`.
    name: String,
    /// Lowest age, inclusive.
    from: i32,
    /// Highest age, inclusive. Null if there is no upper limit.
    to: Option<i32>,
}

impl From<&segment::AgeBand> for AgeBand {
    fn from(band: &segment::AgeBand) -> Self {
        Self { name: band.name.to_owned(), from: band.from, to: band.to }
    }
}

impl From<&Epoch> for Vocabulary {
    fn from(epoch: &Epoch) -> Self {
        let vocabulary = &epoch.vocabulary;
        let attribute = |(name, dimension): &(&str, Dimension)| ProductAttributeName {
            name: (*name).to_owned(),
            dimension: *dimension,
        };
        Self {
            regions: vocabulary.regions.iter().cloned().collect(),
            age_bands: AGE_BANDS.iter().map(Into::into).collect(),
            interests: vocabulary.interests.iter().cloned().collect(),
            categories: vocabulary.categories.iter().cloned().collect(),
            price_bands: PriceBand::ALL.into_iter().map(PriceBandMeaning::from).collect(),
            styles: STYLES.iter().map(ProductWord::from).collect(),
            features: FEATURES.iter().map(ProductWord::from).collect(),
            attributes: ATTRIBUTES.iter().map(attribute).collect(),
        }
    }
}
