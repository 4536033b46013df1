//! Fields based on a segment's density matrix: similarity among its people, with a product, and with another segment.

use async_graphql::SimpleObject;

use super::{
    measure::{Measure, Scale, Unit},
    personality::DimensionName,
    release::Release,
    segment::Definition,
};
use crate::{
    catalog::{ProductState, Resolved},
    math,
    mixture::Mixture,
    privacy::Released,
    segment::Cohort,
};

impl Scale {
    /// Scale of compatibilities, which are squared overlaps of states.
    pub(super) const OVERLAP: Self = Self { unit: Unit::Overlap, line: 0.05, lines: [0.6, 0.85], bounds: [0.0, 1.0] };
}

/// Similarity among the people of a segment, from its density matrix rho (`docs/personality.md`, "Quantum state").
#[derive(SimpleObject)]
pub struct QuantumState {
    /// Purity tr(rho^2), 1/13 to 1: the mean squared overlap of the states of two people of the segment. 1 if all
    /// people are equal.
    purity: Measure,
    /// Von Neumann entropy -tr(rho ln rho), 0 to ln 13 = 2.565 nats. 0 if all people are equal. The interval is a
    /// worst-case bound over the noise, so it is wide below about 10,000 people.
    entropy: Measure,
    /// The release that these numbers come from.
    release: Release,
}

impl From<&Released> for QuantumState {
    fn from(released: &Released) -> Self {
        let mixture = Mixture::of(released);
        let most = (math::SIDE as f64).ln();
        let entropy = Scale { unit: Unit::Nats, line: 0.2, lines: [0.4, 0.8], bounds: [0.0, most] };
        Self {
            purity: Scale::OVERLAP.measure(mixture.purity()),
            entropy: entropy.measure(mixture.entropy()),
            release: released.release.as_ref().into(),
        }
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
    dimension: DimensionName,
    /// The value that the product states, 0 to 1.
    stated: f64,
    /// The compatibility in this dimension alone, 0 to 1.
    score: Measure,
}

impl Compatibility {
    pub fn new(released: &Released, product: &ProductState, resolved: &Resolved) -> Self {
        let mixture = Mixture::of(released);
        let contributions = resolved.product.stated().filter_map(|(k, stated)| {
            let score = Scale::OVERLAP.measure(mixture.compatibility(&resolved.product.only(|other| other == k)?));
            Some(Contribution { dimension: DimensionName::ALL[k], stated, score })
        });
        Self {
            score: Scale::OVERLAP.measure(mixture.compatibility(&resolved.product)),
            contributions: contributions.collect(),
            reasons: reasons(mixture.rho(), &resolved.product),
            ignored: product.ignored().into_iter().collect(),
            release: released.release.as_ref().into(),
        }
    }
}

/// Describes the two dimensions with the largest contributions and the one with the smallest, as sentences.
pub(super) fn reasons(rho: &math::Density, product: &math::Product) -> Vec<String> {
    let alone = |k: usize| product.only(|other| other == k).map(|product| (k, rho.compatibility(&product)));
    let mut scores: Vec<(usize, f64)> = product.stated().filter_map(|(k, _)| alone(k)).collect();
    // The sort is stable: dimensions with equal scores keep their order.
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    let name =
        |(k, score): &(usize, f64)| format!("{} ({score:.2})", crate::personality::DIMENSIONS[*k].replace('_', " "));
    match &scores[..] {
        [] => Vec::new(),
        [only] => vec![format!("Compared in {} alone.", name(only))],
        [best, worst] => vec![format!("Nearest in {}.", name(best)), format!("Least near in {}.", name(worst))],
        [best, second, .., worst] => {
            vec![format!("Nearest in {} and {}.", name(best), name(second)), format!("Least near in {}.", name(worst))]
        }
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
    pub fn new(own: &Released, other: &Released, cohort: &Cohort) -> Self {
        let (one, two) = (Mixture::of(own), Mixture::of(other));
        let same = own.release.key == other.release.key;
        let fidelity = Scale { lines: [0.8, 0.95], ..Scale::OVERLAP };
        Self {
            fidelity: fidelity.measure(one.fidelity(&two)),
            // Both segments are the same release, so their noise is not independent; the purity accounts for that.
            average_compatibility: Scale::OVERLAP.measure(if same { one.purity() } else { one.overlap(&two) }),
            other: cohort.into(),
            release: own.release.as_ref().into(),
            other_release: other.release.as_ref().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::math::{Density, Product, person};

    #[test]
    fn reasons_name_the_two_best_dimensions_and_the_worst() {
        let rho = Density::mixture(&[person(&[0.5; 12])]).unwrap();
        let product = |stated: &[(usize, f64)]| {
            let mut dimensions = [None; 12];
            for (k, value) in stated {
                dimensions[*k] = Some(*value);
            }
            Product::new(dimensions).unwrap()
        };
        assert_eq!(reasons(&rho, &product(&[(10, 0.5)])), ["Compared in value orientation (1.00) alone."]);
        assert_eq!(
            reasons(&rho, &product(&[(0, 0.9), (3, 0.5), (10, 0.4), (11, 0.0)])),
            [
                "Nearest in social discovery style (1.00) and value orientation (0.96).",
                "Least near in crowd tolerance (0.50)."
            ]
        );
    }
}
