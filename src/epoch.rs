//! Epochs, windows, and the words that a definition may use in an epoch.

use std::{collections::BTreeSet, sync::Arc};

use sea_orm::{DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder};

use crate::{
    clock::DAY,
    entity::{epoch, epoch_word},
};

/// How long after its end a week may still get late events; it is readable only then.
pub const READABLE_AFTER: i64 = 72 * 3600;

/// How many days a window covers.
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
    /// All of them, shortest first.
    pub const ALL: [Self; 3] = [Self::Days7, Self::Days28, Self::Days84];

    #[must_use]
    pub fn days(self) -> i32 {
        match self {
            Self::Days7 => 7,
            Self::Days28 => 28,
            Self::Days84 => 84,
        }
    }

    /// Visits of one person beyond this count as this many (`docs/privacy.md`).
    #[must_use]
    pub fn visit_cap(self) -> i32 {
        match self {
            Self::Days7 => 10,
            Self::Days28 => 30,
            Self::Days84 => 60,
        }
    }
}

/// A stretch of time that ends with an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    pub epoch_id: i32,
    /// Unix seconds; not part of the window.
    pub ends_at: i64,
    pub length: WindowLength,
}

impl Window {
    /// Unix seconds; the first second of the window.
    #[must_use]
    pub fn starts_at(&self) -> i64 {
        self.ends_at - i64::from(self.length.days()) * DAY
    }

    /// The epoch as ISO week, such as `2012-W21`.
    #[must_use]
    pub fn epoch_name(&self) -> String {
        epoch_name(self.epoch_id)
    }
}

/// An epoch's number as ISO week, such as `2012-W21`.
#[must_use]
pub fn epoch_name(epoch_id: i32) -> String {
    format!("{}-W{:02}", epoch_id / 100, epoch_id % 100)
}

/// The newest readable epoch: the words it knows and the windows it has.
#[derive(Clone, Debug)]
pub struct Epoch {
    pub epoch_id: i32,
    pub ends_at: i64,
    pub vocabulary: Arc<Vocabulary>,
}

impl Epoch {
    /// The window of this epoch with that length.
    #[must_use]
    pub fn window(&self, length: WindowLength) -> Window {
        Window { epoch_id: self.epoch_id, ends_at: self.ends_at, length }
    }

    /// Loads the newest epoch that is readable at `now`, if there is one.
    ///
    /// # Errors
    /// As the database says.
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

/// The closed lists of words of an epoch.
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
