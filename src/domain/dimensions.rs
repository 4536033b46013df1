//! The twelve dimensions and the archetypes of a person, in the order used by all files, tables, releases and answers.

use std::ops::{Index, IndexMut};

/// A dimension of personality; its value is 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, async_graphql::Enum)]
#[graphql(name = "DimensionName")]
pub enum Dimension {
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

impl Dimension {
    /// The number of dimensions.
    pub const COUNT: usize = 12;

    /// All dimensions, in their order.
    pub const ALL: [Self; Self::COUNT] = [
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

    /// The column of files and tables, such as `energy_preference`.
    #[must_use]
    pub const fn column(self) -> &'static str {
        match self {
            Self::ExplorationEagerness => "exploration_eagerness",
            Self::CommunityOrientation => "community_orientation",
            Self::AuthenticityPreference => "authenticity_preference",
            Self::SocialDiscoveryStyle => "social_discovery_style",
            Self::TemporalFlexibility => "temporal_flexibility",
            Self::LocationAdventurousness => "location_adventurousness",
            Self::CurationTendency => "curation_tendency",
            Self::TrustNetworkReliance => "trust_network_reliance",
            Self::EnergyPreference => "energy_preference",
            Self::NoveltySeeking => "novelty_seeking",
            Self::ValueOrientation => "value_orientation",
            Self::CrowdTolerance => "crowd_tolerance",
        }
    }
}

/// A value for each dimension.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DimensionMap<T>([T; Dimension::COUNT]);

impl<T> DimensionMap<T> {
    /// The values in the order of [`Dimension::ALL`].
    pub const fn new(values: [T; Dimension::COUNT]) -> Self {
        Self(values)
    }

    /// A value computed for each dimension.
    pub fn from_fn(value: impl FnMut(Dimension) -> T) -> Self {
        Self(Dimension::ALL.map(value))
    }

    /// The values in the order of [`Dimension::ALL`], as `personality-math` and the tables take them.
    pub const fn values(&self) -> &[T; Dimension::COUNT] {
        &self.0
    }

    /// Each dimension with its value.
    pub fn iter(&self) -> impl Iterator<Item = (Dimension, &T)> {
        Dimension::ALL.into_iter().zip(&self.0)
    }

    /// Each dimension with its value.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Dimension, &mut T)> {
        Dimension::ALL.into_iter().zip(&mut self.0)
    }
}

impl<T> IntoIterator for DimensionMap<T> {
    type Item = (Dimension, T);
    type IntoIter = std::iter::Zip<
        std::array::IntoIter<Dimension, { Dimension::COUNT }>,
        std::array::IntoIter<T, { Dimension::COUNT }>,
    >;

    fn into_iter(self) -> Self::IntoIter {
        Dimension::ALL.into_iter().zip(self.0)
    }
}

impl<T> Index<Dimension> for DimensionMap<T> {
    type Output = T;

    fn index(&self, dimension: Dimension) -> &T {
        &self.0[dimension as usize]
    }
}

impl<T> IndexMut<Dimension> for DimensionMap<T> {
    fn index_mut(&mut self, dimension: Dimension) -> &mut T {
        &mut self.0[dimension as usize]
    }
}

/// Four dimensions and their targets, in 1/10,000.
type Target = [(Dimension, i32); 4];

/// The targets of the archetypes, in the order of their codes; code 5 is [`BALANCED`].
const ARCHETYPE_TARGETS: [Target; 5] = {
    use Dimension::{
        AuthenticityPreference as Authenticity, CommunityOrientation as Community, CurationTendency as Curation,
        ExplorationEagerness as Exploration, LocationAdventurousness as Adventure, SocialDiscoveryStyle as Discovery,
        TemporalFlexibility as Flexibility, TrustNetworkReliance as Trust,
    };
    [
        // adventurous_explorer
        [(Exploration, 9_000), (Adventure, 8_000), (Flexibility, 7_000), (Community, 6_000)],
        // community_curator
        [(Community, 9_000), (Curation, 8_000), (Trust, 7_000), (Authenticity, 8_000)],
        // authentic_seeker
        [(Authenticity, 9_000), (Exploration, 7_000), (Discovery, 6_000), (Community, 5_000)],
        // social_connector
        [(Discovery, 9_000), (Community, 8_000), (Trust, 7_000), (Curation, 6_000)],
        // spontaneous_wanderer
        [(Flexibility, 9_000), (Exploration, 8_000), (Adventure, 7_000), (Authenticity, 6_000)],
    ]
};

/// The archetype code of a person whose closeness to every target is below 0.85.
pub const BALANCED: usize = 5;

/// The archetype code (0 to 5) of a person whose dimensions are given in 1/10,000: the target with the largest mean of
/// 1 - |x - target| over its four dimensions if that mean is at least 0.85 (if several are equal, the first), else
/// [`BALANCED`].
#[must_use]
pub fn archetype(dimensions: &DimensionMap<i32>) -> usize {
    let closeness = |target: &Target| -> i32 {
        target.iter().map(|&(dimension, goal)| 10_000 - (dimensions[dimension] - goal).abs()).sum()
    };
    let mut best = (BALANCED, 4 * 8_500 - 1);
    for (code, target) in ARCHETYPE_TARGETS.iter().enumerate() {
        let closeness = closeness(target);
        if closeness > best.1 {
            best = (code, closeness);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_indexed_by_the_order_of_all() {
        let map = DimensionMap::from_fn(Dimension::column);
        for (index, dimension) in Dimension::ALL.into_iter().enumerate() {
            assert_eq!(dimension as usize, index);
            assert_eq!(map[dimension], map.values()[index]);
        }
        assert_eq!(map[Dimension::ValueOrientation], "value_orientation");
    }

    #[test]
    fn a_person_on_a_target_has_its_archetype_and_a_person_near_none_is_balanced() {
        for (code, target) in ARCHETYPE_TARGETS.iter().enumerate() {
            let mut person = DimensionMap::new([5_000; 12]);
            for &(dimension, goal) in target {
                person[dimension] = goal;
            }
            assert_eq!(archetype(&person), code);
        }
        assert_eq!(archetype(&DimensionMap::new([0; 12])), BALANCED);
    }

    #[test]
    fn a_closeness_of_exactly_0_85_has_the_archetype() {
        let mut person = DimensionMap::new([0; 12]);
        for (dimension, goal) in ARCHETYPE_TARGETS[3] {
            person[dimension] = goal - 1_500;
        }
        assert_eq!(archetype(&person), 3);
        person[Dimension::SocialDiscoveryStyle] -= 1;
        assert_eq!(archetype(&person), BALANCED);
    }
}
