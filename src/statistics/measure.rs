//! A released number with its unit, interval and quality.

use async_graphql::{Enum, SimpleObject};

use super::estimate::{Estimate, Z95};
use crate::privacy::Released;

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Unit {
    /// Number of people.
    People,
    /// Visits per person in the window.
    Visits,
    /// Minutes.
    Minutes,
    /// Part of a whole, 0 to 1.
    Share,
    /// Value of a personality dimension, 0 to 1.
    Score,
    /// Kept ties per person, 0 to 10.
    Connections,
    /// Kept ties per person over the number of possible partners, 0 to 1.
    Density,
    /// Connected people per person that the person led to a new place in the window, 0 to 10.
    Friends,
    /// Squared overlap of two states, 0 to 1.
    Overlap,
    /// Entropy in nats (natural logarithm), 0 to 2.565.
    Nats,
    /// Correlation of two dimensions, -1 to 1.
    Correlation,
}

/// Reliability of a number: 1.96 `sigma` (half of the 95 % interval before it is clamped to the possible range)
/// compared with the quality threshold of this kind of number (`docs/privacy.md`, "Quality").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Quality {
    /// 1.96 `sigma` is above the threshold. The number shows a direction at best.
    Low,
    /// 1.96 `sigma` is at most the threshold.
    Ok,
    /// 1.96 `sigma` is at most half of the threshold.
    High,
}

/// The 95 % interval of the number without noise. It accounts for the noise only, not for sampling or for the caps. It
/// is clamped to the possible range.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A number relative to that of everybody in the same regions.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct Index {
    /// 100 x the number of the segment / the number of everybody in the same regions.
    pub value: f64,
    /// The 95 % interval of the index without noise.
    pub interval95: Interval,
}

/// A released number about a segment. It is computed once from the data, with noise added, and never changes.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct Measure {
    /// The number, including noise, clamped to the possible range.
    pub value: f64,
    /// Unit of `value`, `sigma` and `interval95`.
    pub unit: Unit,
    /// Standard error caused by the noise.
    pub sigma: f64,
    /// The 95 % interval of the number without noise.
    pub interval95: Interval,
    /// Reliability of the number.
    pub quality: Quality,
    /// `low`, `moderate` or `high`, by the published thresholds of this kind of number. If the interval contains a
    /// threshold, both terms, such as `low to moderate`.
    pub interpretation: String,
    /// The number relative to everybody in the same regions and window, 100 = equal. Null if the segment covers
    /// everybody, if the number of everybody is withheld or not above 0, and for fields without such a comparison.
    /// Selecting it also needs the release about everybody in the regions, which counts as viewed by this key; it is
    /// free where this key has viewed it before.
    pub index: Option<Index>,
}

impl Measure {
    /// Adds the index relative to a number of everybody. The two noises are independent.
    #[must_use]
    pub fn relative_to(self, reference: Option<&Self>) -> Self {
        let index = reference.filter(|reference| reference.value > 0.0).map(|reference| {
            let ratio = self.value / reference.value;
            let sigma = self.sigma.hypot(ratio * reference.sigma) / reference.value;
            let Estimate { value, low, high, .. } =
                Estimate::new(ratio, sigma).clamped(0.0, f64::MAX).linear(100.0, 0.0);
            Index { value: rounded(value), interval95: Interval { low: rounded(low), high: rounded(high) } }
        });
        Self { index, ..self }
    }
}

/// Presentation of one kind of number: unit, range, and the thresholds for quality and interpretation.
pub struct Scale {
    pub unit: Unit,
    /// Quality threshold: half the width of the interval for quality OK, in `unit`.
    pub quality_threshold: f64,
    /// Interpretation thresholds: below the first low, from the second high, otherwise moderate.
    pub thresholds: [f64; 2],
    /// Range of possible values, lowest and highest.
    pub bounds: [f64; 2],
}

impl Scale {
    /// A share of a person's visits, of ties or of people; also personality scores.
    pub const SHARE: Self =
        Self { unit: Unit::Share, quality_threshold: 0.05, thresholds: [1.0 / 3.0, 2.0 / 3.0], bounds: [0.0, 1.0] };

    /// A personality dimension.
    pub const SCORE: Self = Self { unit: Unit::Score, ..Self::SHARE };

    /// The share of events among a person's actions. The thresholds are lower, because this share is always small.
    pub const EVENTS: Self = Self { thresholds: [0.1, 0.3], ..Self::SHARE };

    /// A share among `cells` cells: low below half of an even share, high from twice an even share.
    #[must_use]
    pub fn share_among(cells: u32) -> Self {
        let even = 1.0 / f64::from(cells);
        Self { thresholds: [even / 2.0, even * 2.0], ..Self::SHARE }
    }

    /// A correlation: low below -0.3, high from 0.3.
    pub const CORRELATION: Self =
        Self { unit: Unit::Correlation, quality_threshold: 0.1, thresholds: [-0.3, 0.3], bounds: [-1.0, 1.0] };

    /// A squared overlap of states.
    pub const OVERLAP: Self =
        Self { unit: Unit::Overlap, quality_threshold: 0.05, thresholds: [0.6, 0.85], bounds: [0.0, 1.0] };

    /// The number of people of a segment; the quality threshold is 10 % of the number.
    #[must_use]
    pub fn people(released: &Released) -> Measure {
        let people = released.people;
        let scale = Self {
            unit: Unit::People,
            quality_threshold: people * 0.1,
            thresholds: [0.0; 2],
            bounds: [100.0, f64::MAX],
        };
        scale.measure(Estimate::new(people, released.sigma_people()))
    }

    /// Converts an estimate to the object of the schema: clamps and rounds it and derives quality and interpretation.
    #[must_use]
    pub fn measure(&self, estimate: Estimate) -> Measure {
        let quality = quality(Z95 * estimate.sigma, self.quality_threshold);
        let estimate = estimate.clamped(self.bounds[0], self.bounds[1]);
        let term = |value: f64| match self.thresholds {
            [low, _] if value < low => "low",
            [_, high] if value < high => "moderate",
            _ => "high",
        };
        let (from, to) = (term(estimate.low), term(estimate.high));
        Measure {
            value: rounded(estimate.value),
            unit: self.unit,
            sigma: rounded(estimate.sigma),
            interval95: Interval { low: rounded(estimate.low), high: rounded(estimate.high) },
            quality,
            interpretation: if from == to { from.to_owned() } else { format!("{from} to {to}") },
            index: None,
        }
    }
}

/// The quality of a number: `High` if half the width of its interval is at most half of `threshold`, `Ok` if it is at
/// most `threshold`, otherwise `Low`.
#[must_use]
pub fn quality(half_width: f64, threshold: f64) -> Quality {
    if half_width <= threshold / 2.0 {
        Quality::High
    } else if half_width <= threshold {
        Quality::Ok
    } else {
        Quality::Low
    }
}

/// Rounds to four decimals; values below 0.01 (densities) to eight decimals.
fn rounded(value: f64) -> f64 {
    let steps = if value != 0.0 && value.abs() < 0.01 { 1e8 } else { 1e4 };
    (value * steps).round() / steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_follows_from_the_error_alone() {
        assert_eq!(
            [0.025, 0.026, 0.05, 0.051].map(|half| quality(half, 0.05)),
            [Quality::High, Quality::Ok, Quality::Ok, Quality::Low]
        );
    }

    #[test]
    fn an_index_compares_with_everybody() {
        let measure = |value, sigma| Scale::SHARE.measure(Estimate::new(value, sigma));
        let index = measure(0.3, 0.01).relative_to(Some(&measure(0.2, 0.001))).index.unwrap();
        assert!((index.value - 150.0).abs() < 1e-9, "{index:?}");
        // (0.01 / 0.3)^2 + (0.001 / 0.2)^2 = 0.0337^2
        assert!((index.interval95.high - 150.0 * (1.0 + 1.96 * 0.033_706)).abs() < 0.01, "{index:?}");
        assert_eq!(measure(0.3, 0.01).relative_to(Some(&measure(0.0, 0.001))).index, None);
        assert_eq!(measure(0.3, 0.01).relative_to(None).index, None);
    }

    #[test]
    fn an_interval_across_a_threshold_has_two_terms() {
        let terms = |value, sigma| Scale::SHARE.measure(Estimate::new(value, sigma)).interpretation;
        assert_eq!(terms(0.2, 0.01), "low");
        assert_eq!(terms(0.34, 0.01), "low to moderate");
        assert_eq!(terms(0.9, 0.01), "high");
        assert_eq!(terms(0.5, 0.5), "low to high");
        let terms = |value: f64| Scale::CORRELATION.measure(Estimate::new(value, 0.02)).interpretation;
        assert_eq!([terms(-0.5), terms(0.0), terms(0.3)], ["low", "moderate", "moderate to high"]);
    }
}
