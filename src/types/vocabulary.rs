//! The words that a definition may use.

use async_graphql::SimpleObject;

use crate::{epoch::Epoch, segment::AGE_BANDS};

/// The closed lists of the newest epoch. A word outside them is refused.
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
        let words = &epoch.vocabulary;
        let band =
            |band: &crate::segment::AgeBand| AgeBand { name: band.name.to_owned(), from: band.from, to: band.to };
        Self {
            regions: words.regions.iter().cloned().collect(),
            age_bands: AGE_BANDS.iter().map(band).collect(),
            interests: words.interests.iter().cloned().collect(),
            categories: words.categories.iter().cloned().collect(),
        }
    }
}
