//! The vocabulary for products: the terms that describe a product, and the values of dimensions that each term implies.
//! This is a published convention (`Query.vocabulary`, `docs/personality.md`), not a measurement.

use std::{collections::HashMap, sync::LazyLock};

use crate::personality::number::{
    AUTHENTICITY_PREFERENCE as AUTHENTICITY, COMMUNITY_ORIENTATION as COMMUNITY, CROWD_TOLERANCE as CROWDS,
    CURATION_TENDENCY as CURATION, ENERGY_PREFERENCE as ENERGY, EXPLORATION_EAGERNESS as EXPLORATION,
    LOCATION_ADVENTUROUSNESS as ADVENTURE, NOVELTY_SEEKING as NOVELTY, SOCIAL_DISCOVERY_STYLE as DISCOVERY,
    TEMPORAL_FLEXIBILITY as FLEXIBILITY, TRUST_NETWORK_RELIANCE as TRUST, VALUE_ORIENTATION as VALUE,
};

/// The maximum number of terms in [`STYLES`] and in [`FEATURES`].
pub const MOST_WORDS: u64 = 16;

/// A term and the values of dimensions that it implies, as (index of the dimension, value in 0 to 1).
#[derive(Clone, Copy, Debug)]
pub struct Word {
    pub word: &'static str,
    pub means: &'static [(usize, f64)],
}

const fn word(word: &'static str, means: &'static [(usize, f64)]) -> Word {
    Word { word, means }
}

/// Terms for the look and feel of a product, sorted.
pub const STYLES: &[Word] = &[
    word("artisanal", &[(AUTHENTICITY, 0.9), (CURATION, 0.7)]),
    word("bohemian", &[(AUTHENTICITY, 0.75), (FLEXIBILITY, 0.8)]),
    word("bold", &[(NOVELTY, 0.8), (ENERGY, 0.8)]),
    word("classic", &[(NOVELTY, 0.25), (TRUST, 0.65)]),
    word("cozy", &[(ENERGY, 0.2), (CROWDS, 0.25)]),
    word("elegant", &[(CURATION, 0.75), (VALUE, 0.75)]),
    word("festive", &[(ENERGY, 0.85), (CROWDS, 0.85), (COMMUNITY, 0.75)]),
    word("futuristic", &[(NOVELTY, 0.95)]),
    word("local", &[(COMMUNITY, 0.8), (AUTHENTICITY, 0.8)]),
    word("minimalist", &[(CURATION, 0.7), (ENERGY, 0.3)]),
    word("outdoor", &[(EXPLORATION, 0.8), (ADVENTURE, 0.85)]),
    word("playful", &[(ENERGY, 0.7), (FLEXIBILITY, 0.7)]),
    word("rustic", &[(AUTHENTICITY, 0.8), (NOVELTY, 0.3)]),
    word("sporty", &[(ENERGY, 0.85), (ADVENTURE, 0.65)]),
    word("urban", &[(CROWDS, 0.75), (DISCOVERY, 0.65)]),
    word("vintage", &[(AUTHENTICITY, 0.85), (NOVELTY, 0.3), (CURATION, 0.75)]),
];

/// Terms for the features of a product, sorted.
pub const FEATURES: &[Word] = &[
    word("beginner_friendly", &[(EXPLORATION, 0.4), (TRUST, 0.65)]),
    word("collectible", &[(CURATION, 0.9)]),
    word("community_made", &[(COMMUNITY, 0.9), (TRUST, 0.7)]),
    word("customizable", &[(CURATION, 0.7), (FLEXIBILITY, 0.7)]),
    word("expert_curated", &[(CURATION, 0.85), (TRUST, 0.75)]),
    word("for_groups", &[(COMMUNITY, 0.8), (DISCOVERY, 0.75), (CROWDS, 0.7)]),
    word("handmade", &[(AUTHENTICITY, 0.9)]),
    word("last_minute", &[(FLEXIBILITY, 0.9)]),
    word("limited_edition", &[(NOVELTY, 0.8), (CURATION, 0.8)]),
    word("new_release", &[(NOVELTY, 0.9)]),
    word("off_the_beaten_path", &[(EXPLORATION, 0.9), (ADVENTURE, 0.9), (CROWDS, 0.2)]),
    word("quiet", &[(ENERGY, 0.15), (CROWDS, 0.2)]),
    word("recommended_by_friends", &[(DISCOVERY, 0.85), (TRUST, 0.85)]),
    word("shareable", &[(DISCOVERY, 0.8), (COMMUNITY, 0.7)]),
    word("surprise", &[(NOVELTY, 0.85), (EXPLORATION, 0.75), (FLEXIBILITY, 0.75)]),
    word("travel_ready", &[(ADVENTURE, 0.75), (FLEXIBILITY, 0.7)]),
];

/// Attributes and their dimensions. The partner gives the value, which is used as the value of the dimension.
pub const ATTRIBUTES: &[(&str, usize)] =
    &[("energyLevel", ENERGY), ("novelty", NOVELTY), ("communityOriented", COMMUNITY)];

/// A table of terms, keyed by their normalized spelling.
pub struct Words(HashMap<String, &'static Word>);

impl Words {
    /// The styles.
    pub fn styles() -> &'static Self {
        static STYLE: LazyLock<Words> = LazyLock::new(|| Words::of(STYLES));
        &STYLE
    }

    /// The features.
    pub fn features() -> &'static Self {
        static FEATURE: LazyLock<Words> = LazyLock::new(|| Words::of(FEATURES));
        &FEATURE
    }

    fn of(table: &'static [Word]) -> Self {
        Self(table.iter().map(|entry| (bare(entry.word), entry)).collect())
    }

    /// The entry of a term; case, hyphens, spaces and underscores are ignored. `None` if the term is unknown.
    #[must_use]
    pub fn find(&self, given: &str) -> Option<&'static Word> {
        self.0.get(&bare(given)).copied()
    }
}

/// The entry of an attribute; case, hyphens, spaces and underscores are ignored. `None` if the attribute is unknown.
#[must_use]
pub fn attribute(given: &str) -> Option<&'static (&'static str, usize)> {
    let given = bare(given);
    ATTRIBUTES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&given))
}

/// Normalizes the spelling of a term: removes hyphens, underscores and spaces, and converts it to lower case.
fn bare(word: &str) -> String {
    word.chars().filter(|letter| !"-_ ".contains(*letter)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_within_range_and_no_longer_than_they_say() {
        for table in [STYLES, FEATURES] {
            assert!(table.len() as u64 <= MOST_WORDS && table.is_sorted_by_key(|entry| entry.word), "{table:?}");
            for entry in table {
                assert!((1..=3).contains(&entry.means.len()), "{entry:?}");
                assert!(entry.means.iter().all(|(k, value)| *k < 12 && (0.0..=1.0).contains(value)), "{entry:?}");
            }
        }
    }

    #[test]
    fn words_are_found_however_they_are_written() {
        let found = Words::features().find("Off-the-beaten path").map(|entry| entry.word);
        assert_eq!(found, Some("off_the_beaten_path"));
        assert_eq!(attribute("energy_level"), Some(&("energyLevel", ENERGY)));
        assert!(Words::styles().find("steampunk").is_none() && attribute("price").is_none());
    }
}
