//! Privacy charges: what accounts were charged for which releases. Amounts are milliunits, times are Unix seconds.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, QuerySelect,
    sea_query::{Alias, Expr, JoinType, Query},
};

use super::entity::privacy_charge::{ActiveModel, COLUMN, Column, Entity};

/// A time and an amount.
pub type Charge = (i64, i64);

/// A charge to be stored.
pub struct NewCharge {
    pub subject: String,
    pub release_key: String,
    pub milliunits: i64,
    /// Of a region's charge: the account that viewed the release first.
    pub charged_by: Option<String>,
}

/// Stores charges.
pub async fn insert(db: &impl ConnectionTrait, charges: Vec<NewCharge>, at: i64) -> Result<(), DbErr> {
    if charges.is_empty() {
        return Ok(());
    }
    let rows = charges.into_iter().map(|charge| ActiveModel {
        release_key: Set(charge.release_key),
        milliunits: Set(charge.milliunits),
        charged_at: Set(at),
        charged_by: Set(charge.charged_by),
        subject: Set(charge.subject),
    });
    Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// Which of the releases a subject was charged for.
pub async fn charged(db: &impl ConnectionTrait, subject: &str, releases: &[String]) -> Result<HashSet<String>, DbErr> {
    let keys: Vec<String> = Entity::find()
        .select_only()
        .column(Column::ReleaseKey)
        .filter(COLUMN.subject.eq(subject))
        .filter(COLUMN.release_key.is_in(releases))
        .into_tuple()
        .all(db)
        .await?;
    Ok(keys.into_iter().collect())
}

/// Which of the releases each of the subjects was charged for: pairs of subject and release.
pub async fn charged_to(
    db: &impl ConnectionTrait,
    subjects: &BTreeSet<String>,
    releases: impl IntoIterator<Item = &str>,
) -> Result<HashSet<(String, String)>, DbErr> {
    let rows = Entity::find()
        .select_only()
        .columns([Column::Subject, Column::ReleaseKey])
        .filter(COLUMN.subject.is_in(subjects))
        .filter(COLUMN.release_key.is_in(releases));
    Ok(rows.into_tuple().all(db).await?.into_iter().collect())
}

/// What subjects were charged after `since`, oldest first.
pub async fn load(
    db: &impl ConnectionTrait,
    subjects: &BTreeSet<&str>,
    since: i64,
) -> Result<HashMap<String, Vec<Charge>>, DbErr> {
    let rows: Vec<(String, i64, i64)> = Entity::find()
        .select_only()
        .columns([Column::Subject, Column::ChargedAt, Column::Milliunits])
        .filter(COLUMN.subject.is_in(subjects.iter().copied()))
        .filter(COLUMN.charged_at.gt(since))
        .order_by_asc(COLUMN.charged_at)
        .into_tuple()
        .all(db)
        .await?;
    let mut charges: HashMap<String, Vec<Charge>> = HashMap::new();
    for (subject, charged_at, milliunits) in rows {
        charges.entry(subject).or_default().push((charged_at, milliunits));
    }
    Ok(charges)
}

/// What an account was charged, after `since` and until `until`, for releases that cover regions: region subject ->
/// milliunits.
///
/// It counts what the account viewed, not what it charged to the region: the latter would reveal whether another
/// account had viewed a release before.
pub async fn viewed(
    db: &impl ConnectionTrait,
    account: &str,
    regions: &[String],
    since: i64,
    until: i64,
) -> Result<HashMap<String, i64>, DbErr> {
    let (view, region) = (Alias::new("view"), Alias::new("region"));
    let of_view = |column: Column| Expr::col((view.clone(), column));
    let of_region = |column: Column| Expr::col((region.clone(), column));
    let select = Query::select()
        .expr(of_region(Column::Subject))
        // PostgreSQL sums bigint as numeric.
        .expr(of_view(Column::Milliunits).sum().cast_as("bigint"))
        .from_as(Entity, view.clone())
        .join_as(
            JoinType::InnerJoin,
            Entity,
            region.clone(),
            of_region(Column::ReleaseKey).eq(of_view(Column::ReleaseKey)),
        )
        .and_where(of_view(Column::Subject).eq(account))
        .and_where(of_region(Column::Subject).is_in(regions))
        .and_where(of_view(Column::ChargedAt).gt(since))
        .and_where(of_view(Column::ChargedAt).lte(until))
        .add_group_by([of_region(Column::Subject)])
        .to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index(1)?))).collect()
}

/// What an account was charged, after `since`, for releases that cover a region, oldest first.
pub async fn views_of_region(
    db: &impl ConnectionTrait,
    account: &str,
    region: &str,
    since: i64,
) -> Result<Vec<Charge>, DbErr> {
    let releases = Query::select()
        .column(Column::ReleaseKey)
        .from(Entity)
        .and_where(Expr::col(Column::Subject).eq(region))
        .to_owned();
    let rows = Entity::find()
        .select_only()
        .columns([Column::ChargedAt, Column::Milliunits])
        .filter(COLUMN.subject.eq(account))
        .filter(COLUMN.charged_at.gt(since))
        .filter(Expr::col(Column::ReleaseKey).in_subquery(releases))
        .order_by_asc(COLUMN.charged_at);
    rows.into_tuple().all(db).await
}

/// What a region was charged, after `since`, by first views of other accounts, oldest first.
pub async fn charged_by_others(
    db: &impl ConnectionTrait,
    account: &str,
    region: &str,
    since: i64,
) -> Result<Vec<Charge>, DbErr> {
    let others = Expr::col(Column::ChargedBy).is_null().or(Expr::col(Column::ChargedBy).ne(account));
    let rows = Entity::find()
        .select_only()
        .columns([Column::ChargedAt, Column::Milliunits])
        .filter(COLUMN.subject.eq(region))
        .filter(COLUMN.charged_at.gt(since))
        .filter(others)
        .order_by_asc(COLUMN.charged_at);
    rows.into_tuple().all(db).await
}

/// What regions were charged, after `since` and until `until`: region subject -> account -> milliunits. The empty
/// account represents charges without an account.
pub async fn charged_by_account(
    db: &impl ConnectionTrait,
    regions: &[String],
    since: i64,
    until: i64,
) -> Result<HashMap<String, BTreeMap<String, i64>>, DbErr> {
    let select = Query::select()
        .columns([Column::Subject, Column::ChargedBy])
        .expr(Expr::col(Column::Milliunits).sum().cast_as("bigint"))
        .from(Entity)
        .and_where(Expr::col(Column::Subject).is_in(regions))
        .and_where(Expr::col(Column::ChargedAt).gt(since))
        .and_where(Expr::col(Column::ChargedAt).lte(until))
        .add_group_by([Expr::col(Column::Subject), Expr::col(Column::ChargedBy)])
        .to_owned();
    let mut charged: HashMap<String, BTreeMap<String, i64>> = HashMap::new();
    for row in db.query_all(&select).await? {
        let account: Option<String> = row.try_get_by_index(1)?;
        let of_region = charged.entry(row.try_get_by_index(0)?).or_default();
        of_region.insert(account.unwrap_or_default(), row.try_get_by_index(2)?);
    }
    Ok(charged)
}
