//! The contribution of one person to a release: integers with a bounded norm (`docs/privacy.md`, "One person's part").
//!
//! Shares and means are rounded towards zero after centering, so the bound of every group holds exactly. An unknown
//! part counts as the center, which is zero.

use super::bundles::Group;
pub use super::bundles::{DWELL_CAP_S, NORM_CAP, TIE_CAP};
use crate::domain::{
    clock::week_part,
    dimensions::{self, Dimension, DimensionMap},
    epoch::WindowLength,
    mutant::Mutant,
};

/// The closed list of category groups. A group that is not on the list counts as `other`.
pub const CATEGORY_GROUPS: [&str; 12] = [
    "arts_and_entertainment",
    "college_and_university",
    "event",
    "food",
    "health_and_medicine",
    "nightlife_spot",
    "outdoors_and_recreation",
    "professional_and_other_places",
    "residence",
    "shop_and_service",
    "travel_and_transport",
    "other",
];

/// One, in 1/10,000.
const ONE: i64 = 10_000;

/// The center of a squared dimension, 1/8, in 1/10^8.
pub const CENTER_OF_SQUARES: i64 = 12_500_000;
/// The values per person and window of the bundle BEHAVIOR.
pub const BEHAVIOR_WIDTH: usize = 27;
/// The values per person and window of the bundle NETWORK.
pub const NETWORK_WIDTH: usize = 4;

/// The means of the group [`Group::BehaviorMeans`], in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BehaviorMean {
    /// Visits, in units of the cap of the window.
    Visits,
    /// Mean dwell time, in units of its cap.
    DwellTime,
    /// Share of visits to a spot visited before.
    Returns,
    /// Share of attended events.
    Events,
}

/// The sums of the group [`Group::Network`], in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkSum {
    /// Kept ties.
    Ties,
    /// Their compatibility.
    Compatibility,
    /// Kept ties made in the window.
    NewTies,
    /// Kept ties whose other end followed to a new place in the window.
    FollowedTies,
}

/// One visit or attended event of a person.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    /// Unix seconds.
    pub start: i64,
    /// Unix seconds; `None` = unknown.
    pub end: Option<i64>,
    /// Whether it was an attended event.
    pub event: bool,
    /// Whether the person had visited the spot before.
    pub returning: bool,
    /// Index into [`CATEGORY_GROUPS`]; `None` = unknown.
    pub group: Option<usize>,
}

/// One kept tie of a person.
#[derive(Clone, Copy, Debug)]
pub struct Tie {
    /// In [0, 1].
    pub compatibility: f64,
    /// When the tie was made, in Unix seconds.
    pub made_at: i64,
    /// The latest first visit of the person at the other end to a spot that this person had visited before, in Unix
    /// seconds; `None` if there is none.
    pub followed_at: Option<i64>,
}

/// The index of a category group in [`CATEGORY_GROUPS`]; that of `other` if the group is not on the list.
#[must_use]
pub fn category_group(name: &str) -> usize {
    CATEGORY_GROUPS.iter().position(|group| *group == name).unwrap_or(CATEGORY_GROUPS.len() - 1)
}

/// The 27 numbers of the bundle BEHAVIOR in 1/10,000: BEH 4, DWELL 3, TIME 8, CAT 12. `None` for a person without a
/// visit, who does not qualify.
#[must_use]
pub fn behavior(length: WindowLength, visits: &[Visit]) -> Option<[i64; BEHAVIOR_WIDTH]> {
    let count = i64::try_from(visits.len()).ok().filter(|count| *count > 0)?;
    let mut sums = [0; BEHAVIOR_WIDTH];
    let dwells: Vec<i64> =
        visits.iter().filter_map(|visit| visit.end.map(|end| end.saturating_sub(visit.start).max(0))).collect();
    let known = i64::try_from(dwells.len()).unwrap_or(i64::MAX);
    let total = dwells.iter().fold(0_i64, |total, dwell| total.saturating_add(*dwell)).min(known * DWELL_CAP_S);
    let share_of =
        |part: &dyn Fn(&Visit) -> bool| centered(visits.iter().filter(|visit| part(visit)).count(), count, 2);
    let cap = i64::from(length.visit_cap());
    sums[BehaviorMean::Visits as usize] = (2 * ONE * count.min(cap) - ONE * cap) / (2 * cap);
    if known > 0 {
        let dwell = (2 * ONE * total - ONE * known * DWELL_CAP_S) / (2 * known * DWELL_CAP_S);
        sums[BehaviorMean::DwellTime as usize] = dwell;
        let band = |dwell: &i64| if *dwell < 15 * 60 { 0 } else { usize::from(*dwell > 60 * 60) + 1 };
        fill(&mut sums[Group::DwellTimes.range()], dwells.iter().map(band));
    }
    sums[BehaviorMean::Returns as usize] = share_of(&|visit| visit.returning);
    sums[BehaviorMean::Events as usize] = share_of(&|visit| visit.event);
    fill(&mut sums[Group::WeekParts.range()], visits.iter().map(|visit| week_part(visit.start)));
    fill(&mut sums[Group::Categories.range()], visits.iter().filter_map(|visit| visit.group));
    Some(sums)
}

/// The number of visits, each person's up to the cap, of which `sum` is the sum of [`BehaviorMean::Visits`].
#[must_use]
pub fn visit_total(length: WindowLength, people: i64, sum: i64) -> i64 {
    (sum + ONE / 2 * people) * i64::from(length.visit_cap()) / ONE
}

/// `count / of - 1 / cells` in 1/10,000, rounded towards zero.
fn centered(count: usize, of: i64, cells: i64) -> i64 {
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    (ONE * cells * count - ONE * of) / (cells * of)
}

/// Fills `cells` with the centered share of the hits in each cell; all zero if there are no hits.
fn fill(cells: &mut [i64], hits: impl Iterator<Item = usize>) {
    let mut counts = vec![0_usize; cells.len()];
    hits.for_each(|cell| counts[cell] += 1);
    let all = i64::try_from(counts.iter().sum::<usize>()).unwrap_or(i64::MAX);
    let number = i64::try_from(cells.len()).unwrap_or(i64::MAX);
    if all > 0 {
        for (cell, count) in cells.iter_mut().zip(counts) {
            *cell = centered(count, all, number);
        }
    }
}

/// A person's profile: u in 1/10,000, the histogram bin of each dimension (0 to 9), and the code of the archetype (0 to
/// 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Profile {
    pub mean: [i64; Dimension::COUNT],
    pub bins: [usize; Dimension::COUNT],
    pub archetype: usize,
}

/// Computes the profile from the twelve dimensions. Values outside [0, 1] are clamped to the range. `None` if a
/// dimension is unknown or not finite: the person does not qualify.
#[must_use]
pub fn profile(dimensions: &DimensionMap<Option<f64>>) -> Option<Profile> {
    let mut steps = DimensionMap::<i32>::default();
    for (dimension, value) in dimensions.iter() {
        let value = value.filter(|value| value.is_finite())?.clamp(0.0, 1.0);
        // Rounded to the nearest step. The bounds 0 and 1 lie on the grid, so rounding stays within them.
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 10,000")]
        let step = (value * 10_000.0).round() as i32;
        steps[dimension] = step;
    }
    let mut mean = steps.values().map(|x| i64::from(x) - ONE / 2);
    let square: i64 = mean.iter().map(|u| u * u).sum();
    if square > NORM_CAP * NORM_CAP && !Mutant::Clipping.is_on() {
        let norm = square.isqrt() + 1;
        mean = mean.map(|u| u * NORM_CAP / norm);
    }
    let bins = steps.values().map(|x| usize::try_from(x / 1_000).unwrap_or(0).min(9));
    Some(Profile { mean, bins, archetype: dimensions::archetype(&steps) })
}

/// The number of values in the bundle MOMENTS: the diagonal and upper triangle of a symmetric 13 x 13 matrix.
pub const MOMENTS: usize = 91;
/// One, in 1/10^8.
const ONE_E8: i64 = 100_000_000;
/// sqrt(2) in 1/10^8, rounded down: the factor of off-diagonal entries, each of which represents two equal entries.
pub const SQRT_2: i64 = 141_421_356;
/// sqrt(6) = sqrt(2) sqrt(3) in 1/10^8, rounded down: the factor of the off-diagonal entries in the first row.
pub const SQRT_6: i64 = 244_948_974;

/// 3 + ||u||^2 in 1/10^8: the squared length of a state before normalization. `mean` is u in 1/10,000.
#[must_use]
pub fn state_norm(mean: &[i64; 12]) -> i64 {
    3 * ONE_E8 + mean.iter().map(|u| u * u).sum::<i64>()
}

/// The 91 numbers of the bundle MOMENTS in 1/10^8: the matrix psi psi^T - I/13 for psi = (sqrt 3, u)/sqrt(3 + ||u||^2),
/// row by row from the diagonal on. Off-diagonal entries are multiplied by sqrt 2, so that the norm of the 91 numbers
/// is the norm of the matrix. It is at most sqrt(12/13), because every entry is rounded towards zero. `engine::sql`
/// computes the same integers in the database.
#[must_use]
pub fn moments(mean: &[i64; 12]) -> [i64; MOMENTS] {
    let norm = state_norm(mean);
    let mut moments = [0; MOMENTS];
    for (moment, (i, j)) in moments.iter_mut().zip(moment_places()) {
        *moment = match (i.checked_sub(1), j.checked_sub(1)) {
            (Some(i), Some(j)) if i == j => (13 * mean[i] * mean[i] - norm) * ONE_E8 / (13 * norm),
            (Some(i), Some(j)) => SQRT_2 * mean[i] * mean[j] / norm,
            (None, Some(j)) => SQRT_6 * mean[j] * ONE / norm,
            _ => (39 * ONE_E8 - norm) * ONE_E8 / (13 * norm),
        };
    }
    moments
}

/// The row and column of each number of the bundle MOMENTS, in order.
pub fn moment_places() -> impl Iterator<Item = (usize, usize)> {
    (0..13).flat_map(|row| (row..13).map(move |column| (row, column)))
}

/// The 4 numbers of the bundle NETWORK in 1/10,000: the number of ties, the sum of their compatibility, the number of
/// ties made in the window, and the number of ties whose other end followed to a new place in the window; each divided
/// by theta = 10, minus 1/2. `starts_at` is the start of the window in Unix seconds. Only the first 10 ties count.
#[must_use]
pub fn network(starts_at: i64, ties: &[Tie]) -> [i64; NETWORK_WIDTH] {
    let mut sums = NO_TIES;
    ties.iter().take(TIE_CAP).for_each(|tie| add_tie(&mut sums, starts_at, tie));
    sums
}

/// The numbers of the bundle NETWORK of a person without ties.
pub const NO_TIES: [i64; NETWORK_WIDTH] = [-ONE / 2; NETWORK_WIDTH];

/// What a tie adds to the numbers of the bundle NETWORK at most, in 1/10^4.
pub const TIE_STEP: i64 = ONE / 10;
const _: () = assert!(TIE_STEP * 10 == ONE && TIE_CAP == 10);

/// What the compatibility of a tie, in [0, 1], adds: 0 to [`TIE_STEP`]. A value outside counts as the nearest bound.
#[must_use]
pub fn tie_weight(compatibility: f64) -> i64 {
    let compatibility = if compatibility.is_finite() { compatibility.clamp(0.0, 1.0) } else { 0.0 };
    #[expect(clippy::cast_possible_truncation, reason = "between 0 and 1,000")]
    let weight = (compatibility * TIE_STEP as f64).round() as i64;
    weight
}

/// Adds a tie to the numbers of the bundle NETWORK; see [`network`]. The caller adds at most [`TIE_CAP`] ties.
///
/// Each tie adds an integer of at most 1,000 to each number, so removing one tie changes each number by at most
/// 1/theta.
pub fn add_tie(sums: &mut [i64; NETWORK_WIDTH], starts_at: i64, tie: &Tie) {
    let step = TIE_STEP;
    sums[NetworkSum::Ties as usize] += step;
    sums[NetworkSum::Compatibility as usize] += tie_weight(tie.compatibility);
    sums[NetworkSum::NewTies as usize] += if tie.made_at >= starts_at { step } else { 0 };
    sums[NetworkSum::FollowedTies as usize] += if tie.followed_at.is_some_and(|at| at >= starts_at) { step } else { 0 };
}

#[cfg(test)]
mod tests {
    use super::super::Bundle;
    use super::*;

    fn norm_squared(values: &[i64]) -> u128 {
        values.iter().map(|value| u128::from(value.unsigned_abs()).pow(2)).sum()
    }

    fn visit(minutes: i64) -> Visit {
        Visit { start: 0, end: Some(minutes * 60), event: false, returning: false, group: Some(3) }
    }

    #[test]
    fn no_person_exceeds_the_bound_of_a_group() {
        let hostile = [
            vec![visit(0)],
            vec![Visit { event: true, returning: true, ..visit(1_000_000) }; 5_000],
            vec![Visit { start: i64::MAX - 1, end: Some(i64::MIN + 1), event: false, returning: true, group: None }],
            vec![visit(15), visit(60), visit(61)],
        ];
        for length in WindowLength::ALL {
            for visits in &hostile {
                let sums = behavior(length, visits).unwrap();
                for spec in Bundle::Behavior.groups() {
                    assert!(norm_squared(&sums[spec.group.range()]) <= spec.d2_squared, "{}", spec.name);
                }
            }
        }
        let [mean, square, second_moments] = [Group::Means, Group::Squares, Group::Moments].map(Group::spec);
        for corner in [[0.0; 12], [1.0; 12], [-3.0; 12], [0.123_456; 12]] {
            let profile = profile(&DimensionMap::new(corner.map(Some))).unwrap();
            assert!(norm_squared(&profile.mean) <= mean.d2_squared);
            assert!(norm_squared(&profile.mean.map(|u| u * u - CENTER_OF_SQUARES)) <= square.d2_squared);
            assert!(norm_squared(&moments(&profile.mean)) <= second_moments.d2_squared);
        }
    }

    #[test]
    fn a_tie_less_moves_each_network_number_by_a_tenth_at_most() {
        let tie = Tie { compatibility: 0.956_5, made_at: 10, followed_at: Some(20) };
        for count in 1..=12 {
            let (with, without) = (network(0, &vec![tie; count]), network(0, &vec![tie; count - 1]));
            assert!(with.iter().zip(without).all(|(a, b)| (a - b).abs() <= 1_000));
            assert!(norm_squared(&with) <= 10_000 * 10_000);
        }
        assert_eq!(network(15, &[tie]), [-4_000, -4_043, -5_000, -4_000]);
    }

    #[test]
    fn shares_are_of_own_visits_and_the_unknown_counts_as_the_center() {
        let mut visits = vec![visit(10), visit(30), visit(90), visit(61)];
        visits[0].event = true;
        let sums = behavior(WindowLength::Days7, &visits).unwrap();
        assert_eq!(sums[..4], [-1_000, -1_020, -5_000, -2_500]);
        assert_eq!(sums[4..7], [-833, -833, 1_666]);
        let unknown = Visit { end: None, group: None, ..visit(0) };
        let sums = behavior(WindowLength::Days7, &[unknown]).unwrap();
        assert_eq!((sums[1], &sums[4..7], &sums[15..]), (0, &[0; 3][..], &[0; 12][..]));
        assert_eq!(behavior(WindowLength::Days7, &[]), None);
    }

    #[test]
    fn moments_are_those_of_the_state() {
        let profile =
            profile(&DimensionMap::new([0.1, 0.9, 0.3, 0.5, 0.7, 0.2, 0.8, 0.6, 0.4, 0.0, 1.0, 0.55].map(Some)))
                .unwrap();
        let psi = personality_math::person(&profile.mean.map(|u| 0.5 + u as f64 / 1e4));
        for (moment, (i, j)) in moments(&profile.mean).into_iter().zip(moment_places()) {
            let exact = if i == j { psi[i] * psi[i] - 1.0 / 13.0 } else { 2.0_f64.sqrt() * psi[i] * psi[j] };
            assert!((moment as f64 / 1e8 - exact).abs() < 2e-8, "{i}, {j}: {moment}, not {exact}");
            // Rounded towards zero, up to the rounding error of f64.
            assert!(moment.abs() as f64 <= exact.abs() * 1e8 + 1e-6, "{i}, {j}: {moment}, not {exact}");
        }
    }

    #[test]
    fn an_incomplete_profile_does_not_qualify() {
        let mut dimensions = DimensionMap::new([Some(0.5); 12]);
        assert_eq!(profile(&dimensions).unwrap().mean, [0; 12]);
        dimensions[Dimension::TemporalFlexibility] = None;
        assert_eq!(profile(&dimensions), None);
        dimensions[Dimension::TemporalFlexibility] = Some(f64::NAN);
        assert_eq!(profile(&dimensions), None);
    }
}
