//! Personality of the people of a segment: the `Personality` object.

use async_graphql::{Enum, Object, SimpleObject};

use super::{
    measure::{Measure, Scale},
    release::Release,
};
use crate::{
    estimate::{Distribution, Estimate, Folded, Sample, deviation},
    privacy::Released,
};

/// The twelve dimensions of the people of a segment, and the shares of their archetypes.
pub struct Personality(pub Released);

impl Personality {
    fn shares(&self) -> Vec<(ArchetypeName, Estimate)> {
        ArchetypeName::SHARES.into_iter().zip(Sample::of(&self.0, "ARCH").shares(0.0)).collect()
    }
}

/// The twelve personality dimensions of the people of a segment, and the shares of their archetypes, over 28 days.
#[Object]
impl Personality {
    /// The twelve dimensions, always complete and in the same order.
    async fn dimensions(&self) -> Vec<Dimension> {
        let (mean, square) = (Sample::of(&self.0, "MEAN"), Sample::of(&self.0, "SQ"));
        let (counts, sigma) = self.0.sums("HIST");
        let people = self.0.people as f64;
        let bins = counts.chunks(10).map(|counts| Distribution::new(counts, sigma, people));
        let dimensions = DimensionName::ALL.into_iter().enumerate().zip(bins);
        dimensions
            .map(|((k, name), bins)| Dimension::new(name, mean.mean(k, 0.0), square.mean(k, 0.125), &bins, people))
            .collect()
    }

    /// The archetype with the largest share, or UNCERTAIN if its interval overlaps with that of the second largest.
    async fn archetype(&self) -> ArchetypeName {
        let mut shares = self.shares();
        shares.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
        match shares[..] {
            [(first, a), (_, b), ..] if a.low > b.high => first,
            _ => ArchetypeName::Uncertain,
        }
    }

    /// Share of people per archetype. The shares sum to 1. Archetypes that represent fewer than 100 people (share x
    /// noisy size) are combined into one entry OTHER, which comes last.
    async fn archetypes(&self) -> Vec<ArchetypeShare> {
        let folded = Sample::of(&self.0, "ARCH").folded(0.0);
        let cells = ArchetypeName::SHARES.into_iter().zip(folded.shares).chain([(ArchetypeName::Other, folded.other)]);
        cells
            .filter_map(|(archetype, share)| Some(ArchetypeShare { archetype, share: Scale::SHARE.measure(share?) }))
            .collect()
    }

    /// The release that these numbers come from.
    async fn release(&self) -> Release {
        self.0.release.as_ref().into()
    }
}

/// The distribution of one dimension over the people of a segment. All values are 0 to 1.
#[derive(SimpleObject)]
pub struct Dimension {
    /// The dimension.
    name: DimensionName,
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
    /// Computes the numbers from the means of u = x - 1/2 and of its square, and from the histogram.
    fn new(name: DimensionName, mean: Estimate, square: Estimate, bins: &Distribution, people: f64) -> Self {
        let score = Scale::SCORE;
        let folded = Folded::new(bins.shares().into_iter().map(|share| Estimate::new(share, 0.0)).collect(), people);
        let share = |share: Estimate| (share.value * 1e4).round() / 1e4;
        let spread = Scale { line: 0.03, lines: [0.1, 0.2], bounds: [0.0, 0.5], ..score };
        Self {
            name,
            mean: score.measure(mean.linear(1.0, 0.5)),
            standard_deviation: spread.measure(deviation(mean, square)),
            p25: score.measure(bins.quantile(0.25)),
            p50: score.measure(bins.quantile(0.5)),
            p75: score.measure(bins.quantile(0.75)),
            histogram: folded.shares.into_iter().map(|cell| cell.map(share)).collect(),
            histogram_other: folded.other.map_or(0.0, share),
        }
    }
}

/// The twelve personality dimensions, each 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DimensionName {
    /// Eagerness to explore.
    ExplorationEagerness,
    /// Orientation towards community.
    CommunityOrientation,
    /// Preference for authentic places and products.
    AuthenticityPreference,
    /// Tendency to discover through other people.
    SocialDiscoveryStyle,
    /// Flexibility in time.
    TemporalFlexibility,
    /// Willingness to go to unfamiliar locations.
    LocationAdventurousness,
    /// Tendency to collect and curate.
    CurationTendency,
    /// Reliance on trusted people.
    TrustNetworkReliance,
    /// Preferred level of energy: 0 = calm, 1 = lively.
    EnergyPreference,
    /// Tendency to seek novelty.
    NoveltySeeking,
    /// Orientation of value: 0 = budget, 1 = premium.
    ValueOrientation,
    /// Tolerance of crowds.
    CrowdTolerance,
}

impl DimensionName {
    /// All dimensions, in the order of the release.
    pub const ALL: [Self; 12] = [
        Self::ExplorationEagerness,
        Self::CommunityOrientation,
        Self::AuthenticityPreference,
        Self::SocialDiscoveryStyle,
        Self::TemporalFlexibility,
        Self::LocationAdventurousness,
        Self::CurationTendency,
        Self::TrustNetworkReliance,
        Self::EnergyPreference,
        Self::NoveltySeeking,
        Self::ValueOrientation,
        Self::CrowdTolerance,
    ];
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

#[cfg(test)]
mod tests {

    use super::*;
    use crate::personality::DIMENSIONS;

    #[test]
    fn dimensions_stand_in_the_order_of_the_release() {
        let name = |value| async_graphql::resolver_utils::enum_value(value).to_string().to_lowercase();
        let names: Vec<String> = DimensionName::ALL.into_iter().map(name).collect();
        assert_eq!(names, DIMENSIONS);
    }
}
