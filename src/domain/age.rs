//! Age bands.

/// The age bands. Band 0 means "unknown"; the first of these is band 1.
pub const AGE_BANDS: [AgeBand; 6] = [
    AgeBand { name: "18-24", from: 18, to: Some(24) },
    AgeBand { name: "25-34", from: 25, to: Some(34) },
    AgeBand { name: "35-44", from: 35, to: Some(44) },
    AgeBand { name: "45-54", from: 45, to: Some(54) },
    AgeBand { name: "55-64", from: 55, to: Some(64) },
    AgeBand { name: "65+", from: 65, to: None },
];

/// The ages from `from` to `to` in years, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgeBand {
    pub name: &'static str,
    pub from: i32,
    /// `None` = no upper limit.
    pub to: Option<i32>,
}

/// The number of the band of an age: 0 if the age is unknown, `None` for minors, who are never counted.
#[must_use]
pub fn age_band(age: Option<i32>) -> Option<i32> {
    let Some(age) = age else { return Some(0) };
    (1..).zip(AGE_BANDS).find(|(_, band)| age >= band.from && band.to.is_none_or(|to| age <= to)).map(|(band, _)| band)
}
