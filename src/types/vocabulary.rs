//! The words that a definition may use.

use async_graphql::SimpleObject;

use super::personality::DimensionName;
use crate::{
    catalog::{PriceBand, words},
    epoch::Epoch,
    personality::number::VALUE_ORIENTATION,
    segment::AGE_BANDS,
};

/// The words that a definition may use, as closed lists of the newest epoch (a word outside them is refused), and those
/// that describe products (others are ignored).
#[derive(SimpleObject)]
pub struct Vocabulary {
    /// Home regions.
    regions: Vec<String>,
    /// Age bands; an age range is widened to whole ones.
    age_bands: Vec<AgeBand>,
    /// Interests that at least 100 people share.
    interests: Vec<String>,
    /// Preferred categories of places that at least 100 people share.
    categories: Vec<String>,
    /// Price bands of products, and the dimension that they stand for.
    price_bands: Vec<PriceBandMeaning>,
    /// Styles of products, and the dimensions that they stand for.
    styles: Vec<ProductWord>,
    /// Features of products, and the dimensions that they stand for.
    features: Vec<ProductWord>,
    /// Attributes of products: each is one dimension, with a value of the product's own.
    attributes: Vec<ProductAttributeName>,
}

/// A price band and what it stands for.
#[derive(SimpleObject)]
pub struct PriceBandMeaning {
    /// Which band.
    band: PriceBand,
    /// The dimension that it states.
    dimension: DimensionName,
    /// Its value, 0 to 1.
    value: f64,
}

impl From<PriceBand> for PriceBandMeaning {
    fn from(band: PriceBand) -> Self {
        Self { band, dimension: DimensionName::ALL[VALUE_ORIENTATION], value: band.value() }
    }
}

/// A word that describes a product.
#[derive(SimpleObject)]
pub struct ProductWord {
    /// The word; case, blanks, hyphens and underscores do not matter.
    word: String,
    /// What it stands for.
    means: Vec<Meaning>,
}

/// A dimension and a value.
#[derive(SimpleObject)]
pub struct Meaning {
    /// Which dimension.
    dimension: DimensionName,
    /// Its value, 0 to 1.
    value: f64,
}

/// An attribute that describes a product.
#[derive(SimpleObject)]
pub struct ProductAttributeName {
    /// The name; case, blanks, hyphens and underscores do not matter.
    name: String,
    /// The dimension that it is.
    dimension: DimensionName,
}

fn word(word: &str, means: &[(usize, f64)]) -> ProductWord {
    let meaning = |(k, value): &(usize, f64)| Meaning { dimension: DimensionName::ALL[*k], value: *value };
    ProductWord { word: word.to_owned(), means: means.iter().map(meaning).collect() }
}

/// A closed range of ages.
#[derive(SimpleObject)]
pub struct AgeBand {
    /// Such as `25-34`.
    name: String,
    /// Youngest age.
    from: i32,
    /// Oldest age; null = no upper end.
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
