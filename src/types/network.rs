//! How the people of a segment are connected.

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

/// New ties of a person in 28 days: below the first the frequency is low, from the second it is high.
const FREQUENCY_LINES: [f64; 2] = [0.1, 0.5];

/// How the people of a segment are connected inside their region: means over people of their kept ties, at most ten
/// each (`docs/privacy.md`, "Kept ties").
pub struct Network(pub Released);

impl Network {
    fn sample(&self) -> Sample {
        Sample::of(&self.0, "NET")
    }

    /// A number per person, of at most ten. Where the total is small, a few people could make most of it, and nothing is
    /// told.
    fn per_person(&self, index: usize) -> Result<Estimate, Error> {
        let sample = self.sample();
        if !sample.has_enough(sample.total(index, 0.5)) {
            return Err(Error::InsufficientData { reason: Reason::Dominance });
        }
        Ok(sample.mean(index, 0.5).linear(TIE_CAP as f64, 0.0))
    }

    /// A share of the ties, where there are enough of them, and enough ties in all.
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

/// How the people of a segment are connected inside their region: means over people of their kept ties, at most ten
/// each (`docs/privacy.md`, "Kept ties").
#[Object]
impl Network {
    /// Kept ties of a person, at most ten; null with `INSUFFICIENT_DATA` where there are hardly any ties.
    async fn connections_per_person(&self) -> Result<Option<Measure>, Error> {
        self.connections().map(Some)
    }

    /// Kept ties of a person over the number of the other people of the segment. Ties to people of the region who are
    /// not of the segment count too, so it is an upper bound of the density inside the segment. Null with
    /// `INSUFFICIENT_DATA` where there are hardly any ties.
    async fn density(&self) -> Result<Option<Measure>, Error> {
        let others = self.0.people as f64 - 1.0;
        let scale = Scale { unit: Unit::Density, line: 0.5 / others, lines: [0.001, 0.01], bounds: [0.0, 1.0] };
        Ok(Some(scale.measure(self.per_person(0)?.linear(1.0 / others, 0.0))))
    }

    /// How alike the two ends of a tie are, 0 to 1; null with `INSUFFICIENT_DATA` where there are hardly any ties.
    async fn tie_compatibility(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(1).map(Some)
    }

    /// The share of ties that were made in the window; null with `INSUFFICIENT_DATA` where there are hardly any.
    async fn new_tie_share(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(2).map(Some)
    }

    /// How often people make new ties: LOW below 0.1 a person in 28 days, HIGH from 0.5, UNCERTAIN if the interval
    /// crosses a line. Null with `INSUFFICIENT_DATA` where there are hardly any new ties.
    async fn connection_frequency(&self) -> Result<Option<Frequency>, Error> {
        let days = f64::from(self.0.release.window.length.days());
        Ok(Some(Frequency::of(self.per_person(2)?.linear(28.0 / days, 0.0))))
    }

    /// How many friends a person draws to a new place in the window; null with `INSUFFICIENT_DATA` where there are
    /// hardly any.
    async fn viral_potential(&self) -> Result<Option<Measure>, Error> {
        self.viral().map(Some)
    }

    /// The share of ties whose other end followed this person to a new place in the window; null with
    /// `INSUFFICIENT_DATA` where there are hardly any such.
    async fn trend_setting(&self) -> Result<Option<Measure>, Error> {
        self.of_ties(3).map(Some)
    }

    /// What these numbers imply for marketing, by published rules.
    async fn implications(&self) -> MarketingImplications {
        MarketingImplications {
            connections: self.connections(),
            compatibility: self.of_ties(1),
            viral: self.viral(),
            trend: self.of_ties(3),
        }
    }

    /// Where these numbers come from.
    async fn release(&self) -> Release {
        self.0.release.as_ref().into()
    }
}

/// How often people make new ties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum Frequency {
    /// Below 0.1 a person in 28 days.
    Low,
    /// From 0.1 to 0.5.
    Medium,
    /// 0.5 or more.
    High,
    /// The interval crosses a line.
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
