//! Estimates from a release of the bundle PERSONALITY.

use super::{
    estimate::{Distribution, Estimate, Folded, Sample, deviation},
    measure::{Measure, Scale},
};
use crate::{
    domain::{
        dimensions::{Dimension, DimensionMap},
        error::Error,
    },
    privacy::{Group, Released},
};

/// The personality of a segment.
pub struct PersonalityStatistics {
    means: Sample,
    squares: Sample,
    archetypes: Sample,
    distributions: Vec<Distribution>,
    people: f64,
}

/// One dimension over the people of a segment.
pub struct DimensionStatistics {
    pub mean: Measure,
    pub standard_deviation: Measure,
    /// The quantiles 0.25, 0.5 and 0.75.
    pub quartiles: [Measure; 3],
    /// Shares of ten equal bins; `None` if combined in `histogram_other`.
    pub histogram: Vec<Option<f64>>,
    pub histogram_other: f64,
}

impl DimensionStatistics {
    /// Mean, standard deviation and quartiles.
    pub fn measures(self) -> impl Iterator<Item = Measure> {
        [self.mean, self.standard_deviation].into_iter().chain(self.quartiles)
    }
}

impl PersonalityStatistics {
    /// Reads a release.
    ///
    /// # Errors
    /// [`Error::Internal`] if it is not a release of PERSONALITY.
    pub fn read(released: &Released) -> Result<Self, Error> {
        let people = released.people;
        let (counts, sigma) = released.sums(Group::Histograms)?;
        let bins = counts.len() / Dimension::COUNT;
        Ok(Self {
            means: Sample::read(released, Group::Means)?,
            squares: Sample::read(released, Group::Squares)?,
            archetypes: Sample::read(released, Group::Archetypes)?,
            distributions: counts.chunks(bins).map(|counts| Distribution::new(counts, sigma, people)).collect(),
            people,
        })
    }

    /// The mean of a dimension, 0 to 1 without noise.
    #[must_use]
    pub fn mean(&self, dimension: Dimension) -> Estimate {
        self.means.mean(dimension as usize, 0.5)
    }

    /// All dimensions.
    #[must_use]
    pub fn dimensions(&self) -> DimensionMap<DimensionStatistics> {
        DimensionMap::from_fn(|dimension| self.dimension(dimension))
    }

    fn dimension(&self, dimension: Dimension) -> DimensionStatistics {
        let index = dimension as usize;
        // The mean of u = x - 1/2 and of its square, which is released around 1/8.
        let (mean, square) = (self.means.mean(index, 0.0), self.squares.mean(index, 0.125));
        let distribution = &self.distributions[index];
        let bins = distribution.shares().into_iter().map(|share| Estimate::new(share, 0.0)).collect();
        let folded = Folded::new(bins, self.people);
        let rounded = |share: Estimate| (share.value * 1e4).round() / 1e4;
        let spread = Scale { quality_threshold: 0.03, thresholds: [0.1, 0.2], bounds: [0.0, 0.5], ..Scale::SCORE };
        DimensionStatistics {
            mean: Scale::SCORE.measure(mean.linear(1.0, 0.5)),
            standard_deviation: spread.measure(deviation(mean, square)),
            quartiles: [0.25, 0.5, 0.75].map(|p| Scale::SCORE.measure(distribution.quantile(p))),
            histogram: folded.shares.into_iter().map(|share| share.map(rounded)).collect(),
            histogram_other: folded.other.map_or(0.0, rounded),
        }
    }

    /// The code of the archetype with the largest share; `None` if the noise could have changed the order.
    #[must_use]
    pub fn leading_archetype(&self) -> Option<usize> {
        let mut shares: Vec<(usize, Estimate)> = self.archetypes.shares(0.0).into_iter().enumerate().collect();
        shares.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
        match shares[..] {
            [(first, a), (_, b), ..] if a.low > b.high => Some(first),
            _ => None,
        }
    }

    /// Shares of the archetypes by their codes, and last the share that is combined from small ones; `None` where a
    /// share is combined or, for the last, if none is.
    #[must_use]
    pub fn archetypes(&self) -> Vec<Option<Measure>> {
        let Folded { shares, other } = self.archetypes.folded(0.0);
        shares.into_iter().chain([other]).map(|share| share.map(|share| Scale::SHARE.measure(share))).collect()
    }
}
