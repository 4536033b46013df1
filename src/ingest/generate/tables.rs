//! The tables behind the synthetic population: regions, kinds of places, and what they add to each dimension.

/// Regions and their shares of the people, in percent.
pub(super) const REGIONS: [(&str, u32); 5] =
    [("demo-harbor", 34), ("demo-hills", 25), ("demo-lakes", 18), ("demo-plains", 14), ("demo-coast", 9)];

/// Kinds of places: category, index of its group in
/// [`CATEGORY_GROUPS`](crate::privacy::contribution::CATEGORY_GROUPS), weight of its frequency, median stay in minutes.
pub(super) const CATEGORIES: [(&str, usize, f64, f64); 30] = [
    ("coffee_shop", 3, 9.0, 32.0),
    ("restaurant", 3, 8.0, 62.0),
    ("bakery", 3, 4.0, 11.0),
    ("food_market", 3, 3.0, 28.0),
    ("street_food", 3, 3.0, 18.0),
    ("bar", 5, 6.0, 75.0),
    ("cocktail_bar", 5, 2.0, 80.0),
    ("night_club", 5, 2.0, 140.0),
    ("park", 6, 6.0, 48.0),
    ("gym", 6, 5.0, 66.0),
    ("trail", 6, 2.0, 95.0),
    ("beach", 6, 2.0, 120.0),
    ("playground", 6, 1.5, 55.0),
    ("museum", 0, 2.0, 90.0),
    ("theater", 0, 1.5, 130.0),
    ("music_venue", 0, 2.0, 125.0),
    ("gallery", 0, 1.0, 45.0),
    ("cinema", 0, 2.0, 118.0),
    ("supermarket", 9, 7.0, 24.0),
    ("bookshop", 9, 2.0, 30.0),
    ("clothing_store", 9, 3.0, 26.0),
    ("market_hall", 9, 2.0, 36.0),
    ("train_station", 10, 6.0, 12.0),
    ("airport", 10, 1.0, 100.0),
    ("hotel", 10, 1.0, 180.0),
    ("office", 7, 7.0, 210.0),
    ("coworking", 7, 2.0, 190.0),
    ("library", 1, 2.0, 85.0),
    ("clinic", 4, 1.0, 40.0),
    ("community_garden", 11, 1.0, 70.0),
];

/// The loadings of four hidden factors (openness, sociability, order, trust) on each dimension.
pub(super) const LOADINGS: [[f64; 4]; 12] = [
    [0.9, 0.2, -0.1, 0.0],
    [0.0, 0.7, 0.1, 0.5],
    [0.5, -0.2, 0.2, 0.3],
    [0.2, 0.8, 0.0, 0.1],
    [0.4, 0.2, -0.7, 0.0],
    [0.8, 0.1, -0.3, -0.1],
    [0.1, 0.1, 0.7, 0.2],
    [-0.2, 0.3, 0.1, 0.8],
    [0.3, 0.7, -0.1, 0.0],
    [0.9, 0.1, -0.2, -0.1],
    [0.2, 0.1, 0.5, -0.3],
    [0.0, 0.7, -0.2, 0.1],
];

/// What a region adds to the score of each dimension, in units of the logistic scale; 0.5 is about 0.1 of the mean.
pub(super) const REGION_TRAITS: [[f64; 12]; 5] = [
    [0.0, 0.0, -0.3, 0.3, 0.0, -0.3, 0.0, 0.0, 0.6, 0.4, 0.3, 0.7],
    [0.0, 0.0, 0.7, 0.0, 0.0, 0.5, 0.3, 0.0, 0.0, 0.0, 0.0, -0.6],
    [0.0, 0.2, 0.3, -0.3, 0.5, 0.4, 0.0, 0.6, -0.6, 0.0, 0.0, -0.5],
    [-0.4, 0.7, 0.0, 0.0, -0.3, -0.5, 0.0, 0.6, 0.0, -0.6, -0.6, 0.0],
    [0.6, 0.0, 0.0, 0.0, 0.5, 0.8, -0.3, -0.3, 0.2, 0.3, 0.0, 0.0],
];

/// What 20 years of age more than 38 add to the score of each dimension.
pub(super) const AGE_TRAITS: [f64; 12] = [-0.2, 0.1, 0.2, -0.3, 0.0, -0.2, 0.3, 0.4, -0.6, -0.5, 0.3, -0.6];

/// A taste: what a person likes to visit.
pub(super) struct Taste {
    /// Index of the preferred group in [`CATEGORY_GROUPS`](crate::privacy::contribution::CATEGORY_GROUPS).
    pub(super) group: usize,
    /// Weight in each region.
    pub(super) weights: [u32; 5],
    /// Factor of the weight for each 20 years of age above 38; its inverse applies below.
    pub(super) by_age: f64,
    /// What it adds to the score of each dimension.
    pub(super) traits: [f64; 12],
}

pub(super) const TASTES: [Taste; 5] = [
    Taste {
        group: 3,
        weights: [30, 30, 30, 40, 30],
        by_age: 1.0,
        traits: [0.0, 0.3, 0.3, 0.0, 0.0, -0.2, 0.0, 0.2, 0.0, 0.0, 0.0, 0.0],
    },
    Taste {
        group: 5,
        weights: [40, 15, 10, 15, 20],
        by_age: 0.4,
        traits: [0.2, 0.0, -0.3, 0.6, 0.2, 0.0, -0.3, 0.0, 0.9, 0.4, 0.0, 0.8],
    },
    Taste {
        group: 6,
        weights: [10, 40, 45, 20, 40],
        by_age: 1.1,
        traits: [0.2, 0.0, 0.5, -0.3, 0.0, 0.8, 0.0, 0.0, -0.3, 0.0, -0.3, -0.8],
    },
    Taste {
        group: 0,
        weights: [15, 15, 10, 5, 5],
        by_age: 1.3,
        traits: [0.5, 0.0, 0.3, 0.0, 0.0, 0.0, 0.8, 0.0, -0.2, 0.5, 0.2, 0.0],
    },
    Taste {
        group: 9,
        weights: [15, 10, 10, 20, 10],
        by_age: 1.0,
        traits: [-0.3, 0.0, -0.3, 0.0, 0.0, -0.4, 0.2, 0.3, 0.0, -0.2, 0.8, 0.2],
    },
];
