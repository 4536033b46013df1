//! Measures of a released mixture: similarity among its people, to a product, and to another segment.

use personality_math::{ProductVector, SIDE};

use super::{
    measure::{Measure, Scale, Unit},
    mixture::Mixture,
};
use crate::{
    domain::{dimensions::Dimension, error::Error},
    privacy::Released,
};

impl Mixture {
    /// The purity of the mixture.
    #[must_use]
    pub fn purity_measure(&self) -> Measure {
        Scale::OVERLAP.measure(self.purity())
    }

    /// The von Neumann entropy of the mixture, in nats.
    #[must_use]
    pub fn entropy_measure(&self) -> Measure {
        let bounds = [0.0, (SIDE as f64).ln()];
        let scale = Scale { unit: Unit::Nats, quality_threshold: 0.2, thresholds: [0.4, 0.8], bounds };
        scale.measure(self.entropy())
    }

    /// The compatibility of the people with a product.
    #[must_use]
    pub fn compatibility_measure(&self, product: &ProductVector) -> Measure {
        Scale::OVERLAP.measure(self.compatibility(product))
    }

    /// The compatibility in each dimension that the product states alone, in the order of the dimensions.
    #[must_use]
    pub fn contributions(&self, product: &ProductVector) -> Vec<Measure> {
        let alone = |index: usize| product.only(|other| other == index);
        let stated = product.stated().filter_map(|(index, _)| alone(index));
        stated.map(|product| self.compatibility_measure(&product)).collect()
    }

    /// Describes the two dimensions with the largest contributions and the one with the smallest, as sentences.
    #[must_use]
    pub fn reasons(&self, product: &ProductVector) -> Vec<String> {
        reasons(product, |product| self.rho().compatibility(product))
    }
}

fn reasons(product: &ProductVector, compatibility: impl Fn(&ProductVector) -> f64) -> Vec<String> {
    let alone = |index: usize| product.only(|other| other == index).map(|product| compatibility(&product));
    let mut scores: Vec<(Dimension, f64)> =
        product.stated().filter_map(|(index, _)| Some((Dimension::ALL[index], alone(index)?))).collect();
    // The sort is stable: dimensions with equal scores keep their order.
    scores.sort_by(|a, b| b.1.total_cmp(&a.1));
    let name = |(dimension, score): &(Dimension, f64)| format!("{} ({score:.2})", dimension.column().replace('_', " "));
    match &scores[..] {
        [] => Vec::new(),
        [only] => vec![format!("Compared in {} alone.", name(only))],
        [best, worst] => vec![format!("Nearest in {}.", name(best)), format!("Least near in {}.", name(worst))],
        [best, second, .., worst] => {
            vec![format!("Nearest in {} and {}.", name(best), name(second)), format!("Least near in {}.", name(worst))]
        }
    }
}

/// The comparison of two segments.
pub struct Comparison {
    pub fidelity: Measure,
    pub average_compatibility: Measure,
}

impl Comparison {
    /// Compares two releases of MOMENTS.
    ///
    /// # Errors
    /// [`Error::Internal`] if one of them is not a release of MOMENTS.
    pub fn read(own: &Released, other: &Released) -> Result<Self, Error> {
        let (one, two) = (Mixture::read(own)?, Mixture::read(other)?);
        let scale = Scale { thresholds: [0.8, 0.95], ..Scale::OVERLAP };
        // If both segments are the same release, their noise is not independent; the purity accounts for that.
        let is_same = own.release.key == other.release.key;
        let overlap = if is_same { one.purity() } else { one.overlap(&two) };
        Ok(Self { fidelity: scale.measure(one.fidelity(&two)), average_compatibility: Scale::OVERLAP.measure(overlap) })
    }
}

#[cfg(test)]
mod tests {
    use personality_math::{Density, person};

    use super::*;

    #[test]
    fn reasons_name_the_two_best_dimensions_and_the_worst() {
        let rho = Density::mixture(&[person(&[0.5; 12])]).unwrap();
        let of = |stated: &[(Dimension, f64)]| {
            let mut dimensions = [None; 12];
            for (dimension, value) in stated {
                dimensions[*dimension as usize] = Some(*value);
            }
            reasons(&ProductVector::new(dimensions).unwrap(), |product| rho.compatibility(product))
        };
        assert_eq!(of(&[(Dimension::ValueOrientation, 0.5)]), ["Compared in value orientation (1.00) alone."]);
        assert_eq!(
            of(&[
                (Dimension::ExplorationEagerness, 0.9),
                (Dimension::SocialDiscoveryStyle, 0.5),
                (Dimension::ValueOrientation, 0.4),
                (Dimension::CrowdTolerance, 0.0)
            ]),
            [
                "Nearest in social discovery style (1.00) and value orientation (0.96).",
                "Least near in crowd tolerance (0.50)."
            ]
        );
    }
}
