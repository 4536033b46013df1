//! A segment of a document in progress: what is asked about it, and what is known of its size.

use std::sync::Arc;

use super::{
    Bundle, SumRequest,
    ledger::StepDraw,
    precision::{Needed, needed},
    release::StepRow,
    steps::STEPS,
};
use crate::domain::{error::Error, precision::Precision};

/// A segment in one window, and what is asked about it.
pub(super) struct Segment {
    pub size: SumRequest,
    pub comparison_only: bool,
    pub asked: Vec<(Bundle, Precision)>,
    /// Whether the minimum difference needs another step of the size.
    pub refine: bool,
    /// Whether the account may be shown the segment; `None` if it is not decided.
    pub verdict: Option<bool>,
    pub error: Option<Error>,
}

/// What is known of the size of a segment.
pub(super) enum SizeState {
    /// Another step is needed.
    Incomplete,
    Complete,
    BelowThreshold,
}

impl Segment {
    pub fn size_state(&self, rows: &[Arc<StepRow>]) -> SizeState {
        let has_all = rows.last().is_some_and(|row| row.step == 0 || row.step == STEPS);
        if !rows.iter().any(|row| row.passed) {
            return if has_all { SizeState::BelowThreshold } else { SizeState::Incomplete };
        }
        let needs_more = || {
            self.asked.iter().any(|(bundle, precision)| needed(*bundle, *precision, rows) == Needed::AnotherSizeStep)
        };
        if !has_all && (self.refine || needs_more()) { SizeState::Incomplete } else { SizeState::Complete }
    }

    /// Whether the minimum difference must be decided: the size is known as precisely as it will be in this document.
    pub fn is_undecided(&self, rows: &[Arc<StepRow>]) -> bool {
        let is_final = self.error.is_some() || matches!(self.size_state(rows), SizeState::Complete);
        self.verdict.is_none() && is_final && rows.iter().any(|row| row.passed)
    }

    /// Adds the steps of the size that are needed to `rows`, the known ones, and to `rounds`: the first of them to the
    /// first round, and so on.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if more steps are needed than were sampled.
    pub fn take_needed(
        &self,
        rows: &mut Vec<Arc<StepRow>>,
        sampled: Vec<StepDraw>,
        rounds: &mut Vec<Vec<StepDraw>>,
    ) -> Result<(), Error> {
        let mut sampled = sampled.into_iter();
        for round in 0.. {
            if !matches!(self.size_state(rows), SizeState::Incomplete) {
                break;
            }
            let step = sampled.next().ok_or(Error::Unavailable)?;
            rows.push(Arc::clone(&step.row));
            rounds.resize_with(rounds.len().max(round + 1), Vec::new);
            rounds[round].push(step);
        }
        Ok(())
    }

    pub fn measured(&self, bundle: Bundle) -> SumRequest {
        SumRequest { bundle, ..self.size.clone() }
    }
}
