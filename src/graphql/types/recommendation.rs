//! The partner's own products, ranked for a segment.

use async_graphql::SimpleObject;

use super::{product::Product, release::Release};
use crate::{
    catalog::Ranked,
    domain::product_state::Source,
    privacy::Released,
    statistics::{measure::Measure, mixture::Mixture},
};

/// A product of the partner's own catalog, with its compatibility with a segment.
#[derive(SimpleObject)]
pub struct Recommendation {
    /// The product.
    product: Product,
    /// Compatibility with the people of the segment, 0 to 1, in the dimensions that the product states.
    score: Measure,
    /// The compatibility by the kind of input that determined the dimensions.
    breakdown: Breakdown,
    /// The dimensions that contribute most and least to the score, as sentences.
    reasons: Vec<String>,
    /// The release of the segment that the numbers come from.
    release: Release,
}

/// The compatibility in the dimensions that one kind of input determined. Null if that kind determined no dimension.
#[derive(SimpleObject)]
pub struct Breakdown {
    /// In the dimensions determined by the styles.
    style: Option<Measure>,
    /// In the dimensions determined by the price band.
    price: Option<Measure>,
    /// In the dimensions determined by the features.
    feature: Option<Measure>,
    /// In the dimensions determined by numbers and attributes.
    personality: Option<Measure>,
}

impl Recommendation {
    pub fn new(mixture: &Mixture, released: &Released, ranked: Ranked) -> Self {
        let resolved = &ranked.resolved;
        let by = |source| resolved.only(source).map(|vector| mixture.compatibility_measure(&vector));
        Self {
            product: ranked.product.into(),
            score: mixture.compatibility_measure(&resolved.vector),
            breakdown: Breakdown {
                style: by(Source::Style),
                price: by(Source::Price),
                feature: by(Source::Feature),
                personality: by(Source::Personality),
            },
            reasons: mixture.reasons(&resolved.vector),
            release: released.release.as_ref().into(),
        }
    }
}
