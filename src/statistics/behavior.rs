//! Estimates from a release of the bundle BEHAVIOR.

use super::{
    estimate::{Estimate, Folded, Sample},
    measure::{Measure, Scale, Unit},
};
use crate::{
    domain::{
        epoch::WindowLength,
        error::{Error, Reason},
    },
    privacy::{
        Group, Released,
        contribution::{BehaviorMean, DWELL_CAP_S},
    },
};

/// The behavior of a segment in a window.
pub struct BehaviorStatistics {
    means: Sample,
    dwell_times: Sample,
    week_parts: Sample,
    categories: Sample,
    people: f64,
    window: WindowLength,
}

impl BehaviorStatistics {
    /// Reads a release.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is not a release of BEHAVIOR.
    pub fn read(released: &Released) -> Result<Self, Error> {
        Ok(Self {
            means: Sample::read(released, Group::BehaviorMeans)?,
            dwell_times: Sample::read(released, Group::DwellTimes)?,
            week_parts: Sample::read(released, Group::WeekParts)?,
            categories: Sample::read(released, Group::Categories)?,
            people: released.people,
            window: released.release.window.length,
        })
    }

    /// A mean over people, in units of its cap.
    ///
    /// # Errors
    /// `INSUFFICIENT_DATA` if the total is so small that a few people could account for most of it.
    pub fn mean(&self, mean: BehaviorMean) -> Result<Estimate, Error> {
        let total = self.means.total(mean as usize, 0.5);
        self.withhold_dominated(total)?;
        Ok(self.means.mean(mean as usize, 0.5))
    }

    /// One minus a mean over people.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`], for the total of the complement.
    fn complement(&self, mean: BehaviorMean) -> Result<Estimate, Error> {
        let total = self.means.total(mean as usize, 0.5).linear(-1.0, self.people);
        self.withhold_dominated(total)?;
        Ok(self.means.mean(mean as usize, 0.5).linear(-1.0, 1.0))
    }

    fn withhold_dominated(&self, total: Estimate) -> Result<(), Error> {
        if self.means.passes_dominance(total) {
            return Ok(());
        }
        Err(Error::InsufficientData { reason: Reason::Dominance })
    }

    /// Visits per person.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`].
    pub fn visits_per_person(&self) -> Result<Measure, Error> {
        let cap = f64::from(self.window.visit_cap());
        let scale = Scale {
            unit: Unit::Visits,
            quality_threshold: cap / 20.0,
            thresholds: [cap / 10.0, cap / 3.0],
            bounds: [0.0, cap],
        };
        Ok(scale.measure(self.mean(BehaviorMean::Visits)?.linear(cap, 0.0)))
    }

    /// Mean dwell time per person, in minutes.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`].
    pub fn average_dwell_minutes(&self) -> Result<Measure, Error> {
        let cap = DWELL_CAP_S as f64 / 60.0;
        let scale = Scale { unit: Unit::Minutes, quality_threshold: 5.0, thresholds: [30.0, 60.0], bounds: [0.0, cap] };
        Ok(scale.measure(self.mean(BehaviorMean::DwellTime)?.linear(cap, 0.0)))
    }

    /// The share of visits to a spot visited before.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`].
    pub fn return_visit_rate(&self) -> Result<Measure, Error> {
        Ok(Scale::SHARE.measure(self.mean(BehaviorMean::Returns)?))
    }

    /// The share of visits to a spot that is new to the person.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`].
    pub fn exploration_tendency(&self) -> Result<Measure, Error> {
        Ok(Scale::SHARE.measure(self.complement(BehaviorMean::Returns)?))
    }

    /// The share of attended events.
    ///
    /// # Errors
    /// As [`BehaviorStatistics::mean`].
    pub fn community_engagement(&self) -> Result<Measure, Error> {
        Ok(Scale::EVENTS.measure(self.mean(BehaviorMean::Events)?))
    }

    /// Shares of short, medium and long visits, and last the share that is combined from small ones; `None` where a
    /// share is combined or, for the last, if none is.
    #[must_use]
    pub fn time_spent(&self) -> Vec<Option<Measure>> {
        let Folded { shares, other } = self.dwell_times.folded(1.0 / 3.0);
        shares.into_iter().chain([other]).map(|share| share.map(|share| Scale::SHARE.measure(share))).collect()
    }

    /// Shares of eight parts of the week, and last the share that is combined from small ones; `None` where a share is
    /// combined or, for the last, if none is.
    #[must_use]
    pub fn week_parts(&self) -> Vec<Option<Measure>> {
        let Folded { shares, other } = self.week_parts.folded(1.0 / 8.0);
        let scale = Scale::share_among(8);
        shares.into_iter().chain([other]).map(|share| share.map(|share| scale.measure(share))).collect()
    }

    /// Shares of the category groups, in the order of
    /// [`CATEGORY_GROUPS`](crate::privacy::contribution::CATEGORY_GROUPS); small ones are counted in the last one.
    #[must_use]
    pub fn categories(&self) -> Vec<Option<Measure>> {
        let Folded { mut shares, other } = self.categories.folded(1.0 / 12.0);
        // The category group `other` and the combined small shares are one cell of the answer.
        let named_other = shares.pop().flatten();
        let combined = match (named_other, other) {
            (Some(named), Some(other)) => {
                Some(Estimate::new(named.value + other.value, named.sigma.hypot(other.sigma)).clamped(0.0, 1.0))
            }
            (named, other) => named.or(other),
        };
        shares.push(combined);
        let scale = Scale::share_among(12);
        shares.into_iter().map(|share| share.map(|share| scale.measure(share))).collect()
    }
}
