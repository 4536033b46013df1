//! A segment's mixed state: how alike its people are, and how alike to a product or to another segment.

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
    /// Of compatibilities: squared overlaps of states.
    pub(super) const OVERLAP: Self = Self { unit: Unit::Overlap, line: 0.05, lines: [0.6, 0.85], bounds: [0.0, 1.0] };
}

/// How mixed the people of a segment are, as one quantum state (`docs/personality.md`).
#[derive(SimpleObject)]
pub struct QuantumState {
    /// tr(rho^2), 1/13 to 1: the average compatibility of two people of the segment. 1 if all are equal.
    purity: Measure,
    /// -tr(rho ln rho), 0 to ln 13 = 2.565 nats; 0 if all are equal. Its interval holds every value that the noise allows
    /// and is wide below some 10,000 people.
    entropy: Measure,
    /// Where it comes from.
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

/// How alike the people of a segment are to a product.
#[derive(SimpleObject)]
pub struct Compatibility {
    /// The mean over people of the squared overlap of the person's state with the product's, in the dimensions that the
    /// product states (a person weighs as much as these are of the person's state); 1 if all people are equal to it in
    /// these.
    score: Measure,
    /// The same for each stated dimension alone, in their fixed order: why the score is what it is.
    contributions: Vec<Contribution>,
    /// What carries the score most and least, in words.
    reasons: Vec<String>,
    /// Words of the product that `vocabulary` does not hold.
    ignored: Vec<String>,
    /// Where it comes from.
    release: Release,
}

/// What one dimension adds to a compatibility.
#[derive(SimpleObject)]
pub struct Contribution {
    /// Which dimension.
    dimension: DimensionName,
    /// What the product states, 0 to 1.
    stated: f64,
    /// The compatibility in this dimension alone.
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

/// The two best dimensions and the worst, in words.
pub(super) fn reasons(rho: &math::Density, product: &math::Product) -> Vec<String> {
    let alone = |k: usize| product.only(|other| other == k).map(|product| (k, rho.compatibility(&product)));
    let mut scores: Vec<(usize, f64)> = product.stated().filter_map(|(k, _)| alone(k)).collect();
    // A stable sort: of equals the first dimension stays first.
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

/// Two segments beside each other.
#[derive(SimpleObject)]
pub struct Comparison {
    /// The fidelity of their states, 0 to 1: 1 if their people are mixed alike. Its interval holds every value that the
    /// noise allows and is wide below some 100,000 people.
    fidelity: Measure,
    /// The average compatibility of a person of one with a person of the other.
    average_compatibility: Measure,
    /// The other segment.
    other: Definition,
    /// Where the numbers of this segment come from.
    release: Release,
    /// Where the numbers of the other segment come from.
    other_release: Release,
}

impl Comparison {
    pub fn new(own: &Released, other: &Released, cohort: &Cohort) -> Self {
        let (one, two) = (Mixture::of(own), Mixture::of(other));
        let same = own.release.key == other.release.key;
        let fidelity = Scale { lines: [0.8, 0.95], ..Scale::OVERLAP };
        Self {
            fidelity: fidelity.measure(one.fidelity(&two)),
            // The same noise twice is not noise and noise.
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
