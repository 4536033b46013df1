//! Usage of keys by day: the request log, aggregated as it is written.

use std::collections::BTreeMap;

use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder,
    sea_query::{Alias, Expr, OnConflict, Query},
};

use super::entity::{
    api_key,
    api_usage_day::{COLUMN, Column, Entity, Model},
};
use crate::domain::clock::{DAY, format_time};

/// Usage of a key on a day.
#[derive(Clone, Debug, PartialEq)]
pub struct UsageDay {
    /// Such as `2026-11-23`, UTC.
    pub day: String,
    pub requests: i64,
    /// Requests that a limit rejected.
    pub rejected: i64,
    pub points: i64,
    pub microunits: i64,
    /// Requests by the code of their first error, most frequent first.
    pub errors: Vec<(String, i64)>,
}

/// The last `days` days of a key up to `now` (Unix seconds), newest first; days without a request are left out.
pub async fn of_key(db: &impl ConnectionTrait, key_id: &str, now: i64, days: i32) -> Result<Vec<UsageDay>, DbErr> {
    let since = now.div_euclid(DAY) + 1 - i64::from(days);
    let rows = Entity::find()
        .filter(COLUMN.key_id.eq(key_id))
        .filter(COLUMN.day.gte(since))
        .order_by_desc(COLUMN.requests)
        .order_by_asc(COLUMN.error_code)
        .all(db)
        .await?;
    let mut usage: BTreeMap<i64, UsageDay> = BTreeMap::new();
    for row in rows {
        let day = usage.entry(row.day).or_insert_with(|| UsageDay {
            day: format_time(row.day * DAY).chars().take(10).collect(),
            requests: 0,
            rejected: 0,
            points: 0,
            microunits: 0,
            errors: Vec::new(),
        });
        day.requests += row.admitted;
        day.rejected += row.requests - row.admitted;
        day.points += row.points;
        day.microunits += row.microunits;
        if !row.error_code.is_empty() {
            day.errors.push((row.error_code, row.requests));
        }
    }
    Ok(usage.into_values().rev().collect())
}

/// Admitted requests and points of an account's keys since the beginning of a day.
pub async fn of_account(db: &impl ConnectionTrait, account: &str, day: i64) -> Result<(u64, u64), DbErr> {
    let keys = Query::select()
        .column(api_key::Column::KeyId)
        .from(api_key::Entity)
        .and_where(Expr::col(api_key::Column::PrivacySubject).eq(account))
        .to_owned();
    // PostgreSQL sums bigint as numeric.
    let sum = |column: Column| Expr::expr(Expr::col(column).sum().cast_as("bigint")).if_null(0_i64);
    let select = Query::select()
        .expr(sum(Column::Admitted))
        .expr(sum(Column::Points))
        .from(Entity)
        .and_where(Expr::col(Column::Day).gte(day))
        .and_where(Expr::col(Column::KeyId).in_subquery(keys))
        .to_owned();
    let Some(row) = db.query_one(&select).await? else { return Ok((0, 0)) };
    let count = |index| row.try_get_by_index::<i64>(index).map(i64::unsigned_abs);
    Ok((count(0)?, count(1)?))
}

/// Adds to the rows of days. Pass them in the order of their keys, so that two servers cannot deadlock.
pub async fn add(db: &impl ConnectionTrait, days: Vec<Model>) -> Result<(), DbErr> {
    if days.is_empty() {
        return Ok(());
    }
    let excluded = Alias::new("excluded");
    let sum = |column: Column| Expr::col((Entity, column)).add(Expr::col((excluded.clone(), column)));
    let add = OnConflict::columns([Column::KeyId, Column::Day, Column::ErrorCode])
        .values(
            [Column::Requests, Column::Admitted, Column::Points, Column::Microunits]
                .map(|column| (column, sum(column))),
        )
        .to_owned();
    let rows = days.into_iter().map(sea_orm::IntoActiveModel::into_active_model);
    Entity::insert_many(rows).on_conflict(add).exec_without_returning(db).await?;
    Ok(())
}
