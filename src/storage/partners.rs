//! Partners and the versions of their catalogs.

use anyhow::{Context as _, ensure};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, ExprTrait as _, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr, sea_query::OnConflict,
};

use super::entity::partner::{ActiveModel, COLUMN, Column, Entity, Model};

/// Checks the name of a partner.
///
/// # Errors
/// The name is not 2 to 40 lower-case letters, digits and hyphens.
pub fn check_name(partner_id: &str) -> anyhow::Result<()> {
    let is_allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    ensure!(
        (2..=40).contains(&partner_id.len()) && partner_id.chars().all(is_allowed),
        "a partner's name is 2 to 40 lower-case letters, digits and hyphens, not {partner_id:?}"
    );
    Ok(())
}

/// Creates a partner unless it exists.
///
/// # Errors
/// As [`check_name`], or the database fails.
pub async fn ensure_exists(db: &impl ConnectionTrait, partner_id: &str, now: i64) -> anyhow::Result<()> {
    check_name(partner_id)?;
    let row = ActiveModel { partner_id: Set(partner_id.to_owned()), created_at: Set(now), catalog_version: Set(0) };
    let keep = OnConflict::column(Column::PartnerId).do_nothing().to_owned();
    let insert = Entity::insert(row).on_conflict(keep).exec_without_returning(db);
    insert.await.context("cannot create the partner")?;
    Ok(())
}

/// Whether there is a partner of this name.
pub async fn exists(db: &impl ConnectionTrait, partner_id: &str) -> Result<bool, DbErr> {
    Ok(Entity::find_by_id(partner_id).one(db).await?.is_some())
}

/// All partners, by name.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Model>, DbErr> {
    Entity::find().order_by_asc(COLUMN.partner_id).all(db).await
}

/// The version of a partner's catalog; 0 if there is no such partner.
pub async fn catalog_version(db: &impl ConnectionTrait, partner_id: &str) -> Result<i64, DbErr> {
    let version: Option<i64> = Entity::find()
        .select_only()
        .column(Column::CatalogVersion)
        .filter(COLUMN.partner_id.eq(partner_id))
        .into_tuple()
        .one(db)
        .await?;
    Ok(version.unwrap_or_default())
}

/// Increments the version of a partner's catalog. Other changes of the catalog wait until the transaction ends.
pub async fn increment_catalog_version(transaction: &DatabaseTransaction, partner_id: &str) -> Result<(), DbErr> {
    Entity::update_many()
        .col_expr(Column::CatalogVersion, Expr::col(Column::CatalogVersion).add(1))
        .filter(COLUMN.partner_id.eq(partner_id))
        .exec(transaction)
        .await?;
    Ok(())
}
