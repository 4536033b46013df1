//! A released number with its unit, interval and quality.

use async_graphql::{Enum, SimpleObject};

use crate::estimate::{Estimate, Z95};

/// What a number counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Unit {
    /// Head count.
    People,
    /// Visits of a person in the window.
    Visits,
    /// Minutes.
    Minutes,
    /// A part of a whole, 0 to 1.
    Share,
    /// A personality dimension, 0 to 1.
    Score,
    /// Kept connections of a person, at most 10.
    Connections,
    /// Kept connections over possible ones, 0 to 1.
    Density,
    /// Friends whom a person draws to a new place in the window.
    Friends,
    /// Squared overlap of two states, 0 to 1.
    Overlap,
    /// Entropy with the natural logarithm.
    Nats,
    /// How two dimensions go together, -1 to 1.
    Correlation,
}

/// How far a number can be relied on: 1.96 `sigma` (half an interval before it is cut to what is possible) against a
/// line for its kind (`docs/privacy.md`, "Quality").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Quality {
    /// Wider than the line: a direction at best.
    Low,
    /// Within the line.
    Ok,
    /// Within half the line.
    High,
}

/// Where the number without noise lies with 95 %.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// A released number about a segment. It was computed from data, once, with noise, and never changes.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct Measure {
    /// The number.
    pub value: f64,
    /// What it counts.
    pub unit: Unit,
    /// Standard error of the noise, in the same unit.
    pub sigma: f64,
    /// Where the number without noise lies with 95 %.
    pub interval95: Interval,
    /// How far it can be relied on.
    pub quality: Quality,
    /// In words, by published lines; two words where the interval crosses a line.
    pub interpretation: String,
}

/// How a kind of number is shown and judged.
pub struct Scale {
    pub unit: Unit,
    /// Half an interval's width for quality OK.
    pub line: f64,
    /// Below the first: low; from the second: high.
    pub lines: [f64; 2],
    /// What is possible.
    pub bounds: [f64; 2],
}

impl Scale {
    /// A share of people's own visits, ties or people; also personality scores.
    pub const SHARE: Self = Self { unit: Unit::Share, line: 0.05, lines: [1.0 / 3.0, 2.0 / 3.0], bounds: [0.0, 1.0] };

    /// A personality dimension.
    pub const SCORE: Self = Self { unit: Unit::Score, ..Self::SHARE };

    /// Events among people's actions: there are never many.
    pub const EVENTS: Self = Self { lines: [0.1, 0.3], ..Self::SHARE };

    /// The estimate as a partner sees it.
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

/// The published rule: within half the line HIGH, within the line OK, else LOW.
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

/// Four decimals, and six significant digits for what is smaller than a hundredth (densities).
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
