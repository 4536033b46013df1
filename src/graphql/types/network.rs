//! Ties of the people of a segment: the `Network` object.

use async_graphql::{Enum, Object};

use super::{implications::MarketingImplications, release::Release};
use crate::{
    domain::error::Error,
    privacy::Released,
    statistics::{estimate::Estimate, measure::Measure, network::NetworkStatistics},
};

/// Thresholds of `connectionFrequency`, in new ties per person in 28 days: below the first LOW, from the second HIGH.
const FREQUENCY_THRESHOLDS: [f64; 2] = [0.1, 0.5];

/// Ties of the people of a segment within their region. All numbers are means over kept ties, at most 10 per person
/// (`docs/privacy.md`, "Kept ties").
pub struct Network {
    released: Released,
    statistics: NetworkStatistics,
}

impl Network {
    /// # Errors
    /// [`Error::Internal`] if it is not a release of NETWORK.
    pub fn new(released: Released) -> Result<Self, Error> {
        Ok(Self { statistics: NetworkStatistics::read(&released)?, released })
    }
}

/// Ties of the people of a segment within their region, over 28 days. All numbers are based on kept ties, at most 10
/// per person (`docs/privacy.md`, "Kept ties"). A tie counts if both people live in the same region; the other person
/// does not need to be in the segment.
#[Object]
impl Network {
    /// Mean number of kept ties per person, 0 to 10. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy
    /// total is below about 1,180 ties.
    async fn connections_per_person(&self) -> Result<Option<Measure>, Error> {
        self.statistics.connections_per_person().map(Some)
    }

    /// Mean number of kept ties per person, divided by the number of other people in the segment, 0 to 1. Ties to
    /// people of the region outside the segment are included, so the value is an upper bound of the density within the
    /// segment. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below about 1,180 ties.
    async fn density(&self) -> Result<Option<Measure>, Error> {
        self.statistics.density().map(Some)
    }

    /// Mean similarity of the two people of a tie, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the
    /// noisy number of ties, or the noisy sum of their similarities, is below about 1,180.
    async fn tie_compatibility(&self) -> Result<Option<Measure>, Error> {
        self.statistics.tie_compatibility().map(Some)
    }

    /// Share of the ties that were made in the window, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if
    /// fewer than about 1,180 ties (noisy total) were made in the window.
    async fn new_tie_share(&self) -> Result<Option<Measure>, Error> {
        self.statistics.new_tie_share().map(Some)
    }

    /// Frequency of new ties: LOW below 0.1 per person in 28 days, HIGH from 0.5, MEDIUM between, UNCERTAIN if the 95 %
    /// interval contains a threshold. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if fewer than about 1,180 ties
    /// (noisy total) were made in the window.
    async fn connection_frequency(&self) -> Result<Option<Frequency>, Error> {
        self.statistics.new_ties().map(|ties| Some(Frequency::of(ties)))
    }

    /// Mean number of connected people per person that visited a place for the first time, in the window, after this
    /// person had visited it, 0 to 10. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below
    /// about 1,180.
    async fn viral_potential(&self) -> Result<Option<Measure>, Error> {
        self.statistics.viral_potential().map(Some)
    }

    /// Share of the ties whose other person visited a place for the first time, in the window, after this person had
    /// visited it, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy number of ties, or of such
    /// ties, is below about 1,180.
    async fn trend_setting(&self) -> Result<Option<Measure>, Error> {
        self.statistics.trend_setting().map(Some)
    }

    /// Implications of these numbers for marketing, by published rules.
    async fn implications(&self) -> MarketingImplications {
        MarketingImplications::from(&self.statistics)
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.released.release.as_ref().into()
    }
}

/// Frequency of new ties per person in 28 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Frequency {
    /// Below 0.1.
    Low,
    /// From 0.1 to 0.5.
    Medium,
    /// 0.5 or more.
    High,
    /// The 95 % interval contains a threshold.
    Uncertain,
}

impl Frequency {
    fn of(new_ties: Estimate) -> Self {
        let at = |value: f64| match FREQUENCY_THRESHOLDS {
            [low, _] if value < low => Self::Low,
            [_, high] if value < high => Self::Medium,
            _ => Self::High,
        };
        if at(new_ties.low) == at(new_ties.high) { at(new_ties.value) } else { Self::Uncertain }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frequency_across_a_threshold_is_uncertain() {
        let of = |value, sigma| Frequency::of(Estimate::new(value, sigma));
        assert_eq!(of(0.05, 0.01), Frequency::Low);
        assert_eq!(of(0.3, 0.05), Frequency::Medium);
        assert_eq!(of(0.9, 0.05), Frequency::High);
        assert_eq!(of(0.09, 0.01), Frequency::Uncertain);
    }
}
