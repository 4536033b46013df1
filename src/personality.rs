//! The twelve dimensions and the archetypes of a person, in the order used by all files, tables, releases and answers.

/// The dimensions, each in [0, 1].
pub const DIMENSIONS: [&str; 12] = [
    "exploration_eagerness",
    "community_orientation",
    "authenticity_preference",
    "social_discovery_style",
    "temporal_flexibility",
    "location_adventurousness",
    "curation_tendency",
    "trust_network_reliance",
    "energy_preference",
    "novelty_seeking",
    "value_orientation",
    "crowd_tolerance",
];

/// The numbers of the dimensions.
pub mod number {
    pub const EXPLORATION_EAGERNESS: usize = 0;
    pub const COMMUNITY_ORIENTATION: usize = 1;
    pub const AUTHENTICITY_PREFERENCE: usize = 2;
    pub const SOCIAL_DISCOVERY_STYLE: usize = 3;
    pub const TEMPORAL_FLEXIBILITY: usize = 4;
    pub const LOCATION_ADVENTUROUSNESS: usize = 5;
    pub const CURATION_TENDENCY: usize = 6;
    pub const TRUST_NETWORK_RELIANCE: usize = 7;
    pub const ENERGY_PREFERENCE: usize = 8;
    pub const NOVELTY_SEEKING: usize = 9;
    pub const VALUE_ORIENTATION: usize = 10;
    pub const CROWD_TOLERANCE: usize = 11;
}

/// Four dimensions and their targets, in 1/10,000.
type Target = [(usize, i32); 4];

/// The archetypes in the order of their codes; code 5 is `balanced`.
const TARGETS: [Target; 5] = [
    [(0, 9_000), (5, 8_000), (4, 7_000), (1, 6_000)], // adventurous_explorer
    [(1, 9_000), (6, 8_000), (7, 7_000), (2, 8_000)], // community_curator
    [(2, 9_000), (0, 7_000), (3, 6_000), (1, 5_000)], // authentic_seeker
    [(3, 9_000), (1, 8_000), (7, 7_000), (6, 6_000)], // social_connector
    [(4, 9_000), (0, 8_000), (5, 7_000), (2, 6_000)], // spontaneous_wanderer
];

/// The archetype code of a person whose closeness to every target is below 0.85.
pub const BALANCED: usize = 5;

/// The archetype code (0 to 5) of a person whose dimensions are given in 1/10,000: the target with the largest mean of
/// 1 - |x - target| over its four dimensions if that mean is at least 0.85 (if several are equal, the first), else
/// [`BALANCED`].
#[must_use]
pub fn archetype(dimensions: &[i32; 12]) -> usize {
    let near = |target: &Target| -> i32 {
        target.iter().map(|&(dimension, goal)| 10_000 - (dimensions[dimension] - goal).abs()).sum()
    };
    let mut best = (BALANCED, 4 * 8_500 - 1);
    for (code, target) in TARGETS.iter().enumerate() {
        let near = near(target);
        if near > best.1 {
            best = (code, near);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_names() {
        assert_eq!(DIMENSIONS[number::COMMUNITY_ORIENTATION], "community_orientation");
        assert_eq!(DIMENSIONS[number::TRUST_NETWORK_RELIANCE], "trust_network_reliance");
        assert_eq!(DIMENSIONS[number::VALUE_ORIENTATION], "value_orientation");
        assert_eq!(number::CROWD_TOLERANCE + 1, DIMENSIONS.len());
    }

    #[test]
    fn a_person_on_a_target_has_its_archetype_and_a_person_near_none_is_balanced() {
        for (code, target) in TARGETS.iter().enumerate() {
            let mut person = [5_000; 12];
            for &(dimension, goal) in target {
                person[dimension] = goal;
            }
            assert_eq!(archetype(&person), code);
        }
        assert_eq!(archetype(&[0; 12]), BALANCED);
    }

    #[test]
    fn the_line_of_85_hundredths_belongs_to_the_archetype() {
        let mut person = [0; 12];
        for (dimension, goal) in TARGETS[3] {
            person[dimension] = goal - 1_500;
        }
        assert_eq!(archetype(&person), 3);
        person[3] -= 1;
        assert_eq!(archetype(&person), BALANCED);
    }
}
