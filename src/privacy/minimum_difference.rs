//! The minimum difference: an account that has been shown a segment is not shown a segment that contains it, or is
//! contained in it, and has nearly the same size.
//!
//! The decision uses noisy sizes only: a comparison of exact sizes would reveal what it is meant to hide. The verdict
//! is stored, so that the same question always has the same answer, regardless of questions in between.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use sea_orm::DbBackend;

use super::{
    SumRequest,
    bundles::{Bundle, K_MIN, PUBLICATION_THRESHOLD},
    release::{StepRow, people_of},
    steps::{STEPS, spread},
    stored,
};
use crate::{
    domain::{
        epoch::{Vocabulary, Window},
        error::Error,
        mutant::Mutant,
        segment::Cohort,
    },
    storage::{
        db::{TextQuery, TextRow},
        releases::{self, SizeStep},
        views,
    },
};

/// A segment that has passed the size rule and that an account has been shown or requests.
#[derive(Clone, Debug)]
pub struct ViewedSegment {
    /// The size of the segment.
    pub size: SumRequest,
    /// The key under which the verdict is stored: that of the first step of the size.
    pub verdict_key: String,
    /// The noisy size, in people.
    pub people: f64,
    /// The number of steps that `people` was computed from; 0 for a size of the policy 2026-1.
    pub steps: u8,
    /// See [`super::Question::comparison_only`].
    pub comparison_only: bool,
}

/// Verdicts on segments.
#[derive(Default)]
pub struct Verdicts {
    /// Key of a verdict -> whether the segment may be shown.
    pub decided: HashMap<String, bool>,
    /// Segments that are too similar as far as their noisy sizes tell: another step of the size may show otherwise.
    pub unresolved: HashSet<String>,
}

impl ViewedSegment {
    /// A segment of which the first steps of the size are known.
    #[must_use]
    pub fn new(size: SumRequest, rows: &[Arc<StepRow>], comparison_only: bool) -> Option<Self> {
        let (first, last) = (rows.first()?, rows.last()?);
        let people = people_of(rows.iter().map(Arc::as_ref));
        Some(Self { size, verdict_key: first.key.clone(), people, steps: last.step, comparison_only })
    }

    fn violates_minimum_difference(&self, shown: &Self, vocabulary: &Vocabulary) -> bool {
        let (own, other) = (&self.size.cohort, &shown.size.cohort);
        let is_nested = || own.is_within(other, vocabulary) || other.is_within(own, vocabulary);
        let difference = (self.people - shown.people).abs();
        self.size.window == shown.size.window && difference < minimum(self.steps, shown.steps) && is_nested()
    }
}

/// The minimum difference between two noisy sizes, in people: 100 + 6 sigma of the root mean square of their noise.
/// With all steps of both it is 256.
#[must_use]
pub fn minimum(steps: u8, other: u8) -> f64 {
    let [one, two] = [steps, other].map(|steps| spread(steps) as f64);
    K_MIN as f64 + (PUBLICATION_THRESHOLD - K_MIN) as f64 * (one.hypot(two) / 2.0_f64.sqrt())
}

/// What an account has been shown in the epochs of some segments.
pub struct Shown {
    /// The stored verdicts on the segments.
    verdicts: HashMap<String, bool>,
    segments: Vec<ViewedSegment>,
}

impl Shown {
    /// The queries of what [`Self::read`] needs for the decision about some segments.
    pub fn queries(backend: DbBackend, account: &str, new: &[ViewedSegment]) -> [TextQuery; 3] {
        let epochs = new.iter().map(|segment| segment.size.window.epoch_id).collect();
        [
            views::load_query(backend, account, new.iter().map(|segment| segment.verdict_key.as_str())),
            releases::sizes_charged_to(account, &epochs),
            views::shown_to(account, &epochs),
        ]
    }

    /// The rows of [`Self::queries`].
    ///
    /// # Errors
    /// [`Error::Internal`] if a stored release cannot be read.
    pub fn read(new: &[ViewedSegment], [verdicts, sizes, shown]: [Vec<TextRow>; 3]) -> Result<Self, Error> {
        let verdicts = verdicts.iter().map(views::verdict).collect::<Result<_, _>>()?;
        let shown: HashSet<String> = shown.into_iter().flatten().collect();
        // By segment, days of the window and epoch.
        let mut by_segment: HashMap<(String, i32, i32), Vec<SizeStep>> = HashMap::new();
        for row in sizes {
            let row = releases::size_step(row)?;
            by_segment.entry((row.segment.clone(), row.window_days, row.epoch_id)).or_default().push(row);
        }
        let windows: Vec<Window> = new.iter().map(|segment| segment.size.window).collect();
        let mut segments = Vec::with_capacity(by_segment.len());
        for ((segment, window_days, epoch_id), rows) in by_segment {
            let is_same = |window: &&Window| window.epoch_id == epoch_id && window.length.days() == window_days;
            let Some(window) = windows.iter().find(is_same) else { continue };
            let rows: Vec<Arc<StepRow>> = rows.into_iter().map(stored::read_size).collect::<Result<_, _>>()?;
            let rows = stored::first_steps(rows);
            let cohort =
                Cohort::from_canonical(&segment).ok_or_else(|| Error::internal("a segment is not canonical"))?;
            let size = SumRequest { cohort: Arc::new(cohort), window: *window, bundle: Bundle::Size };
            segments.extend(ViewedSegment::new(size, &rows, false).filter(|one| shown.contains(&one.verdict_key)));
        }
        Ok(Self { verdicts, segments })
    }
}

/// Decides which of these segments an account may be shown. The account is locked. New segments are decided in this
/// order: requested segments before those that are comparison only, then larger segments before smaller ones. A segment
/// that is withheld does not count as shown. Returns also the verdicts that are new and must be stored.
pub fn decide(mut new: Vec<ViewedSegment>, shown: Shown, vocabulary: &Vocabulary) -> (Verdicts, Vec<(String, bool)>) {
    let Shown { verdicts, segments: mut shown } = shown;
    let mut verdicts = Verdicts { decided: verdicts, unresolved: HashSet::new() };
    new.retain(|segment| !verdicts.decided.contains_key(&segment.verdict_key));
    new.sort_by(|a, b| {
        let by_purpose = a.comparison_only.cmp(&b.comparison_only);
        by_purpose.then(b.people.total_cmp(&a.people)).then_with(|| a.verdict_key.cmp(&b.verdict_key))
    });
    let mut decided = Vec::with_capacity(new.len());
    for segment in new {
        let violates = shown.iter().any(|shown| segment.violates_minimum_difference(shown, vocabulary));
        if violates && !Mutant::Difference.is_on() {
            if (1..STEPS).contains(&segment.steps) {
                verdicts.unresolved.insert(segment.verdict_key);
            } else {
                decided.push((segment.verdict_key, false));
            }
        } else {
            decided.push((segment.verdict_key.clone(), true));
            shown.push(segment);
        }
    }
    verdicts.decided.extend(decided.iter().cloned());
    (verdicts, decided)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_grows_with_the_noise_of_the_sizes() {
        assert!((minimum(5, 5) - 256.0).abs() < 1e-9 && (minimum(0, 5) - 256.0).abs() < 1e-9);
        assert!((minimum(1, 1) - 2_596.0).abs() < 1e-9);
        assert!((minimum(1, 5) - 1_868.4).abs() < 0.1);
    }
}
