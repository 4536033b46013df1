//! How many steps a question needs, predicted from the noisy size with public formulas (`docs/privacy.md`,
//! "Precision"). Nothing here reads data.

use std::sync::Arc;

use super::{
    bundles::{Bundle, Group},
    release::{StepRow, people_of},
    steps::{STEPS, spread},
};
use crate::domain::precision::Precision;

/// Half the width of a 95 % interval, in standard errors.
const Z95: f64 = 1.96;
/// The quality threshold of shares, scores and overlaps.
const SHARE: f64 = 0.05;
/// The standard deviation of a dimension that the prediction assumes.
const TYPICAL_DEVIATION: f64 = 0.2;
/// The density of people per unit of a dimension at its quartiles that the prediction assumes.
const TYPICAL_DENSITY: f64 = 1.25;
/// The length of the gradient of the compatibility with a product that states one dimension.
const TYPICAL_GRADIENT: f64 = 5.0;
/// The part of the size that the prediction assumes in a centered sum: half is the most.
const TYPICAL_PART: f64 = 0.25;

/// What a question needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needed {
    /// Another step of the size, to predict.
    AnotherSizeStep,
    /// This many steps of the bundle.
    Steps(u8),
    /// No number of steps gives the quality OK: at least this many people would be needed.
    MorePeople(i64),
}

/// The number of people from which the headline numbers of a bundle have the quality OK with all steps.
#[must_use]
pub fn people_for_ok(bundle: Bundle) -> f64 {
    let sigma = |group: Group| group.spec().sigma_of_sums();
    let with_size = |sum: f64, part: f64| sum.hypot(part * sigma(Group::Size));
    let share = |group: Group| Z95 * with_size(sigma(group), TYPICAL_PART) / SHARE;
    match bundle {
        // 10 % of the size.
        Bundle::Size => Z95 * sigma(Group::Size) / 0.1,
        Bundle::Behavior => {
            let dwell = Z95 * with_size(sigma(Group::BehaviorMeans), 0.5) / (5.0 / 120.0);
            [share(Group::DwellTimes), share(Group::WeekParts), share(Group::Categories)]
                .into_iter()
                .fold(dwell, f64::max)
        }
        Bundle::Personality => {
            let deviation = Z95 * with_size(sigma(Group::Squares), 0.125) / (2.0 * TYPICAL_DEVIATION) / 0.03;
            // The first five of ten bins have 5 (10 - 5) / 10 times the variance of one.
            let quartile = Z95 * sigma(Group::Histograms) * 2.5_f64.sqrt() / TYPICAL_DENSITY / SHARE;
            [share(Group::Means), share(Group::Archetypes), deviation].into_iter().fold(quartile, f64::max)
        }
        // 0.5 of at most 10 ties.
        Bundle::Network => share(Group::Network),
        Bundle::Moments => Z95 * with_size(TYPICAL_GRADIENT * sigma(Group::Moments), 0.6) / SHARE,
    }
}

/// The number of people from which the headline numbers of a bundle have the quality OK, or HIGH, after `steps` steps.
fn people_needed(bundle: Bundle, precision: Precision, steps: u8) -> f64 {
    let times = if precision == Precision::High { 2 } else { 1 };
    people_for_ok(bundle) * (times * spread(steps)) as f64
}

/// The number of steps that a bundle probably needs at a precision, from an estimate of the size; all of them if even
/// they do not give the wanted quality.
#[must_use]
pub fn probable_steps(bundle: Bundle, precision: Precision, people: f64) -> u8 {
    let is_enough = |steps: &u8| precision != Precision::Finest && people >= people_needed(bundle, precision, *steps);
    (1..STEPS).find(is_enough).unwrap_or(STEPS)
}

/// What a bundle needs at a precision, given the steps of the size that are known, from the first one. The segment has
/// passed the size rule with one of them.
///
/// The number of steps is the first one, from the step on with which the segment passed, whose noise is small enough
/// for the size as estimated from as many steps. So it does not depend on later steps of the size.
#[must_use]
pub fn needed(bundle: Bundle, precision: Precision, size: &[Arc<StepRow>]) -> Needed {
    let Some(first) = size.iter().position(|row| row.passed) else { return Needed::AnotherSizeStep };
    let people = |count: usize| people_of(size.iter().take(count).map(Arc::as_ref));
    // A size of the policy 2026-1 is as exact as all steps.
    let is_old = size[0].step == 0;
    let is_complete = is_old || size.len() == usize::from(STEPS);
    if precision != Precision::Finest {
        for steps in 1..=STEPS {
            let known = if is_old { 1 } else { usize::from(steps) };
            if known > first && known <= size.len() && people(known) >= people_needed(bundle, precision, steps) {
                return Needed::Steps(steps);
            }
        }
    }
    if !is_complete {
        return Needed::AnotherSizeStep;
    }
    let for_ok = people_needed(bundle, Precision::Ok, STEPS);
    if precision == Precision::Finest || bundle == Bundle::Size || people(size.len()) >= for_ok {
        return Needed::Steps(STEPS);
    }
    #[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
    Needed::MorePeople(for_ok.ceil() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(people: &[i64], passed_from: u8) -> Vec<Arc<StepRow>> {
        let row = |(step, people): (u8, &i64)| StepRow {
            key: String::new(),
            step,
            passed: step >= passed_from,
            values: Some(vec![*people]),
        };
        (1..).zip(people).map(row).map(Arc::new).collect()
    }

    #[test]
    fn people_needed_with_all_steps() {
        let rounded = |bundle| format!("{:.0}", people_for_ok(bundle));
        assert_eq!(Bundle::ALL.map(rounded), ["508", "1595", "3085", "1945", "1903"]);
    }

    #[test]
    fn the_probable_steps_are_those_that_a_complete_size_gives() {
        for people in [200, 1_500, 2_000, 3_200, 7_000, 15_000, 30_000, 60_000] {
            let precisions = [Precision::Ok, Precision::High, Precision::Finest];
            for (bundle, precision) in Bundle::ALL.into_iter().flat_map(|bundle| precisions.map(|of| (bundle, of))) {
                let probable = probable_steps(bundle, precision, people as f64);
                match needed(bundle, precision, &size(&[people; 5], 1)) {
                    Needed::Steps(steps) => assert_eq!(probable, steps),
                    other => {
                        assert!(matches!(other, Needed::MorePeople(_)));
                        assert_eq!(probable, STEPS);
                    }
                }
            }
        }
    }

    #[test]
    fn a_large_segment_needs_one_step_and_a_small_one_all() {
        let of = |people: i64, precision| needed(Bundle::Behavior, precision, &size(&[people; 5], 1));
        let high = [60_000, 30_000, 15_000, 7_000, 3_200].map(|people| of(people, Precision::High));
        assert_eq!(high, [1, 2, 3, 4, 5].map(Needed::Steps));
        assert_eq!(of(30_000, Precision::Ok), Needed::Steps(1));
        assert_eq!(of(2_000, Precision::High), Needed::Steps(5), "all steps give OK only");
        assert_eq!(of(1_500, Precision::High), Needed::MorePeople(1_595));
        assert_eq!([of(1_500, Precision::Finest), of(90_000, Precision::Finest)], [Needed::Steps(5); 2]);
        let smallest = needed(Bundle::Size, Precision::High, &size(&[300; 5], 5));
        assert_eq!(smallest, Needed::Steps(5), "a size is shown with any quality");
    }

    #[test]
    fn a_segment_of_100_000_people_needs_the_first_step_for_high() {
        // The first step has 1/256 of the price: less than a hundredth.
        for bundle in Bundle::ALL {
            assert_eq!(needed(bundle, Precision::High, &size(&[100_000], 1)), Needed::Steps(1), "{}", bundle.name());
            assert!(100 * bundle.price_of_first(1) < bundle.price_microunits());
        }
    }

    #[test]
    fn a_prediction_uses_as_many_steps_of_the_size_as_it_allows_of_the_bundle() {
        let of = |known: &[i64], from| needed(Bundle::Behavior, Precision::High, &size(known, from));
        assert_eq!(of(&[], 1), Needed::AnotherSizeStep);
        assert_eq!(of(&[20_000], 1), Needed::AnotherSizeStep);
        assert_eq!(of(&[20_000; 2], 1), Needed::AnotherSizeStep);
        assert_eq!(of(&[20_000; 3], 1), Needed::Steps(3));
        // The first step alone would have allowed one step, but the segment passed with the second only.
        assert_eq!(of(&[60_000, 60_000], 2), Needed::Steps(2));
        let old = Arc::new(StepRow { key: String::new(), step: 0, passed: true, values: Some(vec![20_000]) });
        assert_eq!(needed(Bundle::Behavior, Precision::High, &[old]), Needed::Steps(3));
    }
}
