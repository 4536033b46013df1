//! A question about a segment, and the key of the release that answers it.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    accountant::ReleaseRequest,
    bundles::{self, Bundle},
};
use crate::domain::{
    epoch::{Vocabulary, Window},
    segment::Cohort,
};

/// A question: one bundle of statistics about one cohort in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
    /// The segment is needed only because another segment is compared with it. Of two overlapping segments in one
    /// document that violate the minimum difference, this is the one that is withheld.
    pub comparison_only: bool,
}

impl Question {
    /// The key of the release that answers this question: SHA-256, in hex, of the policy version, bundle, epoch, window
    /// length and canonical segment.
    #[must_use]
    pub fn release_key(&self) -> String {
        let text = format!(
            "{}\n{}\n{}\n{}\n{}",
            bundles::POLICY_VERSION,
            self.bundle.name(),
            self.window.epoch_id,
            self.window.length.days(),
            self.cohort.canonical()
        );
        hex::encode(Sha256::digest(text))
    }

    /// The question for the segment's size, by which this question's means are divided.
    pub(super) fn size(&self) -> Self {
        Self { bundle: Bundle::Size, ..self.clone() }
    }

    /// What the ledger needs to know of the release.
    pub(super) fn request(&self, release_key: String, vocabulary: &Vocabulary) -> ReleaseRequest {
        ReleaseRequest {
            release_key,
            bundle: self.bundle,
            window: self.window,
            segment: self.cohort.canonical(),
            regions: self.cohort.regions_charged(vocabulary).into_iter().map(str::to_owned).collect(),
        }
    }
}
