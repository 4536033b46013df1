//! A released number with its unit, interval and quality.

use async_graphql::{Enum, SimpleObject};

use crate::estimate::{Estimate, Z95};

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
}

/// Presentation of one kind of number: unit, range, and the thresholds for quality and interpretation.
pub struct Scale {
    pub unit: Unit,
    /// Quality threshold: half the width of the interval for quality OK, in `unit`.
    pub line: f64,
    /// Interpretation thresholds: below the first low, from the second high, otherwise moderate.
    pub lines: [f64; 2],
    /// Range of possible values, lowest and highest.
    pub bounds: [f64; 2],
}

impl Scale {
    /// A share of a person's visits, of ties or of people; also personality scores.
    pub const SHARE: Self = Self { unit: Unit::Share, line: 0.05, lines: [1.0 / 3.0, 2.0 / 3.0], bounds: [0.0, 1.0] };

    /// A personality dimension.
    pub const SCORE: Self = Self { unit: Unit::Score, ..Self::SHARE };

    /// The share of events among a person's actions. The thresholds are lower, because this share is always small.
    pub const EVENTS: Self = Self { lines: [0.1, 0.3], ..Self::SHARE };

    /// Converts an estimate to the object of the schema: clamps and rounds it and derives quality and interpretation.
    #[must_use]
    pub fn measure(&self, estimate: Estimate) -> Measure {
        let quality = quality(Z95 * estimate.sigma, self.line);
        let estimate = estimate.within(self.bounds[0], self.bounds[1]);
        let word = |value: f64| match self.lines {
            [low, _] if value < low => "low",
            [_, high] if value < high => "moderate",
            _ => "high",
        };
        let (from, to) = (word(estimate.low), word(estimate.high));
        Measure {
            value: rounded(estimate.value),
            unit: self.unit,
            sigma: rounded(estimate.sigma),
            interval95: Interval { low: rounded(estimate.low), high: rounded(estimate.high) },
            quality,
            interpretation: if from == to { from.to_owned() } else { format!("{from} to {to}") },
        }
    }
}

/// The quality of a number: `High` if half the width of its interval is at most half of `line`, `Ok` if it is at most
/// `line`, otherwise `Low`.
#[must_use]
pub fn quality(half_width: f64, line: f64) -> Quality {
    if half_width <= line / 2.0 {
        Quality::High
    } else if half_width <= line {
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
    fn an_interval_over_a_line_has_two_words() {
        let words = |value, sigma| Scale::SHARE.measure(Estimate::new(value, sigma)).interpretation;
        assert_eq!(words(0.2, 0.01), "low");
        assert_eq!(words(0.34, 0.01), "low to moderate");
        assert_eq!(words(0.9, 0.01), "high");
        assert_eq!(words(0.5, 0.5), "low to high");
    }
}
