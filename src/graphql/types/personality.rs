//! Personality of the people of a segment: the `Personality` object.

use async_graphql::{Enum, Object, SimpleObject};

use super::{reference::WithReference, release::Release};
use crate::{
    domain::dimensions,
    statistics::{
        measure::Measure,
        personality::{DimensionStatistics, PersonalityStatistics},
    },
};

/// The twelve dimensions of the people of a segment, and the shares of their archetypes.
pub struct Personality {
    pub statistics: WithReference<PersonalityStatistics>,
}

/// The twelve personality dimensions of the people of a segment, and the shares of their archetypes, over 28 days.
#[Object]
impl Personality {
    /// The twelve dimensions, always complete and in the same order.
    async fn dimensions(&self) -> Vec<Dimension> {
        let numbers = self.statistics.measures(|statistics| {
            let dimensions = statistics.dimensions().into_iter();
            dimensions.flat_map(|(_, dimension)| dimension.measures()).map(Some).collect()
        });
        let mut numbers = numbers.into_iter().flatten();
        let dimensions = self.statistics.own.dimensions().into_iter();
        dimensions.filter_map(|(name, dimension)| Dimension::new(name, dimension, &mut numbers)).collect()
    }

    /// The archetype with the largest share, or UNCERTAIN if its interval overlaps with that of the second largest.
    async fn archetype(&self) -> ArchetypeName {
        self.statistics.own.leading_archetype().map_or(ArchetypeName::Uncertain, |code| ArchetypeName::SHARES[code])
    }

    /// Share of people per archetype. The shares sum to 1. Archetypes that represent fewer than 100 people (share x
    /// noisy size) are combined into one entry OTHER, which comes last.
    async fn archetypes(&self) -> Vec<ArchetypeShare> {
        let names = ArchetypeName::SHARES.into_iter().chain([ArchetypeName::Other]);
        let cells = names.zip(self.statistics.measures(PersonalityStatistics::archetypes));
        cells.filter_map(|(archetype, share)| Some(ArchetypeShare { archetype, share: share? })).collect()
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.statistics.released.release.as_ref().into()
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

impl Dimension {
    /// Takes the numbers of [`DimensionStatistics::measures`] from `numbers`; `None` if there are too few.
    fn new(
        name: dimensions::Dimension,
        statistics: DimensionStatistics,
        numbers: &mut impl Iterator<Item = Measure>,
    ) -> Option<Self> {
        Some(Self {
            name,
            mean: numbers.next()?,
            standard_deviation: numbers.next()?,
            p25: numbers.next()?,
            p50: numbers.next()?,
            p75: numbers.next()?,
            histogram: statistics.histogram,
            histogram_other: statistics.histogram_other,
        })
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
