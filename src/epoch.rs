//! Epochs, windows, and the vocabulary of an epoch, that is, the values that a segment definition may use.

use std::{collections::BTreeSet, sync::Arc};

use sea_orm::{DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    clock::DAY,
    entity::{epoch, epoch_word},
};

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
        self.ends_at - i64::from(self.length.days()) * DAY
    }

    /// The epoch as an ISO week, such as `2012-W21`.
    #[must_use]
    pub fn epoch_name(&self) -> String {
        epoch_name(self.epoch_id)
    }
}

/// Formats an epoch's number (ISO year x 100 + ISO week) as an ISO week, such as `2012-W21`.
#[must_use]
pub fn epoch_name(epoch_id: i32) -> String {
    format!("{}-W{:02}", epoch_id / 100, epoch_id % 100)
}

/// A readable epoch with its vocabulary.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub epoch_id: i32,
    /// Unix seconds.
    pub ends_at: i64,
    pub vocabulary: Arc<Vocabulary>,
}

impl Epoch {
    /// The window of this length that ends with the epoch.
    #[must_use]
    pub fn window(&self, length: WindowLength) -> Window {
        Window { epoch_id: self.epoch_id, ends_at: self.ends_at, length }
    }

    /// Loads the newest epoch that is readable at `now` (Unix seconds); `None` if there is none.
    pub async fn load_newest(db: &DatabaseConnection, now: i64) -> Result<Option<Self>, DbErr> {
        let newest = epoch::Entity::find()
            .filter(epoch::COLUMN.ends_at.lte(now - READABLE_AFTER))
            .order_by_desc(epoch::COLUMN.ends_at)
            .one(db)
            .await?;
        let Some(newest) = newest else { return Ok(None) };
        let words = epoch_word::Entity::find().filter(epoch_word::COLUMN.epoch_id.eq(newest.epoch_id)).all(db).await?;
        let mut vocabulary = Vocabulary::default();
        for word in words {
            vocabulary.of(&word.kind).map(|words| words.insert(word.word));
        }
        Ok(Some(Self { epoch_id: newest.epoch_id, ends_at: newest.ends_at, vocabulary: Arc::new(vocabulary) }))
    }
}

/// The vocabulary of an epoch: the closed lists of values that a segment definition may use.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    pub regions: BTreeSet<String>,
    pub interests: BTreeSet<String>,
    pub categories: BTreeSet<String>,
}

impl Vocabulary {
    fn of(&mut self, kind: &str) -> Option<&mut BTreeSet<String>> {
        match kind {
            "region" => Some(&mut self.regions),
            "interest" => Some(&mut self.interests),
            "category" => Some(&mut self.categories),
            _ => None,
        }
    }
}
