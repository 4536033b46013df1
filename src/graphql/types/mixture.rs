//! Fields based on a segment's density matrix: similarity among its people, with a product, and with another segment.

use async_graphql::SimpleObject;
use personality_math::SIDE;

use super::{release::Release, segment::Definition};
use crate::{
    domain::{
        dimensions::Dimension,
        error::Error,
        product_state::{ProductState, Resolved},
        segment::Cohort,
    },
    privacy::Released,
    statistics::{compatibility, measure::Measure, mixture::Mixture},
};

/// Similarity among the people of a segment, from its density matrix rho (`docs/personality.md`, "Quantum state").
#[derive(SimpleObject)]
pub struct QuantumState {
    /// Purity tr(rho^2), 1/13 to 1: the mean squared overlap of the states of two people of the segment. 1 if all
    /// people are equal.
    purity: Measure,
    /// Von Neumann entropy -tr(rho ln rho), 0 to ln 13 = 2.565 nats. 0 if all people are equal. The interval is a
    /// worst-case bound over the noise, so it is wide below about 10,000 people.
    entropy: Measure,
    /// The density matrix itself, from which the compatibility with any number of products can be computed without
    /// another request.
    density_matrix: DensityMatrix,
    /// The release that these numbers come from.
    release: Release,
}

/// A density matrix: symmetric, 13 x 13, trace 1, no negative eigenvalues. Index 0 is the constant component, indices 1
/// to 12 are the dimensions in their order.
///
/// The compatibility with a product that states m dimensions S with values v is `w^T rho w / sum of A_k^2 rho_kk`, with
/// `A_0^2 = m / 12`, `A_k = 1` in S and 0 elsewhere, `phi = (sqrt(m / 4), v_k - 1/2 in S)` scaled to length 1, and `w_k
/// = A_k phi_k` (`docs/personality.md`, "States").
#[derive(SimpleObject)]
pub struct DensityMatrix {
    /// The 13 rows, rounded to 12 decimals.
    rows: Vec<Vec<f64>>,
    /// Standard error caused by the noise of the sums, of the inner product of the matrix with a matrix of length 1 and
    /// trace 0.
    sigma: f64,
    /// Relative standard error of the noisy size, by which the sums are divided.
    size_sigma: f64,
}

impl From<&Mixture> for DensityMatrix {
    fn from(mixture: &Mixture) -> Self {
        let matrix = mixture.rho().matrix();
        let rounded = |value: f64| (value * 1e12).round() / 1e12;
        let row = |row: usize| (0..SIDE).map(|column| rounded(matrix[(row, column)])).collect();
        let (sigma, size_sigma) = mixture.sigmas();
        Self { rows: (0..SIDE).map(row).collect(), sigma, size_sigma }
    }
}

impl QuantumState {
    /// # Errors
    /// [`Error::Internal`] if it is not a release of MOMENTS.
    pub fn new(released: &Released) -> Result<Self, Error> {
        let mixture = Mixture::read(released)?;
        let (purity, entropy) = (mixture.purity_measure(), mixture.entropy_measure());
        let density_matrix = DensityMatrix::from(&mixture);
        Ok(Self { purity, entropy, density_matrix, release: released.release.as_ref().into() })
    }
}

/// Similarity of the people of a segment to a product, in the dimensions that the product states.
#[derive(SimpleObject)]
pub struct Compatibility {
    /// Compatibility, 0 to 1: the mean over people of the squared overlap of the person's state with the product's
    /// state, both restricted to the dimensions that the product states. A person is weighted by the share of the
    /// person's state that lies in these dimensions. 1 if all people equal the product in these dimensions.
    score: Measure,
    /// The compatibility in each stated dimension alone, in the order of the dimensions. The values do not sum to
    /// `score`.
    contributions: Vec<Contribution>,
    /// The dimensions that contribute most and least to the score, as sentences. At most two sentences; their values
    /// have no intervals.
    reasons: Vec<String>,
    /// Terms of the product that are not in `vocabulary`, sorted. They have no effect.
    ignored: Vec<String>,
    /// The release that these numbers come from.
    release: Release,
}

/// The compatibility in one dimension.
#[derive(SimpleObject)]
pub struct Contribution {
    /// The dimension.
    dimension: Dimension,
    /// The value that the product states, 0 to 1.
    stated: f64,
    /// The compatibility in this dimension alone, 0 to 1.
    score: Measure,
}

impl Compatibility {
    /// # Errors
    /// [`Error::Internal`] if it is not a release of MOMENTS.
    pub fn new(released: &Released, product: &ProductState, resolved: &Resolved) -> Result<Self, Error> {
        let mixture = Mixture::read(released)?;
        let contributions = resolved.stated().zip(mixture.contributions(&resolved.vector));
        Ok(Self {
            score: mixture.compatibility_measure(&resolved.vector),
            contributions: contributions
                .map(|((dimension, stated), score)| Contribution { dimension, stated, score })
                .collect(),
            reasons: mixture.reasons(&resolved.vector),
            ignored: product.ignored().into_iter().collect(),
            release: released.release.as_ref().into(),
        })
    }
}

/// Comparison of two segments.
#[derive(SimpleObject)]
pub struct Comparison {
    /// Fidelity of the two density matrices, 0 to 1. 1 if both segments have the same mixture of people. The interval
    /// is a worst-case bound over the noise, so it is wide below about 100,000 people.
    fidelity: Measure,
    /// Mean squared overlap of the states of one person of each segment, 0 to 1.
    average_compatibility: Measure,
    /// The canonical definition of the other segment.
    other: Definition,
    /// The release that the numbers of this segment come from.
    release: Release,
    /// The release that the numbers of the other segment come from.
    other_release: Release,
}

impl Comparison {
    /// # Errors
    /// [`Error::Internal`] if one of them is not a release of MOMENTS.
    pub fn new(own: &Released, other: &Released, cohort: &Cohort) -> Result<Self, Error> {
        let comparison = compatibility::Comparison::read(own, other)?;
        Ok(Self {
            fidelity: comparison.fidelity,
            average_compatibility: comparison.average_compatibility,
            other: cohort.into(),
            release: own.release.as_ref().into(),
            other_release: other.release.as_ref().into(),
        })
    }
}
