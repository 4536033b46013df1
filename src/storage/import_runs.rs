//! Imports that have not stored all rows of their file yet.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::entity::import_run::{ActiveModel, COLUMN, Column, Entity, Model};

/// The unfinished imports, oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(COLUMN.started_at).all(db).await
}

/// The number of rows that an earlier, interrupted import of this file has stored.
pub async fn rows_done(db: &impl ConnectionTrait, fingerprint: &str) -> Result<u64, DbErr> {
    let run = Entity::find_by_id(fingerprint).one(db).await?;
    Ok(run.map_or(0, |run| run.rows_done.unsigned_abs()))
}

/// Records the progress of an import in the transaction that stores its rows.
pub async fn record(db: &impl ConnectionTrait, run: Model) -> Result<(), DbErr> {
    let row = ActiveModel {
        fingerprint: Set(run.fingerprint),
        kind: Set(run.kind),
        file: Set(run.file),
        rows_done: Set(run.rows_done),
        started_at: Set(run.started_at),
    };
    let update = OnConflict::column(Column::Fingerprint).update_column(Column::RowsDone).to_owned();
    Entity::insert(row).on_conflict(update).exec_without_returning(db).await?;
    Ok(())
}

/// Removes a finished import, and the interrupted ones of the same kind that began before it: the operator has
/// replaced their files.
pub async fn finish(db: &impl ConnectionTrait, kind: &str, started_at: i64) -> Result<(), DbErr> {
    Entity::delete_many().filter(COLUMN.kind.eq(kind)).filter(COLUMN.started_at.lte(started_at)).exec(db).await?;
    Ok(())
}
