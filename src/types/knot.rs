//! Knots and links: the invariants of a closed braid.

use std::sync::Arc;

use async_graphql::{Object, SimpleObject};
use moka::future::Cache;

use super::{
    measure::{Measure, Quality, Scale, quality},
    personality::DimensionName,
    release::Release,
};
use crate::{
    error::Error,
    estimate::Z95,
    math::{self, Braid, Likeness, Overflow, Weave},
    mixture::Mixture,
    privacy::Released,
};

/// Quality threshold for half the width of a correlation's interval: OK within it.
pub(super) const CORRELATION_LINE: f64 = 0.1;

/// The closure of a braid: a knot, or a link of several closed curves.
pub struct Knot {
    knot: Arc<math::Knot>,
    origin: Option<KnotOrigin>,
}

/// Cache of computed knots by braid. The same segments and products are requested repeatedly.
pub struct Knots(Cache<Braid, Arc<math::Knot>>);

impl Default for Knots {
    fn default() -> Self {
        Self(Cache::new(1_000))
    }
}

impl Knots {
    /// Computes a knot, or returns the cached one. The computation takes milliseconds, so it runs on a blocking thread.
    /// Concurrent requests for equal braids share one computation.
    async fn of(&self, braid: Braid) -> Result<Arc<math::Knot>, Error> {
        let computed = async {
            let braid = braid.clone();
            let knot = tokio::task::spawn_blocking(move || math::Knot::of(braid)).await.map_err(Error::internal)?;
            knot.map(Arc::new).map_err(|Overflow| too_large())
        };
        self.0.try_get_with_by_ref(&braid, computed).await.map_err(|cause: Arc<Error>| (*cause).clone())
    }
}

impl Knot {
    /// The closure of a braid given by the caller.
    ///
    /// # Errors
    /// [`Error::BadUserInput`] if an invariant exceeds 64 bits.
    pub async fn of(knots: &Knots, braid: Braid) -> Result<Self, Error> {
        Ok(Self { knot: knots.of(braid).await?, origin: None })
    }

    /// The knot of a segment, derived from the correlations of its dimensions.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn of_segment(knots: &Knots, released: &Released) -> Result<Self, Error> {
        let mixture = Mixture::of(released);
        let weave = Weave::new(&(0..12).collect::<Vec<_>>(), |i, j| mixture.rho().correlation(i, j));
        let origin = Some(KnotOrigin::new(&weave, &mixture, released));
        Ok(Self { knot: knots.of(weave.braid).await?, origin })
    }

    /// The knot of a product, derived from the dimensions that it states.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn of_product(knots: &Knots, product: &math::Product) -> Result<Self, Error> {
        Self::of(knots, Weave::of_product(product).braid).await
    }

    /// Compares the invariants of two knots.
    pub fn likeness(&self, other: &Self) -> Likeness {
        self.knot.likeness(&other.knot)
    }
}

fn too_large() -> Error {
    Error::input("braid", "the invariants of this braid do not fit into 64 bits. Use a shorter braid.")
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
pub struct LaurentPolynomial<'a>(&'a math::Laurent);

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
    dimensions: Vec<DimensionName>,
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
    first: DimensionName,
    /// The second dimension.
    second: DimensionName,
    /// The correlation, -1 to 1.
    value: Measure,
}

impl KnotOrigin {
    fn new(weave: &Weave, mixture: &Mixture, released: &Released) -> Self {
        let strands = &weave.strands;
        let pairs = (0..strands.len()).flat_map(|i| (0..i).map(move |j| (strands[j], strands[i])));
        let widest = pairs.map(|(i, j)| mixture.correlation(i, j).sigma).fold(0.0, f64::max);
        let correlations = weave.crossings.iter().map(|crossing| {
            let (i, j) = crossing.pair;
            Correlation {
                first: DimensionName::ALL[i],
                second: DimensionName::ALL[j],
                value: Scale::CORRELATION.measure(mixture.correlation(i, j)),
            }
        });
        Self {
            dimensions: strands.iter().map(|k| DimensionName::ALL[*k]).collect(),
            correlations: correlations.collect(),
            quality: quality(Z95 * widest, CORRELATION_LINE),
            release: released.release.as_ref().into(),
        }
    }
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
        let Likeness { score, jones, alexander, structure } = segment_knot.likeness(&product_knot);
        let [score, jones, alexander, structure] =
            [score, jones, alexander, structure].map(|share| (share * 1e4).round() / 1e4);
        let release = released.release.as_ref().into();
        Self { score, jones, alexander, structure, segment_knot, product_knot, ignored, release }
    }
}

impl Scale {
    /// Scale of correlations: low below -0.3, high from 0.3.
    pub(super) const CORRELATION: Self = Self {
        unit: super::measure::Unit::Correlation,
        line: CORRELATION_LINE,
        lines: [-0.3, 0.3],
        bounds: [-1.0, 1.0],
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::estimate::Estimate;

    #[test]
    fn a_number_of_more_than_32_bits_is_told_in_the_text_only() {
        assert_eq!(int(i64::from(i32::MIN)), Ok(i32::MIN));
        assert!(matches!(int(1 << 31), Err(Error::BadUserInput { field, .. }) if field == "braid"));
    }

    #[test]
    fn a_correlation_over_the_line_is_in_two_words() {
        let words = |value: f64| Scale::CORRELATION.measure(Estimate::new(value, 0.02)).interpretation;
        assert_eq!([words(-0.5), words(0.0), words(0.3)], ["low", "moderate", "moderate to high"]);
    }
}
