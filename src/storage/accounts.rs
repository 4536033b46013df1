//! Privacy accounts: the caps of keys and regions.

use std::collections::BTreeSet;

use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, EntityTrait,
    IntoActiveModel as _, QueryFilter, QueryOrder, QuerySelect, QueryTrait as _, sea_query::Expr,
    sea_query::OnConflict,
};

use super::{
    bulk::is_any,
    db::{self, TextQuery, TextRow},
    entity::privacy_account::{ActiveModel, COLUMN, Column, Entity, Model},
};

/// The prefix of the account of a region.
pub const REGION_PREFIX: &str = "region:";

/// The account of a region.
#[must_use]
pub fn region_subject(region: &str) -> String {
    format!("{REGION_PREFIX}{region}")
}

/// Opens an account unless it exists. Caps are microunits in any 30 and in any 365 days.
pub async fn open(
    db: &impl ConnectionTrait,
    subject: &str,
    cap_microunits: i64,
    cap_year_microunits: Option<i64>,
) -> Result<(), DbErr> {
    let account = ActiveModel {
        subject: Set(subject.to_owned()),
        cap_microunits: Set(cap_microunits),
        cap_year_microunits: Set(cap_year_microunits),
    };
    let keep = OnConflict::column(Column::Subject).do_nothing().to_owned();
    Entity::insert(account).on_conflict(keep).exec_without_returning(db).await?;
    Ok(())
}

/// Sets the caps of all regions, in 30 and in 365 days. For synthetic people only.
pub async fn cap_all_regions(db: &impl ConnectionTrait, cap_microunits: i64) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::CapMicrounits, Expr::value(cap_microunits))
        .col_expr(Column::CapYearMicrounits, Expr::value(cap_microunits))
        .filter(COLUMN.subject.starts_with(REGION_PREFIX))
        .exec(db)
        .await?;
    Ok(())
}

/// Changes the caps that are given, and returns the account before and after; `None` if there is no such account.
pub async fn change_caps(
    transaction: &DatabaseTransaction,
    subject: &str,
    cap_microunits: Option<i64>,
    cap_year_microunits: Option<i64>,
) -> Result<Option<(Model, Model)>, DbErr> {
    let before = Entity::find_by_id(subject).lock_exclusive().one(transaction).await?;
    let Some(before) = before else { return Ok(None) };
    let mut after = before.clone();
    after.cap_microunits = cap_microunits.unwrap_or(before.cap_microunits);
    after.cap_year_microunits = cap_year_microunits.or(before.cap_year_microunits);
    after.clone().into_active_model().reset_all().update(transaction).await?;
    Ok(Some((before, after)))
}

/// One account.
pub async fn find(db: &impl ConnectionTrait, subject: &str) -> Result<Option<Model>, DbErr> {
    Entity::find_by_id(subject).one(db).await
}

/// The accounts of these subjects, as far as they exist; see [`account`].
pub fn load<'a>(backend: DbBackend, subjects: impl Iterator<Item = &'a str>) -> TextQuery {
    let rows = Entity::find().filter(is_any(backend, Column::Subject, subjects.map(str::to_owned)));
    TextQuery::new(rows.into_query(), &["subject", "cap_microunits", "cap_year_microunits"])
}

/// A row of [`load`].
pub fn account(row: TextRow) -> Result<Model, DbErr> {
    let [subject, cap, cap_year]: [String; 3] = row.try_into().map_err(|_| DbErr::Type("not an account".to_owned()))?;
    let cap_year_microunits = if cap_year.is_empty() { None } else { Some(db::number(&cap_year)?) };
    Ok(Model { subject, cap_microunits: db::number(&cap)?, cap_year_microunits })
}

/// All accounts, by subject.
pub async fn load_all(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(COLUMN.subject).all(db).await
}

/// Locks accounts and returns them. All transactions lock in the same order, so that no two of them can wait for each
/// other. SQLite holds its one write lock from the beginning of the transaction and ignores the clause.
pub async fn lock(transaction: &DatabaseTransaction, subjects: &BTreeSet<String>) -> Result<Vec<Model>, DbErr> {
    Entity::find()
        .filter(COLUMN.subject.is_in(subjects))
        .order_by_asc(COLUMN.subject)
        .lock_exclusive()
        .all(transaction)
        .await
}
