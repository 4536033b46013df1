//! Epochs and their vocabularies.

use std::sync::Arc;

use parking_lot::RwLock;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, QueryOrder};

use super::entity::{
    epoch::{COLUMN, Entity, Model},
    epoch_term,
};
use crate::domain::{
    clock::Clock,
    epoch::{Epoch, READABLE_AFTER, TermKind, Vocabulary},
};

/// The newest epoch that is readable at `now` (Unix seconds), if there is one.
pub async fn load_newest(db: &DatabaseConnection, now: i64) -> Result<Option<Epoch>, DbErr> {
    let newest = Entity::find().filter(COLUMN.ends_at.lte(now - READABLE_AFTER)).order_by_desc(COLUMN.ends_at);
    let Some(newest) = newest.one(db).await? else { return Ok(None) };
    let vocabulary = vocabulary(db, newest.epoch_id).await?;
    Ok(Some(Epoch { epoch_id: newest.epoch_id, ends_at: newest.ends_at, vocabulary: Arc::new(vocabulary) }))
}

/// The vocabulary of an epoch; empty if there is no such epoch.
pub async fn vocabulary(db: &impl ConnectionTrait, epoch_id: i32) -> Result<Vocabulary, DbErr> {
    let terms = epoch_term::Entity::find().filter(epoch_term::COLUMN.epoch_id.eq(epoch_id)).all(db).await?;
    let mut vocabulary = Vocabulary::default();
    for term in terms {
        if let Some(kind) = TermKind::parse(&term.kind) {
            vocabulary.terms_mut(kind).insert(term.term);
        }
    }
    Ok(vocabulary)
}

/// One epoch.
pub async fn find(db: &impl ConnectionTrait, epoch_id: i32) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(epoch_id).one(db).await
}

/// All epochs, newest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_desc(COLUMN.ends_at).all(db).await
}

/// The newest readable epoch that this process knows of.
pub struct CurrentEpoch {
    db: DatabaseConnection,
    clock: Arc<dyn Clock>,
    epoch: RwLock<Arc<Epoch>>,
}

impl CurrentEpoch {
    #[must_use]
    pub fn new(db: DatabaseConnection, clock: Arc<dyn Clock>, epoch: Epoch) -> Self {
        Self { db, clock, epoch: RwLock::new(Arc::new(epoch)) }
    }

    /// The epoch; a request keeps the one that it began with.
    #[must_use]
    pub fn get(&self) -> Arc<Epoch> {
        Arc::clone(&self.epoch.read())
    }

    /// Looks for a newer epoch in the database.
    pub async fn refresh(&self) -> Result<(), DbErr> {
        if let Some(newest) = load_newest(&self.db, self.clock.now()).await? {
            let mut current = self.epoch.write();
            if newest.ends_at > current.ends_at {
                tracing::info!(epoch = newest.epoch_id, "new epoch");
                *current = Arc::new(newest);
            }
        }
        Ok(())
    }
}
