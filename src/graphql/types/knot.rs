//! Knots and links: the invariants of a closed braid.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use personality_math::{Laurent, Likeness};

use super::release::Release;
use crate::{
    domain::{dimensions::Dimension, error::Error},
    privacy::Released,
    statistics::{
        knots::SegmentBraid,
        measure::{Measure, Quality},
    },
};

/// The closure of a braid: a knot, or a link of several closed curves.
pub struct Knot {
    knot: Arc<personality_math::Knot>,
    origin: Option<KnotOrigin>,
}

impl Knot {
    /// The knot of a braid that the caller gave, or of a product.
    pub fn of_caller(knot: Arc<personality_math::Knot>) -> Self {
        Self { knot, origin: None }
    }

    /// The knot of a segment, with the correlations that its braid was derived from.
    pub fn of_segment(knot: Arc<personality_math::Knot>, braid: SegmentBraid, released: &Released) -> Self {
        let correlation = |(first, second, value)| Correlation { first, second, value };
        let origin = KnotOrigin {
            dimensions: braid.strands,
            correlations: braid.correlations.into_iter().map(correlation).collect(),
            quality: braid.quality,
            release: released.release.as_ref().into(),
        };
        Self { knot, origin: Some(origin) }
    }
}

/// Converts to the 32-bit `Int` of GraphQL, or returns [`Error::BadUserInput`].
fn int(number: i64) -> Result<i32, Error> {
    i32::try_from(number).map_err(|_| {
        Error::input("braid", "a number does not fit into 32 bits. Select `text` of the polynomials instead.")
    })
}

/// The closure of a braid: a knot, or a link of several closed curves. Each invariant is exact for the given braid or,
/// for a segment, for the braid derived from its released numbers. A knot is a fingerprint: whether knots predict
/// purchases has not been measured.
#[Object]
impl Knot {
    /// The braid word. The entry i is the generator in which strand i crosses over strand i + 1; -i is its inverse.
    async fn braid(&self) -> &[i32] {
        self.knot.braid.letters()
    }

    /// Number of strands of the braid.
    async fn strands(&self) -> usize {
        self.knot.braid.strands()
    }

    /// Number of closed curves; 1 for a knot.
    async fn components(&self) -> usize {
        self.knot.components
    }

    /// Number of positive entries of the braid word minus the number of negative entries.
    async fn writhe(&self) -> i64 {
        self.knot.writhe
    }

    /// The Jones polynomial. Convention: the trefoil `[1, 1, 1]` has t + t^3 - t^4.
    async fn jones(&self) -> LaurentPolynomial<'_> {
        LaurentPolynomial(&self.knot.jones)
    }

    /// The Alexander polynomial in one variable, normalized to a positive constant term and a lowest exponent of 0. The
    /// zero polynomial for a split link.
    async fn alexander(&self) -> LaurentPolynomial<'_> {
        LaurentPolynomial(&self.knot.alexander)
    }

    /// The determinant, |Jones(-1)|. `BAD_USER_INPUT` if it does not fit into 32 bits.
    async fn determinant(&self) -> Result<i32, Error> {
        int(self.knot.determinant)
    }

    /// The Arf invariant, 0 or 1. Null for a link of several closed curves.
    async fn arf(&self) -> Option<i32> {
        self.knot.arf
    }

    /// What the braid was derived from. Null unless the knot belongs to a segment.
    async fn origin(&self) -> Option<&KnotOrigin> {
        self.origin.as_ref()
    }
}

/// A Laurent polynomial in t with integer coefficients.
pub struct LaurentPolynomial<'a>(&'a Laurent);

/// A Laurent polynomial in t with integer coefficients.
#[Object]
impl LaurentPolynomial<'_> {
    /// Exponent of the first coefficient. A half-integer for links with an even number of closed curves. 0 for the zero
    /// polynomial.
    async fn lowest_exponent(&self) -> f64 {
        self.0.lowest_exponent()
    }

    /// The coefficients, starting at the lowest exponent; the exponent increases by 1. Empty for the zero polynomial.
    /// `BAD_USER_INPUT` if a coefficient does not fit into 32 bits; use `text` instead.
    async fn coefficients(&self) -> Result<Vec<i32>, Error> {
        self.0.coefficients().iter().map(|coefficient| int(*coefficient)).collect()
    }

    /// The polynomial as text, such as `t + t^3 - t^4`.
    async fn text(&self) -> String {
        self.0.text()
    }
}

/// The released numbers that a segment's braid was derived from.
#[derive(SimpleObject)]
pub struct KnotOrigin {
    /// The dimension that each strand represents, in the order of the strands.
    dimensions: Vec<Dimension>,
    /// The pairs of dimensions that contribute to the braid, strongest correlation first; at most 12.
    correlations: Vec<Correlation>,
    /// Quality of the least exact correlation among the strands: HIGH if 1.96 sigma is at most 0.05, OK if at most 0.1,
    /// otherwise LOW. With LOW, the noise may have produced a different knot.
    quality: Quality,
    /// The release that these numbers come from.
    release: Release,
}

/// Correlation of two dimensions over the people of a segment.
#[derive(SimpleObject)]
pub struct Correlation {
    /// The first dimension.
    first: Dimension,
    /// The second dimension.
    second: Dimension,
    /// The correlation, -1 to 1.
    value: Measure,
}

/// Similarity of a segment's knot and a product's knot. A comparison of fingerprints: whether it predicts purchases has
/// not been measured.
#[derive(SimpleObject)]
pub struct KnotCompatibility {
    /// 0.4 `jones` + 0.3 `alexander` + 0.3 `structure`, 1/3 to 1.
    score: f64,
    /// Similarity of the Jones polynomials, 1/3 to 1: 1/(1 + d), where d is the sum of the absolute differences of the
    /// coefficients, divided by the larger of the two sums of absolute coefficients.
    jones: f64,
    /// Similarity of the Alexander polynomials, by the same formula, 1/3 to 1.
    alexander: f64,
    /// Similarity of `components`, `writhe` and `determinant`, by the same formula, 1/3 to 1.
    structure: f64,
    /// The segment's knot.
    segment_knot: Knot,
    /// The product's knot.
    product_knot: Knot,
    /// Terms of the product that are not in `vocabulary`, sorted. They have no effect.
    ignored: Vec<String>,
    /// The release that the segment's knot was derived from.
    release: Release,
}

impl KnotCompatibility {
    pub fn new(segment_knot: Knot, product_knot: Knot, ignored: Vec<String>, released: &Released) -> Self {
        let likeness = segment_knot.knot.likeness(&product_knot.knot).rounded();
        let Likeness { score, jones, alexander, structure } = likeness;
        let release = released.release.as_ref().into();
        Self { score, jones, alexander, structure, segment_knot, product_knot, ignored, release }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_more_than_32_bits_is_an_error() {
        assert_eq!(int(i64::from(i32::MIN)), Ok(i32::MIN));
        assert!(matches!(int(1 << 31), Err(Error::BadUserInput { field, .. }) if field == "braid"));
    }
}
