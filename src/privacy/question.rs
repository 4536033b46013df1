//! A question about a segment, and the keys of the releases that answer it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    bundles::{Bundle, OLD_POLICY_VERSION, POLICY_VERSION},
    engine::SumRequest,
};
use crate::domain::{epoch::Window, precision::Precision, segment::Cohort};

/// A question: one bundle of statistics about one cohort in one window, at a precision.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
    pub precision: Precision,
    /// The segment is needed only because another segment is compared with it. Of two overlapping segments in one
    /// document that violate the minimum difference, this is the one that is withheld.
    pub comparison_only: bool,
}

impl Question {
    /// What the question measures.
    #[must_use]
    pub fn measured(&self) -> SumRequest {
        SumRequest { cohort: Arc::clone(&self.cohort), window: self.window, bundle: self.bundle }
    }

    /// The same question about everybody in the regions of the segment; `None` if the segment already covers everybody.
    #[must_use]
    pub fn reference(&self) -> Option<Self> {
        let everybody = Cohort { regions: self.cohort.regions.clone(), ..Cohort::default() };
        let differs = everybody != *self.cohort;
        differs.then(|| Self { cohort: Arc::new(everybody), comparison_only: true, ..self.clone() })
    }
}

impl SumRequest {
    /// The size of the same segment and window.
    #[must_use]
    pub fn size(&self) -> Self {
        Self { bundle: Bundle::Size, ..self.clone() }
    }

    /// The key of a step of this release: SHA-256, in hex, of the policy version, bundle, step, epoch, window length
    /// and canonical segment. Step 0 is a release of the policy 2026-1, whose key has no step.
    #[must_use]
    pub fn release_key(&self, step: u8) -> String {
        let rest = format!("{}\n{}\n{}", self.window.epoch_id, self.window.length.days(), self.cohort.canonical());
        let text = match step {
            0 => format!("{OLD_POLICY_VERSION}\n{}\n{rest}", self.bundle.name()),
            step => format!("{POLICY_VERSION}\n{}\n{step}\n{rest}", self.bundle.name()),
        };
        hex::encode(Sha256::digest(text))
    }
}
