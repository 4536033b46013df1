//! Epochs and their vocabularies.

use std::sync::Arc;

use parking_lot::RwLock;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, ExprTrait as _, QueryFilter,
    QueryOrder, QueryResult, QuerySelect as _,
    sea_query::{Expr, Order, Query},
};

use super::{
    audit,
    entity::{
        agent_summary, dropped_epoch,
        epoch::{COLUMN, Column, Entity, Model},
        epoch_term,
    },
};
use crate::domain::{
    clock::Clock,
    epoch::{Epoch, READABLE_AFTER, TermKind, Vocabulary, epoch_name, epoch_week},
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

/// When an epoch was built, and the number of the last erasure of a person, if there was one; `None` if there is no
/// such epoch.
pub async fn built_and_last_erasure(
    db: &impl ConnectionTrait,
    epoch_id: i32,
) -> Result<Option<(i64, Option<i64>)>, DbErr> {
    let epoch = Entity::find_by_id(epoch_id).select_only().column(Column::BuiltAt);
    epoch.expr(audit::last_erasure_query()).into_tuple().one(db).await
}

/// All epochs, newest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_desc(COLUMN.ends_at).all(db).await
}

/// The epoch that ends at this time, in Unix seconds.
pub async fn find_ending_at(db: &impl ConnectionTrait, ends_at: i64) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(COLUMN.ends_at.eq(ends_at)).one(db).await
}

/// The newest epoch that ends before this time, in Unix seconds.
pub async fn find_before(db: &impl ConnectionTrait, ends_at: i64) -> Result<Option<Model>, DbErr> {
    Entity::find().filter(COLUMN.ends_at.lt(ends_at)).order_by_desc(COLUMN.ends_at).one(db).await
}

/// The builds in the warehouse that epochs refer to.
pub async fn builds(db: &impl ConnectionTrait) -> Result<Vec<i64>, DbErr> {
    let builds: Vec<Option<i64>> = Entity::find().select_only().column(Column::BuildId).into_tuple().all(db).await?;
    Ok(builds.into_iter().flatten().collect())
}

/// The build in the warehouse that has the rows of an epoch; `None` if there is no such epoch, or if its rows are in
/// the database.
pub async fn build_of(db: &impl ConnectionTrait, epoch_id: i32) -> Result<Option<i64>, DbErr> {
    let build: Option<Option<i64>> =
        Entity::find_by_id(epoch_id).select_only().column(Column::BuildId).into_tuple().one(db).await?;
    Ok(build.flatten())
}

/// The number of epochs of a week (ISO year x 100 + ISO week) that were dropped.
pub async fn count_dropped(db: &impl ConnectionTrait, week: i32) -> Result<i32, DbErr> {
    let dropped = dropped_epoch::Entity::find().all(db).await?;
    let count = dropped.iter().filter(|epoch| epoch_week(epoch.epoch_id) == week).count();
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// Deletes an epoch with its summaries and vocabulary, and records that it was dropped.
pub async fn drop_epoch(transaction: &DatabaseTransaction, epoch_id: i32, now: i64) -> Result<(), DbErr> {
    Entity::delete_by_id(epoch_id).exec(transaction).await?;
    let row = dropped_epoch::ActiveModel { epoch_id: Set(epoch_id), dropped_at: Set(now) };
    dropped_epoch::Entity::insert(row).exec_without_returning(transaction).await?;
    Ok(())
}

/// The number of people of a window, and the sum of their values in the column `behavior_visits`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowFigures {
    pub window_days: i32,
    pub people: i64,
    pub visit_sum: i64,
}

/// The figures of an epoch by window, shortest first. For the operator only; never released.
pub async fn figures(db: &impl ConnectionTrait, epoch_id: i32) -> Result<Vec<WindowFigures>, DbErr> {
    let integer = |sum: Expr| sum.cast_as("bigint");
    let select = Query::select()
        .column(agent_summary::Column::WindowDays)
        .expr(Expr::col(agent_summary::Column::AgentId).count())
        .expr(integer(Expr::col(agent_summary::Column::BehaviorVisits).sum()))
        .from(agent_summary::Entity)
        .and_where(Expr::col(agent_summary::Column::EpochId).eq(epoch_id))
        .add_group_by([Expr::col(agent_summary::Column::WindowDays)])
        .order_by(agent_summary::Column::WindowDays, Order::Asc)
        .to_owned();
    let rows = db.query_all(&select).await?;
    let figures = |row: &QueryResult| {
        Ok(WindowFigures {
            window_days: row.try_get_by_index(0)?,
            people: row.try_get_by_index(1)?,
            visit_sum: row.try_get_by_index(2)?,
        })
    };
    rows.iter().map(figures).collect()
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

    /// Looks for a newer epoch in the database, or for the one before if the current one was dropped.
    pub async fn refresh(&self) -> Result<(), DbErr> {
        if let Some(newest) = load_newest(&self.db, self.clock.now()).await? {
            let mut current = self.epoch.write();
            if newest.epoch_id != current.epoch_id {
                tracing::info!(epoch = epoch_name(newest.epoch_id), "serving another epoch");
                *current = Arc::new(newest);
            }
        }
        Ok(())
    }
}
