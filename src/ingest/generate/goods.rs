//! The goods of the synthetic catalog.

use crate::domain::dimensions::Dimension;
use Dimension::{
    AuthenticityPreference as Authenticity, CrowdTolerance as Crowd, CurationTendency as Curation,
    EnergyPreference as Energy, ExplorationEagerness as Exploration, LocationAdventurousness as Location,
    NoveltySeeking as Novelty, TrustNetworkReliance as Trust,
};

/// Goods of which each line is a product.
pub(super) struct Goods {
    pub title: &'static str,
    pub category: &'static str,
    /// The price of the line "Classic", in euros.
    pub price: f64,
    /// Terms separated by `|`.
    pub styles: &'static str,
    /// Terms separated by `|`.
    pub features: &'static str,
    pub states: &'static [(Dimension, f64)],
}

const fn goods(
    title: &'static str,
    category: &'static str,
    price: f64,
    styles: &'static str,
    features: &'static str,
    states: &'static [(Dimension, f64)],
) -> Goods {
    Goods { title, category, price, styles, features, states }
}

/// Eight goods each for people of the harbor, for young people who like nightlife, and for outdoor people.
pub(super) const GOODS: &[Goods] = &[
    goods("City apartment guide", "books", 24.0, "", "", &[(Location, 0.3), (Curation, 0.6), (Crowd, 0.65)]),
    goods("Harbor dinner cruise", "events", 85.0, "", "", &[(Location, 0.3), (Energy, 0.6), (Trust, 0.6)]),
    goods("Coffee grinder", "kitchen", 60.0, "", "", &[(Location, 0.25), (Authenticity, 0.35), (Curation, 0.6)]),
    goods("Museum pass", "events", 75.0, "", "", &[(Curation, 0.65), (Crowd, 0.65), (Authenticity, 0.35)]),
    goods("Design lamp", "home", 120.0, "", "", &[(Curation, 0.6), (Location, 0.3), (Novelty, 0.55)]),
    goods("Office chair", "home", 180.0, "", "", &[(Trust, 0.6), (Location, 0.25), (Energy, 0.55)]),
    goods("Wireless headphones", "electronics", 140.0, "", "", &[(Location, 0.3), (Crowd, 0.6), (Trust, 0.55)]),
    goods("Theater ticket", "events", 65.0, "", "", &[(Curation, 0.6), (Crowd, 0.7), (Location, 0.35)]),
    goods("Club night", "events", 25.0, "", "", &[(Energy, 0.85), (Curation, 0.25), (Exploration, 0.65)]),
    goods("Festival pass", "events", 160.0, "festive", "", &[(Energy, 0.8), (Location, 0.65), (Curation, 0.3)]),
    goods("Concert ticket", "events", 45.0, "urban", "", &[(Energy, 0.85), (Exploration, 0.65), (Curation, 0.3)]),
    goods("Party speaker", "electronics", 130.0, "", "", &[(Energy, 0.85), (Location, 0.6), (Curation, 0.25)]),
    goods("Sneakers", "fashion", 95.0, "", "new_release", &[(Energy, 0.8), (Location, 0.65), (Exploration, 0.65)]),
    goods("Street food tour", "events", 40.0, "", "", &[(Exploration, 0.7), (Location, 0.65), (Curation, 0.3)]),
    goods("Weekend bus pass", "travel", 35.0, "", "", &[(Location, 0.7), (Energy, 0.75), (Curation, 0.25)]),
    goods("Cocktail set", "kitchen", 55.0, "playful", "", &[(Energy, 0.8), (Exploration, 0.65), (Trust, 0.4)]),
    goods("Trail running shoes", "sports", 110.0, "", "", &[(Location, 0.75), (Crowd, 0.2), (Authenticity, 0.7)]),
    goods(
        "Travel backpack",
        "travel",
        95.0,
        "",
        "travel_ready",
        &[(Location, 0.75), (Authenticity, 0.7), (Crowd, 0.3)],
    ),
    goods("Hammock", "outdoor", 50.0, "", "quiet", &[(Energy, 0.3), (Crowd, 0.25), (Authenticity, 0.7)]),
    goods("Camp stove", "outdoor", 65.0, "outdoor", "", &[(Crowd, 0.25), (Authenticity, 0.7)]),
    goods("Binoculars", "outdoor", 140.0, "", "", &[(Crowd, 0.2), (Authenticity, 0.75), (Energy, 0.35)]),
    goods("Hiking map", "books", 15.0, "", "", &[(Location, 0.75), (Authenticity, 0.7), (Crowd, 0.25)]),
    goods("Canoe day", "events", 60.0, "", "", &[(Location, 0.7), (Crowd, 0.25), (Trust, 0.6)]),
    goods("Herb garden", "home", 30.0, "", "handmade", &[(Energy, 0.3), (Crowd, 0.3), (Trust, 0.6)]),
];
