//! Personality of the people of a segment: the `Personality` object.

use async_graphql::{Enum, Object, SimpleObject};

use super::release::Release;
use crate::{
    domain::{dimensions, error::Error},
    privacy::Released,
    statistics::{
        measure::Measure,
        personality::{DimensionStatistics, PersonalityStatistics},
    },
};

/// The twelve dimensions of the people of a segment, and the shares of their archetypes.
pub struct Personality {
    released: Released,
    statistics: PersonalityStatistics,
}

impl Personality {
    /// # Errors
    /// [`Error::Internal`] if it is not a release of PERSONALITY.
    pub fn new(released: Released) -> Result<Self, Error> {
        Ok(Self { statistics: PersonalityStatistics::read(&released)?, released })
    }
}

/// The twelve personality dimensions of the people of a segment, and the shares of their archetypes, over 28 days.
#[Object]
impl Personality {
    /// The twelve dimensions, always complete and in the same order.
    async fn dimensions(&self) -> Vec<Dimension> {
        self.statistics.dimensions().into_iter().map(Dimension::from).collect()
    }

    /// The archetype with the largest share, or UNCERTAIN if its interval overlaps with that of the second largest.
    async fn archetype(&self) -> ArchetypeName {
        self.statistics.leading_archetype().map_or(ArchetypeName::Uncertain, |code| ArchetypeName::SHARES[code])
    }

    /// Share of people per archetype. The shares sum to 1. Archetypes that represent fewer than 100 people (share x
    /// noisy size) are combined into one entry OTHER, which comes last.
    async fn archetypes(&self) -> Vec<ArchetypeShare> {
        let names = ArchetypeName::SHARES.into_iter().chain([ArchetypeName::Other]);
        let cells = names.zip(self.statistics.archetypes());
        cells.filter_map(|(archetype, share)| Some(ArchetypeShare { archetype, share: share? })).collect()
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.released.release.as_ref().into()
    }
}

/// The distribution of one dimension over the people of a segment. All values are 0 to 1.
#[derive(SimpleObject)]
pub struct Dimension {
    /// The dimension.
    name: dimensions::Dimension,
    /// Mean over people, 0 to 1.
    mean: Measure,
    /// Standard deviation over people, 0 to 0.5.
    standard_deviation: Measure,
    /// The 25th percentile.
    p25: Measure,
    /// The median.
    p50: Measure,
    /// The 75th percentile.
    p75: Measure,
    /// Shares of the people in ten equal bins from 0 to 1. A bin that represents fewer than 100 people (share x noisy
    /// size) is null and is counted in `histogramOther`.
    histogram: Vec<Option<f64>>,
    /// Sum of the shares of the bins that are null; 0 if no bin is null. It and the other bins sum to 1.
    histogram_other: f64,
}

impl From<(dimensions::Dimension, DimensionStatistics)> for Dimension {
    fn from((name, statistics): (dimensions::Dimension, DimensionStatistics)) -> Self {
        let [p25, p50, p75] = statistics.quartiles;
        Self {
            name,
            mean: statistics.mean,
            standard_deviation: statistics.standard_deviation,
            p25,
            p50,
            p75,
            histogram: statistics.histogram,
            histogram_other: statistics.histogram_other,
        }
    }
}

/// Archetypes of people. A person has the nearest of five published targets, or BALANCED if none is near enough
/// (`docs/personality.md`, "Archetypes").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "Archetype")]
pub enum ArchetypeName {
    /// High exploration eagerness and location adventurousness.
    AdventurousExplorer,
    /// High community orientation and curation tendency.
    CommunityCurator,
    /// High authenticity preference and exploration eagerness.
    AuthenticSeeker,
    /// High social discovery style and community orientation.
    SocialConnector,
    /// High temporal flexibility and exploration eagerness.
    SpontaneousWanderer,
    /// Not near enough to any of the five targets.
    Balanced,
    /// The largest share cannot be determined because of the noise. Returned by `Personality.archetype` only.
    Uncertain,
    /// Archetypes that represent too few people to be shown separately. Returned in `Personality.archetypes` only.
    Other,
}

impl ArchetypeName {
    /// The archetypes that have a share of their own, in the order of the release.
    const SHARES: [Self; 6] = [
        Self::AdventurousExplorer,
        Self::CommunityCurator,
        Self::AuthenticSeeker,
        Self::SocialConnector,
        Self::SpontaneousWanderer,
        Self::Balanced,
    ];
}

/// Share of the people with one archetype.
#[derive(SimpleObject)]
pub struct ArchetypeShare {
    /// The archetype.
    archetype: ArchetypeName,
    /// Share of the people, 0 to 1.
    share: Measure,
}
