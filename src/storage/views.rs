//! Privacy views: whether an account was shown a segment, or denied it by the minimum difference.

use std::collections::{BTreeSet, HashMap};

use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryTrait as _, Value,
    sea_query::{Expr, Query},
};

use super::{
    bulk::is_any,
    db::{self, TextQuery, TextRow},
    entity::{
        privacy_release,
        privacy_view::{COLUMN, Column, Entity},
    },
};

/// Stored verdicts: first step of a size -> whether the account may see the segment.
pub async fn load(
    db: &impl ConnectionTrait,
    account: &str,
    releases: &[String],
) -> Result<HashMap<String, bool>, DbErr> {
    let views =
        Entity::find().filter(COLUMN.subject.eq(account)).filter(COLUMN.release_key.is_in(releases)).all(db).await?;
    Ok(views.into_iter().map(|view| (view.release_key, view.shown)).collect())
}

/// The same as a query; see [`verdict`].
pub fn load_query<'a>(backend: DbBackend, account: &str, releases: impl Iterator<Item = &'a str>) -> TextQuery {
    let releases = is_any(backend, Column::ReleaseKey, releases.map(str::to_owned));
    let rows = Entity::find().filter(COLUMN.subject.eq(account)).filter(releases);
    TextQuery::new(rows.into_query(), &["release_key", "shown"])
}

/// A row of [`load_query`].
pub fn verdict(row: &TextRow) -> Result<(String, bool), DbErr> {
    match &row[..] {
        [release_key, shown] => Ok((release_key.clone(), db::boolean(shown))),
        _ => Err(DbErr::Type("not a verdict".to_owned())),
    }
}

/// The releases of sizes whose segments an account was shown, in some epochs: their keys.
pub fn shown_to(account: &str, epochs: &BTreeSet<i32>) -> TextQuery {
    // As a join of the account's views: a list of the epoch's releases would grow with what all accounts requested.
    let rows = Entity::find().filter(COLUMN.subject.eq(account)).filter(COLUMN.shown.eq(true)).filter(Expr::exists(
        Query::select()
            .expr(Expr::val(1))
            .from(privacy_release::Entity)
            .and_where(
                Expr::col((privacy_release::Entity, privacy_release::Column::ReleaseKey))
                    .equals((Entity, Column::ReleaseKey)),
            )
            .and_where(Expr::col(privacy_release::Column::EpochId).is_in(epochs.iter().copied()))
            .to_owned(),
    ));
    TextQuery::new(rows.into_query(), &["release_key"])
}

/// The statement that stores verdicts; they never change.
pub fn insert(backend: DbBackend, account: &str, verdicts: &[(String, bool)], at: i64) -> String {
    let rows = verdicts.iter().map(|(release_key, shown)| -> Vec<Value> {
        vec![account.into(), release_key.as_str().into(), (*shown).into(), at.into()]
    });
    let columns = [Column::Subject, Column::ReleaseKey, Column::Shown, Column::ViewedAt];
    db::insert_text::<Entity>(backend, &columns, rows.collect())
}

/// The number of verdicts: whether shown, and how many.
pub async fn count(db: &impl ConnectionTrait) -> Result<Vec<(bool, u64)>, DbErr> {
    let select = Query::select()
        .column(Column::Shown)
        .expr(Expr::col(Column::ReleaseKey).count())
        .from(Entity)
        .add_group_by([Expr::col(Column::Shown)])
        .to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index::<i64>(1)?.unsigned_abs()))).collect()
}
