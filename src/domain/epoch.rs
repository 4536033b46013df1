//! Epochs, windows, and the vocabulary of an epoch, that is, the values that a segment definition may use.

use std::{collections::BTreeSet, sync::Arc};

use super::clock::DAY;

/// The delay after the end of a week in which late events may still arrive, in seconds (72 hours). An epoch can be
/// built and read only after it.
pub const READABLE_AFTER: i64 = 72 * 3600;

/// The number of days that a window covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, async_graphql::Enum)]
pub enum WindowLength {
    /// The last week of the epoch.
    Days7,
    /// The last four weeks of the epoch.
    Days28,
    /// The last twelve weeks of the epoch.
    Days84,
}

impl WindowLength {
    /// All lengths, shortest first.
    pub const ALL: [Self; 3] = [Self::Days7, Self::Days28, Self::Days84];

    /// The length in days.
    #[must_use]
    pub fn days(self) -> i32 {
        match self {
            Self::Days7 => 7,
            Self::Days28 => 28,
            Self::Days84 => 84,
        }
    }

    /// The first second of the window that ends at `ends_at`, both in Unix seconds.
    #[must_use]
    pub fn starts_at(self, ends_at: i64) -> i64 {
        ends_at - i64::from(self.days()) * DAY
    }

    /// The cap on the number of visits of one person in the window (`docs/privacy.md`).
    #[must_use]
    pub fn visit_cap(self) -> i32 {
        match self {
            Self::Days7 => 10,
            Self::Days28 => 30,
            Self::Days84 => 60,
        }
    }
}

/// A time window that ends with an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub epoch_id: i32,
    /// The end of the window, exclusive, in Unix seconds.
    pub ends_at: i64,
    pub length: WindowLength,
}

impl Window {
    /// The first second of the window, in Unix seconds.
    #[must_use]
    pub fn starts_at(&self) -> i64 {
        self.length.starts_at(self.ends_at)
    }

    /// The epoch as an ISO week, such as `2012-W21`.
    #[must_use]
    pub fn epoch_name(&self) -> String {
        epoch_name(self.epoch_id)
    }
}

/// The distance between the numbers of two builds of the same week.
const BUILD_STEP: i32 = 1_000_000;

/// The number of an epoch: ISO year x 100 + ISO week, plus 1,000,000 for each epoch of the same week that was dropped
/// before. A dropped epoch and its successor are different epochs: releases of one never answer questions about the
/// other.
#[must_use]
pub fn epoch_number(week: i32, dropped: i32) -> i32 {
    week + dropped * BUILD_STEP
}

/// The week of an epoch: ISO year x 100 + ISO week.
#[must_use]
pub fn epoch_week(epoch_id: i32) -> i32 {
    epoch_id % BUILD_STEP
}

/// Formats an epoch's number as an ISO week, such as `2012-W21`; the second build of a week as `2012-W21.2`.
#[must_use]
pub fn epoch_name(epoch_id: i32) -> String {
    let week = epoch_week(epoch_id);
    match epoch_id / BUILD_STEP {
        0 => format!("{}-W{:02}", week / 100, week % 100),
        dropped => format!("{}-W{:02}.{}", week / 100, week % 100, dropped + 1),
    }
}

/// A readable epoch with its vocabulary.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub epoch_id: i32,
    /// Unix seconds.
    pub ends_at: i64,
    pub vocabulary: Arc<Vocabulary>,
}

/// The age from which on a served epoch is reported as old, in seconds: two weeks after it became readable.
pub const OLD_AFTER: i64 = 14 * DAY;

impl Epoch {
    /// A message for the operator if the epoch has become old: a weekly import or build has not happened.
    #[must_use]
    pub fn age_warning(&self, now: i64) -> Option<String> {
        let age = now - self.ends_at - READABLE_AFTER;
        (age > OLD_AFTER).then(|| {
            let (name, days) = (epoch_name(self.epoch_id), (now - self.ends_at) / DAY);
            format!("the epoch {name} ended {days} days ago: import newer data and run `epoch build`")
        })
    }

    /// The window of this length that ends with the epoch.
    #[must_use]
    pub fn window(&self, length: WindowLength) -> Window {
        Window { epoch_id: self.epoch_id, ends_at: self.ends_at, length }
    }
}

/// The vocabulary of an epoch: the closed lists of values that a segment definition may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vocabulary {
    pub regions: BTreeSet<String>,
    pub interests: BTreeSet<String>,
    pub categories: BTreeSet<String>,
}

/// The kind of a vocabulary term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TermKind {
    Region,
    Interest,
    Category,
}

impl TermKind {
    /// The name in the database and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Interest => "interest",
            Self::Category => "category",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Region, Self::Interest, Self::Category].into_iter().find(|kind| kind.name() == name)
    }
}

impl Vocabulary {
    /// The terms of a kind.
    pub fn terms_mut(&mut self, kind: TermKind) -> &mut BTreeSet<String> {
        match kind {
            TermKind::Region => &mut self.regions,
            TermKind::Interest => &mut self.interests,
            TermKind::Category => &mut self.categories,
        }
    }

    /// All terms with their kinds.
    pub fn terms(&self) -> impl Iterator<Item = (TermKind, &str)> {
        let kinds = [
            (TermKind::Region, &self.regions),
            (TermKind::Interest, &self.interests),
            (TermKind::Category, &self.categories),
        ];
        kinds.into_iter().flat_map(|(kind, terms)| terms.iter().map(move |term| (kind, term.as_str())))
    }
}
