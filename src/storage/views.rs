//! Privacy views: whether an account was shown a segment, or denied it by the minimum difference.

use std::collections::{BTreeSet, HashMap, HashSet};

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryTrait as _,
    sea_query::{Expr, Query},
};

use super::{
    db,
    entity::{
        privacy_release,
        privacy_view::{ActiveModel, COLUMN, Column, Entity},
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

/// The releases of sizes whose segments an account was shown, in some epochs.
pub async fn shown_to(
    db: &impl ConnectionTrait,
    account: &str,
    epochs: &BTreeSet<i32>,
) -> Result<HashSet<String>, DbErr> {
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
    let keys = db::texts(db, rows.into_query(), ["release_key"]).await?;
    Ok(keys.into_iter().flatten().collect())
}

/// Stores verdicts; they never change.
pub async fn insert(
    db: &impl ConnectionTrait,
    account: &str,
    verdicts: Vec<(String, bool)>,
    at: i64,
) -> Result<(), DbErr> {
    if verdicts.is_empty() {
        return Ok(());
    }
    let rows = verdicts.into_iter().map(|(release_key, shown)| ActiveModel {
        subject: Set(account.to_owned()),
        release_key: Set(release_key),
        shown: Set(shown),
        viewed_at: Set(at),
    });
    Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
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
