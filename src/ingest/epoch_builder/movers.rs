//! People whose region or age band changed: they are left out until the releases about their previous atom have left
//! the 30-day window, so that no person draws on two atoms in 30 days (`docs/privacy.md`, "People who move").
//!
//! An import marks the change ([`ATOM_CHANGE_PENDING`]). The next build, which is the first without the previous atom,
//! replaces the mark by its time: until then, the epoch before was served. From [`REENTRY_AFTER`] later on, builds
//! count the person again.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, ExprTrait as _, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, SimpleExpr},
};

use super::warehouse::set_atom_since;
use crate::{
    domain::clock::DAY,
    privacy::ledger::BUDGET_WINDOW,
    storage::{
        db,
        entity::{
            agent::{self, ATOM_CHANGE_PENDING},
            epoch,
        },
        warehouse::Warehouse,
    },
};

/// The time after which a person is counted in a new atom, in seconds. The day beyond the window of the budget covers
/// the duration of a build, after whose start the epoch before is still served.
pub const REENTRY_AFTER: i64 = BUDGET_WINDOW + DAY;

/// The latest `atom_since` of a person who is counted in a build at `now`.
pub(super) fn latest_counted(now: i64) -> i64 {
    now - REENTRY_AFTER
}

/// The condition that a person is counted in a build at `now`.
pub(super) fn counts_again(now: i64) -> SimpleExpr {
    agent::COLUMN.atom_since.is_null().or(Expr::col(agent::Column::AtomSince).lte(latest_counted(now)))
}

/// Marks the people whose previous atom is in the epoch that is served now: their absence begins with the build at
/// `now`. Without an epoch, nobody was counted before.
///
/// This is a transaction of its own before the snapshot of the build. What an import changes in between stays pending:
/// such people are left out, and the next build marks them.
pub(super) async fn mark(db: &DatabaseConnection, warehouse: Option<&Warehouse>, now: i64) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    let (after, since) = match served_since(&transaction).await? {
        Some(built_at) => (built_at, Some(now)),
        None => (i64::MIN, None),
    };
    update(&transaction, warehouse, after, since).await?;
    Ok(transaction.commit().await?)
}

/// Marks the people whose previous atom is in the epoch that is served after another one was dropped.
pub(super) async fn reset(transaction: &DatabaseTransaction, warehouse: Option<&Warehouse>) -> anyhow::Result<()> {
    let Some(built_at) = served_since(transaction).await? else { return Ok(()) };
    update(transaction, warehouse, built_at, Some(ATOM_CHANGE_PENDING)).await
}

/// Sets `atom_since` of the people whose absence began after `after`.
async fn update(
    transaction: &DatabaseTransaction,
    warehouse: Option<&Warehouse>,
    after: i64,
    since: Option<i64>,
) -> anyhow::Result<()> {
    if let Some(warehouse) = warehouse {
        // An import reads `atom_since` and writes it again.
        db::lock_people(transaction).await?;
        return set_atom_since(warehouse, after, since).await;
    }
    let moved = agent::Entity::update_many().col_expr(agent::Column::AtomSince, Expr::value(since));
    moved.filter(agent::COLUMN.atom_since.gt(after)).exec(transaction).await?;
    Ok(())
}

/// When the newest epoch was built, which servers serve.
async fn served_since(db: &impl ConnectionTrait) -> Result<Option<i64>, DbErr> {
    let newest = epoch::Entity::find().order_by_desc(epoch::COLUMN.ends_at).limit(1).one(db).await?;
    Ok(newest.map(|epoch| epoch.built_at))
}
