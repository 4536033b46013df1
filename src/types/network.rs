//! Ties of the people of a segment: the `Network` object.

use async_graphql::{Enum, Object};

use super::{
    implications::MarketingImplications,
    measure::{Measure, Scale, Unit},
    release::Release,
};
use crate::{
    engine::contribution::TIE_CAP,
    error::{Error, Reason},
    estimate::{Estimate, Sample},
    privacy::Released,
};

/// Thresholds of `connectionFrequency`, in new ties per person in 28 days: below the first LOW, from the second HIGH.
const FREQUENCY_LINES: [f64; 2] = [0.1, 0.5];

/// Ties of the people of a segment within their region. All numbers are means over kept ties, at most 10 per person
/// (`docs/privacy.md`, "Kept ties").
pub struct Network(pub Released);

impl Network {
    fn sample(&self) -> Sample {
        Sample::of(&self.0, "NET")
    }

    /// A mean per person, 0 to 10. If the noisy total is below the dominance threshold, a few people could account for
    /// most of it, and the result is [`Error::InsufficientData`] with the reason `DOMINANCE`.
    fn per_person(&self, index: usize) -> Result<Estimate, Error> {
        let sample = self.sample();
        if !sample.has_enough(sample.total(index, 0.5)) {
            return Err(Error::InsufficientData { reason: Reason::Dominance });
        }
        Ok(sample.mean(index, 0.5).linear(TIE_CAP as f64, 0.0))
    }

    /// A share of the ties. Both the total of the ties and the total of this number must reach the dominance threshold.
    fn of_ties(&self, index: usize) -> Result<Measure, Error> {
        self.per_person(0)?;
        self.per_person(index)?;
        Ok(Scale::SHARE.measure(self.sample().ratio(index, 0, 0.5)))
    }

    fn connections(&self) -> Result<Measure, Error> {
        let scale = Scale { unit: Unit::Connections, line: 0.5, lines: [2.0, 5.0], bounds: [0.0, TIE_CAP as f64] };
        Ok(scale.measure(self.per_person(0)?))
    }

    fn viral(&self) -> Result<Measure, Error> {
        let scale = Scale { unit: Unit::Friends, line: 0.5, lines: [0.5, 1.0], bounds: [0.0, TIE_CAP as f64] };
        Ok(scale.measure(self.per_person(3)?))
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
        self.connections().map(Some)
    }

    /// Mean number of kept ties per person, divided by the number of other people in the segment, 0 to 1. Ties to
    /// people of the region outside the segment are included, so the value is an upper bound of the density within the
    /// segment. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below about 1,180 ties.
    async fn density(&self) -> Result<Option<Measure>, Error> {
        let others = self.0.people as f64 - 1.0;
        let scale = Scale { unit: Unit::Density, line: 0.5 / others, lines: [0.001, 0.01], bounds: [0.0, 1.0] };
        Ok(Some(scale.measure(self.per_person(0)?.linear(1.0 / others, 0.0))))
    }

    /// Mean similarity of the two people of a tie, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the
    /// noisy number of ties, or the noisy sum of their similarities, is below about 1,180.
    async fn tie_compatibility(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(1).map(Some)
    }

    /// Share of the ties that were made in the window, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if
    /// fewer than about 1,180 ties (noisy total) were made in the window.
    async fn new_tie_share(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(2).map(Some)
    }

    /// Frequency of new ties: LOW below 0.1 per person in 28 days, HIGH from 0.5, MEDIUM between, UNCERTAIN if the 95 %
    /// interval contains a threshold. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if fewer than about 1,180 ties
    /// (noisy total) were made in the window.
    async fn connection_frequency(&self) -> Result<Option<Frequency>, Error> {
        let days = f64::from(self.0.release.window.length.days());
        Ok(Some(Frequency::of(self.per_person(2)?.linear(28.0 / days, 0.0))))
    }

    /// Mean number of connected people per person that visited a place for the first time, in the window, after this
    /// person had visited it, 0 to 10. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy total is below
    /// about 1,180.
    async fn viral_potential(&self) -> Result<Option<Measure>, Error> {
        self.viral().map(Some)
    }

    /// Share of the ties whose other person visited a place for the first time, in the window, after this person had
    /// visited it, 0 to 1. Null with `INSUFFICIENT_DATA`, reason `DOMINANCE`, if the noisy number of ties, or of such
    /// ties, is below about 1,180.
    async fn trend_setting(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(3).map(Some)
    }

    /// Implications of these numbers for marketing, by published rules.
    async fn implications(&self) -> MarketingImplications {
        MarketingImplications {
            connections: self.connections(),
            compatibility: self.of_ties(1),
            viral: self.viral(),
            trend: self.of_ties(3),
        }
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.0.release.as_ref().into()
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
        let at = |value: f64| match FREQUENCY_LINES {
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
    fn a_frequency_over_a_line_is_uncertain() {
        let of = |value, sigma| Frequency::of(Estimate::new(value, sigma));
        assert_eq!(of(0.05, 0.01), Frequency::Low);
        assert_eq!(of(0.3, 0.05), Frequency::Medium);
        assert_eq!(of(0.9, 0.05), Frequency::High);
        assert_eq!(of(0.09, 0.01), Frequency::Uncertain);
    }
}
