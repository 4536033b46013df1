//! The vocabulary for products: the terms that describe a product, and the values of dimensions that each term implies.
//! This is a published convention (`Query.vocabulary`, `docs/personality.md`), not a measurement.

use std::{collections::HashMap, sync::LazyLock};

use super::dimensions::Dimension::{
    self, AuthenticityPreference as Authenticity, CommunityOrientation as Community, CrowdTolerance as Crowds,
    CurationTendency as Curation, EnergyPreference as Energy, ExplorationEagerness as Exploration,
    LocationAdventurousness as Adventure, NoveltySeeking as Novelty, SocialDiscoveryStyle as Discovery,
    TemporalFlexibility as Flexibility, TrustNetworkReliance as Trust, ValueOrientation as Value,
};

/// The maximum number of terms in [`STYLES`] and in [`FEATURES`].
pub const MAX_TERMS: u64 = 16;

/// A term and the values of dimensions that it implies, each 0 to 1.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    pub term: &'static str,
    pub implies: &'static [(Dimension, f64)],
}

const fn term(term: &'static str, implies: &'static [(Dimension, f64)]) -> Term {
    Term { term, implies }
}

/// Terms for the look and feel of a product, sorted.
pub const STYLES: &[Term] = &[
    term("artisanal", &[(Authenticity, 0.9), (Curation, 0.7)]),
    term("bohemian", &[(Authenticity, 0.75), (Flexibility, 0.8)]),
    term("bold", &[(Novelty, 0.8), (Energy, 0.8)]),
    term("classic", &[(Novelty, 0.25), (Trust, 0.65)]),
    term("cozy", &[(Energy, 0.2), (Crowds, 0.25)]),
    term("elegant", &[(Curation, 0.75), (Value, 0.75)]),
    term("festive", &[(Energy, 0.85), (Crowds, 0.85), (Community, 0.75)]),
    term("futuristic", &[(Novelty, 0.95)]),
    term("local", &[(Community, 0.8), (Authenticity, 0.8)]),
    term("minimalist", &[(Curation, 0.7), (Energy, 0.3)]),
    term("outdoor", &[(Exploration, 0.8), (Adventure, 0.85)]),
    term("playful", &[(Energy, 0.7), (Flexibility, 0.7)]),
    term("rustic", &[(Authenticity, 0.8), (Novelty, 0.3)]),
    term("sporty", &[(Energy, 0.85), (Adventure, 0.65)]),
    term("urban", &[(Crowds, 0.75), (Discovery, 0.65)]),
    term("vintage", &[(Authenticity, 0.85), (Novelty, 0.3), (Curation, 0.75)]),
];

/// Terms for the features of a product, sorted.
pub const FEATURES: &[Term] = &[
    term("beginner_friendly", &[(Exploration, 0.4), (Trust, 0.65)]),
    term("collectible", &[(Curation, 0.9)]),
    term("community_made", &[(Community, 0.9), (Trust, 0.7)]),
    term("customizable", &[(Curation, 0.7), (Flexibility, 0.7)]),
    term("expert_curated", &[(Curation, 0.85), (Trust, 0.75)]),
    term("for_groups", &[(Community, 0.8), (Discovery, 0.75), (Crowds, 0.7)]),
    term("handmade", &[(Authenticity, 0.9)]),
    term("last_minute", &[(Flexibility, 0.9)]),
    term("limited_edition", &[(Novelty, 0.8), (Curation, 0.8)]),
    term("new_release", &[(Novelty, 0.9)]),
    term("off_the_beaten_path", &[(Exploration, 0.9), (Adventure, 0.9), (Crowds, 0.2)]),
    term("quiet", &[(Energy, 0.15), (Crowds, 0.2)]),
    term("recommended_by_friends", &[(Discovery, 0.85), (Trust, 0.85)]),
    term("shareable", &[(Discovery, 0.8), (Community, 0.7)]),
    term("surprise", &[(Novelty, 0.85), (Exploration, 0.75), (Flexibility, 0.75)]),
    term("travel_ready", &[(Adventure, 0.75), (Flexibility, 0.7)]),
];

/// Attributes and their dimensions. The partner gives the value, which is used as the value of the dimension.
pub const ATTRIBUTES: &[(&str, Dimension)] =
    &[("energyLevel", Energy), ("novelty", Novelty), ("communityOriented", Community)];

/// A table of terms, keyed by their normalized spelling.
pub struct TermTable(HashMap<String, &'static Term>);

impl TermTable {
    /// The styles.
    pub fn styles() -> &'static Self {
        static STYLE: LazyLock<TermTable> = LazyLock::new(|| TermTable::of(STYLES));
        &STYLE
    }

    /// The features.
    pub fn features() -> &'static Self {
        static FEATURE: LazyLock<TermTable> = LazyLock::new(|| TermTable::of(FEATURES));
        &FEATURE
    }

    fn of(table: &'static [Term]) -> Self {
        Self(table.iter().map(|entry| (normalize(entry.term), entry)).collect())
    }

    /// The entry of a term; case, hyphens, spaces and underscores are ignored. `None` if the term is unknown.
    #[must_use]
    pub fn find(&self, given: &str) -> Option<&'static Term> {
        self.0.get(&normalize(given)).copied()
    }
}

/// The entry of an attribute; case, hyphens, spaces and underscores are ignored. `None` if the attribute is unknown.
#[must_use]
pub fn attribute(given: &str) -> Option<&'static (&'static str, Dimension)> {
    let given = normalize(given);
    ATTRIBUTES.iter().find(|(name, _)| name.eq_ignore_ascii_case(&given))
}

/// Normalizes the spelling of a term: removes hyphens, underscores and spaces, and converts it to lower case.
fn normalize(term: &str) -> String {
    term.chars().filter(|character| !"-_ ".contains(*character)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_within_range_and_no_longer_than_they_say() {
        for table in [STYLES, FEATURES] {
            assert!(table.len() as u64 <= MAX_TERMS && table.is_sorted_by_key(|entry| entry.term), "{table:?}");
            for entry in table {
                assert!((1..=3).contains(&entry.implies.len()), "{entry:?}");
                assert!(entry.implies.iter().all(|(_, value)| (0.0..=1.0).contains(value)), "{entry:?}");
            }
        }
    }

    #[test]
    fn terms_are_found_in_any_spelling() {
        let found = TermTable::features().find("Off-the-beaten path").map(|entry| entry.term);
        assert_eq!(found, Some("off_the_beaten_path"));
        assert_eq!(attribute("energy_level"), Some(&("energyLevel", Energy)));
        assert!(TermTable::styles().find("steampunk").is_none() && attribute("price").is_none());
    }
}
