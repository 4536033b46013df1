//! Estimates from a release of the bundle NETWORK.

use async_graphql::Enum;

use super::{
    estimate::{Estimate, Sample},
    measure::{Measure, Scale, Unit},
};
use crate::{
    domain::error::{Error, Reason},
    privacy::{
        Group, Released,
        contribution::{NetworkSum, TIE_CAP},
    },
};

/// Thresholds of `connectionFrequency`, in new ties per person in 28 days: below the first LOW, from the second HIGH.
const FREQUENCY_THRESHOLDS: [f64; 2] = [0.1, 0.5];

/// The ties of a segment in a window.
pub struct NetworkStatistics {
    sums: Sample,
    people: f64,
    window_days: f64,
}

impl NetworkStatistics {
    /// Reads a release.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is not a release of NETWORK.
    pub fn read(released: &Released) -> Result<Self, Error> {
        Ok(Self {
            sums: Sample::read(released, Group::Network)?,
            people: released.people,
            window_days: f64::from(released.release.window.length.days()),
        })
    }

    /// A number of ties per person, 0 to 10.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if the total is so small that a few people could account for most of it.
    fn per_person(&self, sum: NetworkSum) -> Result<Estimate, Error> {
        if !self.sums.passes_dominance(self.sums.total(sum as usize, 0.5)) {
            return Err(Error::InsufficientData { reason: Reason::Dominance });
        }
        Ok(self.sums.mean(sum as usize, 0.5).linear(TIE_CAP as f64, 0.0))
    }

    /// A share of the ties.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if the total, or the total of all ties, is too small.
    fn share_of_ties(&self, sum: NetworkSum) -> Result<Measure, Error> {
        self.per_person(NetworkSum::Ties)?;
        self.per_person(sum)?;
        Ok(Scale::SHARE.measure(self.sums.ratio(sum as usize, NetworkSum::Ties as usize, 0.5)))
    }

    /// Kept ties per person.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn connections_per_person(&self) -> Result<Measure, Error> {
        let bounds = [0.0, TIE_CAP as f64];
        let scale = Scale { unit: Unit::Connections, quality_threshold: 0.5, thresholds: [2.0, 5.0], bounds };
        Ok(scale.measure(self.per_person(NetworkSum::Ties)?))
    }

    /// Kept ties per person over the number of other people.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn density(&self) -> Result<Measure, Error> {
        let others = self.people - 1.0;
        let scale = Scale {
            unit: Unit::Density,
            quality_threshold: 0.5 / others,
            thresholds: [0.001, 0.01],
            bounds: [0.0, 1.0],
        };
        Ok(scale.measure(self.per_person(NetworkSum::Ties)?.linear(1.0 / others, 0.0)))
    }

    /// Mean compatibility of the two ends of a tie.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few ties.
    pub fn tie_compatibility(&self) -> Result<Measure, Error> {
        self.share_of_ties(NetworkSum::Compatibility)
    }

    /// The share of ties that were made in the window.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn new_tie_share(&self) -> Result<Measure, Error> {
        self.share_of_ties(NetworkSum::NewTies)
    }

    /// The frequency of new ties per person in 28 days.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn connection_frequency(&self) -> Result<Frequency, Error> {
        let new_ties = self.per_person(NetworkSum::NewTies)?;
        Ok(Frequency::of(new_ties.linear(28.0 / self.window_days, 0.0)))
    }

    /// Connected people per person who followed to a new place in the window.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn viral_potential(&self) -> Result<Measure, Error> {
        let bounds = [0.0, TIE_CAP as f64];
        let scale = Scale { unit: Unit::Friends, quality_threshold: 0.5, thresholds: [0.5, 1.0], bounds };
        Ok(scale.measure(self.per_person(NetworkSum::FollowedTies)?))
    }

    /// The share of ties whose other end followed to a new place in the window.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if there are too few.
    pub fn trend_setting(&self) -> Result<Measure, Error> {
        self.share_of_ties(NetworkSum::FollowedTies)
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
