//! The terms that segment definitions and products may use.

use async_graphql::SimpleObject;

use super::personality::DimensionName;
use crate::{
    catalog::{PriceBand, words},
    epoch::Epoch,
    personality::number::VALUE_ORIENTATION,
    segment::AGE_BANDS,
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
    dimension: DimensionName,
    /// Value of the dimension, 0 to 1.
    value: f64,
}

impl From<PriceBand> for PriceBandMeaning {
    fn from(band: PriceBand) -> Self {
        Self { band, dimension: DimensionName::ALL[VALUE_ORIENTATION], value: band.value() }
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
    dimension: DimensionName,
    /// Value of the dimension, 0 to 1.
    value: f64,
}

/// An attribute of products.
#[derive(SimpleObject)]
pub struct ProductAttributeName {
    /// Name of the attribute. Case, spaces, hyphens and underscores are ignored when names are compared.
    name: String,
    /// The dimension that the attribute sets.
    dimension: DimensionName,
}

fn word(word: &str, means: &[(usize, f64)]) -> ProductWord {
    let meaning = |(k, value): &(usize, f64)| Meaning { dimension: DimensionName::ALL[*k], value: *value };
    ProductWord { word: word.to_owned(), means: means.iter().map(meaning).collect() }
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

impl From<&Epoch> for Vocabulary {
    fn from(epoch: &Epoch) -> Self {
        let lists = &epoch.vocabulary;
        let band =
            |band: &crate::segment::AgeBand| AgeBand { name: band.name.to_owned(), from: band.from, to: band.to };
        Self {
            regions: lists.regions.iter().cloned().collect(),
            age_bands: AGE_BANDS.iter().map(band).collect(),
            interests: lists.interests.iter().cloned().collect(),
            categories: lists.categories.iter().cloned().collect(),
            price_bands: PriceBand::ALL.into_iter().map(PriceBandMeaning::from).collect(),
            styles: words::STYLES.iter().map(|entry| word(entry.word, entry.means)).collect(),
            features: words::FEATURES.iter().map(|entry| word(entry.word, entry.means)).collect(),
            attributes: words::ATTRIBUTES
                .iter()
                .map(|(name, k)| ProductAttributeName { name: (*name).to_owned(), dimension: DimensionName::ALL[*k] })
                .collect(),
        }
    }
}
