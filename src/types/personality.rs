//! What the people of a segment are like.

use async_graphql::{Enum, Object, SimpleObject};

use super::{
    measure::{Measure, Scale},
    release::Release,
};
use crate::{
    estimate::{Distribution, Estimate, Folded, Sample, deviation},
    privacy::Released,
};

/// The twelve dimensions of a segment's people and the mix of their archetypes.
pub struct Personality(pub Released);

impl Personality {
    fn shares(&self) -> Vec<(ArchetypeName, Estimate)> {
        ArchetypeName::SHARES.into_iter().zip(Sample::of(&self.0, "ARCH").shares(0.0)).collect()
    }
}

/// The twelve dimensions of a segment's people and the mix of their archetypes.
#[Object]
impl Personality {
    /// The twelve dimensions, in their fixed order.
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

    /// The archetype of the most people, or UNCERTAIN where the noise could have changed the order.
    async fn archetype(&self) -> ArchetypeName {
        let mut shares = self.shares();
        shares.sort_by(|a, b| b.1.value.total_cmp(&a.1.value));
        match shares[..] {
            [(first, a), (_, b), ..] if a.low > b.high => first,
            _ => ArchetypeName::Uncertain,
        }
    }

    /// The share of each archetype; the shares sum to 1. Archetypes of fewer than 100 people come together, last, as
    /// OTHER.
    async fn archetypes(&self) -> Vec<ArchetypeShare> {
        let folded = Sample::of(&self.0, "ARCH").folded(0.0);
        let cells = ArchetypeName::SHARES.into_iter().zip(folded.shares).chain([(ArchetypeName::Other, folded.other)]);
        cells
            .filter_map(|(archetype, share)| Some(ArchetypeShare { archetype, share: Scale::SHARE.measure(share?) }))
            .collect()
    }

    /// Where these numbers come from.
    async fn release(&self) -> Release {
        self.0.release.as_ref().into()
    }
}

/// One dimension over the people of a segment, each number in [0, 1].
#[derive(SimpleObject)]
pub struct Dimension {
    /// Which dimension.
    name: DimensionName,
    /// Mean over people.
    mean: Measure,
    /// Standard deviation over people.
    standard_deviation: Measure,
    /// A quarter of the people lie at or below.
    p25: Measure,
    /// Half of the people lie at or below.
    p50: Measure,
    /// Three quarters of the people lie at or below.
    p75: Measure,
    /// Shares of the people in ten equal bins from 0 to 1. A bin of fewer than 100 people is null.
    histogram: Vec<Option<f64>>,
    /// The share of the people in the bins that are null; with them the shares sum to 1.
    histogram_other: f64,
}

impl Dimension {
    /// From the means of u = x - 1/2 and of its square, and the histogram.
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

/// The twelve dimensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DimensionName {
    /// Eager to explore.
    ExplorationEagerness,
    /// Oriented towards community.
    CommunityOrientation,
    /// Prefers the authentic.
    AuthenticityPreference,
    /// Discovers through others.
    SocialDiscoveryStyle,
    /// Flexible in time.
    TemporalFlexibility,
    /// Adventurous in place.
    LocationAdventurousness,
    /// Collects and curates.
    CurationTendency,
    /// Relies on people trusted.
    TrustNetworkReliance,
    /// 0 = calm, 1 = lively.
    EnergyPreference,
    /// Seeks the new.
    NoveltySeeking,
    /// 0 = budget, 1 = premium.
    ValueOrientation,
    /// Bears crowds.
    CrowdTolerance,
}

impl DimensionName {
    /// In the order of the release.
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

/// Kinds of people, by nearness to five targets (`docs/personality.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(name = "Archetype")]
pub enum ArchetypeName {
    /// Explores far and eagerly.
    AdventurousExplorer,
    /// Brings a community together.
    CommunityCurator,
    /// Looks for the real thing.
    AuthenticSeeker,
    /// Discovers through people.
    SocialConnector,
    /// Goes where the day leads.
    SpontaneousWanderer,
    /// Near none of the five.
    Balanced,
    /// The noise could have changed which one leads; never the archetype of a share.
    Uncertain,
    /// Archetypes of too few people to be told one by one; only the archetype of a share.
    Other,
}

impl ArchetypeName {
    /// Those that have a share, in the order of the release.
    const SHARES: [Self; 6] = [
        Self::AdventurousExplorer,
        Self::CommunityCurator,
        Self::AuthenticSeeker,
        Self::SocialConnector,
        Self::SpontaneousWanderer,
        Self::Balanced,
    ];
}

/// The share of people of an archetype.
#[derive(SimpleObject)]
pub struct ArchetypeShare {
    /// Which archetype.
    archetype: ArchetypeName,
    /// Share of the people.
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
