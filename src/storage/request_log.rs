//! Rows of the request log.

use sea_orm::{
    DatabaseConnection, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect, QueryTrait as _, sea_query::Expr,
};

use super::{
    db,
    entity::{
        api_request_log::{ActiveModel, COLUMN, Column, Entity},
        api_usage_day,
    },
    usage,
};

/// Rows that are deleted in one statement, so that other writers do not wait for long.
const ROWS_PER_DELETE: u64 = 5_000;

/// Stores rows together with the usage that they add to, or neither.
pub async fn insert(
    db: &DatabaseConnection,
    rows: Vec<ActiveModel>,
    days: Vec<api_usage_day::Model>,
) -> Result<(), DbErr> {
    let transaction = db::begin_write(db).await?;
    Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    usage::add(&transaction, days).await?;
    transaction.commit().await
}

/// Deletes the rows that were received before a time (Unix milliseconds) and returns how many there were.
pub async fn delete_before(db: &DatabaseConnection, before_ms: i64) -> Result<u64, DbErr> {
    let mut deleted = 0;
    loop {
        let oldest = Entity::find()
            .select_only()
            .column(Column::LogId)
            .filter(COLUMN.received_at_ms.lt(before_ms))
            .limit(ROWS_PER_DELETE)
            .into_query();
        let step = Entity::delete_many().filter(Expr::col(Column::LogId).in_subquery(oldest)).exec(db).await?;
        deleted += step.rows_affected;
        if step.rows_affected == 0 {
            return Ok(deleted);
        }
    }
}
