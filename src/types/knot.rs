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

/// Half the width of a correlation's interval for quality OK.
pub(super) const CORRELATION_LINE: f64 = 0.1;

/// The closure of a braid: a knot, or a link of several curves.
pub struct Knot {
    knot: Arc<math::Knot>,
    origin: Option<KnotOrigin>,
}

/// Knots that were computed, by their braids: the same segment and the same product are asked for again and again.
pub struct Knots(Cache<Braid, Arc<math::Knot>>);

impl Default for Knots {
    fn default() -> Self {
        Self(Cache::new(1_000))
    }
}

impl Knots {
    /// Milliseconds of arithmetic that must not hold up the other requests; of equal braids at once only one is computed.
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
    /// The closure of a braid from outside.
    ///
    /// # Errors
    /// [`Error::BadUserInput`] if its numbers do not fit.
    pub async fn of(knots: &Knots, braid: Braid) -> Result<Self, Error> {
        Ok(Self { knot: knots.of(braid).await?, origin: None })
    }

    /// The knot of a segment, woven from its correlations.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn of_segment(knots: &Knots, released: &Released) -> Result<Self, Error> {
        let mixture = Mixture::of(released);
        let weave = Weave::new(&(0..12).collect::<Vec<_>>(), |i, j| mixture.rho().correlation(i, j));
        let origin = Some(KnotOrigin::new(&weave, &mixture, released));
        Ok(Self { knot: knots.of(weave.braid).await?, origin })
    }

    /// The knot of a product, woven from what it states.
    ///
    /// # Errors
    /// As [`Self::of`].
    pub async fn of_product(knots: &Knots, product: &math::Product) -> Result<Self, Error> {
        Self::of(knots, Weave::of_product(product).braid).await
    }

    /// How alike two knots are.
    pub fn likeness(&self, other: &Self) -> Likeness {
        self.knot.likeness(&other.knot)
    }
}

fn too_large() -> Error {
    Error::input("braid", "its invariants hold numbers that are too large; a shorter word may do.")
}

/// The numbers of the schema have 32 bits.
fn int(number: i64) -> Result<i32, Error> {
    i32::try_from(number).map_err(|_| {
        Error::input("braid", "a number does not fit into 32 bits: ask for `text` of the polynomials instead.")
    })
}

/// The closure of a braid: a knot, or a link of several curves. Each number is exact: of a braid that is given, of the
/// braid, of a segment's, of the released mixture. A fingerprint: nobody has measured that knots predict purchases.
#[Object]
impl Knot {
    /// The braid: i is the generator in which strand i crosses over strand i + 1, -i its inverse.
    async fn braid(&self) -> &[i32] {
        self.knot.braid.letters()
    }

    /// Strands of the braid.
    async fn strands(&self) -> usize {
        self.knot.braid.strands()
    }

    /// Closed curves; 1 of a knot.
    async fn components(&self) -> usize {
        self.knot.components
    }

    /// Positive letters of the braid less negative ones.
    async fn writhe(&self) -> i64 {
        self.knot.writhe
    }

    /// The Jones polynomial; the trefoil `[1, 1, 1]` has t + t^3 - t^4.
    async fn jones(&self) -> LaurentPolynomial<'_> {
        LaurentPolynomial(&self.knot.jones)
    }

    /// The Alexander polynomial in one variable: positive constant term, lowest exponent 0; 0 of a link that falls apart.
    async fn alexander(&self) -> LaurentPolynomial<'_> {
        LaurentPolynomial(&self.knot.alexander)
    }

    /// |Jones(-1)|. One that does not fit into 32 bits is `BAD_USER_INPUT`.
    async fn determinant(&self) -> Result<i32, Error> {
        int(self.knot.determinant)
    }

    /// The Arf invariant, 0 or 1; null of a link of several curves.
    async fn arf(&self) -> Option<i32> {
        self.knot.arf
    }

    /// What it was woven from; null unless it is a segment's.
    async fn origin(&self) -> Option<&KnotOrigin> {
        self.origin.as_ref()
    }
}

/// A polynomial in t and 1/t with whole coefficients.
pub struct LaurentPolynomial<'a>(&'a math::Laurent);

/// A polynomial in t and 1/t with whole coefficients.
#[Object]
impl LaurentPolynomial<'_> {
    /// The exponent of the first coefficient; half an odd number for some links. 0 of the zero polynomial.
    async fn lowest_exponent(&self) -> f64 {
        self.0.lowest_exponent()
    }

    /// The coefficients from the lowest exponent on, which rises by 1; none of the zero polynomial. One that does not fit
    /// into 32 bits is `BAD_USER_INPUT`: `text` has it.
    async fn coefficients(&self) -> Result<Vec<i32>, Error> {
        self.0.coefficients().iter().map(|coefficient| int(*coefficient)).collect()
    }

    /// As mathematicians write it, such as `t + t^3 - t^4`.
    async fn text(&self) -> String {
        self.0.text()
    }
}

/// What a segment's knot was woven from.
#[derive(SimpleObject)]
pub struct KnotOrigin {
    /// What each strand stands for.
    dimensions: Vec<DimensionName>,
    /// The pairs that were woven in, strongest first.
    correlations: Vec<Correlation>,
    /// By the least exact correlation among the strands: HIGH within 0.05, OK within 0.1. Below that the noise may have
    /// woven another knot.
    quality: Quality,
    /// Where it comes from.
    release: Release,
}

/// How two dimensions go together over the people of a segment.
#[derive(SimpleObject)]
pub struct Correlation {
    /// One of them.
    first: DimensionName,
    /// The other.
    second: DimensionName,
    /// Their correlation, -1 to 1.
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

/// How alike a segment's knot and a product's are. A fingerprint: nobody has measured that it predicts purchases.
#[derive(SimpleObject)]
pub struct KnotCompatibility {
    /// 0.4 Jones + 0.3 Alexander + 0.3 structure, 1/3 to 1.
    score: f64,
    /// 1/(1 + d), d the distance of the Jones polynomials' coefficients over the larger of their sums.
    jones: f64,
    /// The same of the Alexander polynomials.
    alexander: f64,
    /// The same of components, writhe and determinant.
    structure: f64,
    /// The segment's knot.
    segment_knot: Knot,
    /// The product's knot.
    product_knot: Knot,
    /// Words of the product that `vocabulary` does not hold.
    ignored: Vec<String>,
    /// Where the segment's knot comes from.
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
    /// Of correlations: low below -0.3, high from 0.3.
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
