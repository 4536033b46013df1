//! The list of erased people.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

use super::entity::{erased_person, erasure_salt};
use crate::domain::{
    erased::{ErasedPeople, IdHash, SALT_BYTES, hash},
    error::Error,
    random::random_hex,
};

/// The only row of the table of the salt.
const SALT_ID: i32 = 1;

async fn salt(db: &impl ConnectionTrait) -> Result<Option<Vec<u8>>, DbErr> {
    Ok(erasure_salt::Entity::find_by_id(SALT_ID).one(db).await?.map(|row| row.salt))
}

/// Loads the list.
pub async fn load(db: &impl ConnectionTrait) -> Result<ErasedPeople, DbErr> {
    let Some(salt) = salt(db).await? else { return Ok(ErasedPeople::default()) };
    let rows = erased_person::Entity::find().filter(erased_person::COLUMN.restored_at.is_null()).all(db).await?;
    Ok(ErasedPeople::new(salt, hashes(rows)))
}

/// Loads the people who were erased and restored later.
pub async fn load_restored(db: &impl ConnectionTrait) -> Result<ErasedPeople, DbErr> {
    let Some(salt) = salt(db).await? else { return Ok(ErasedPeople::default()) };
    let rows = erased_person::Entity::find().filter(erased_person::COLUMN.restored_at.is_not_null()).all(db).await?;
    Ok(ErasedPeople::new(salt, hashes(rows)))
}

fn hashes(rows: Vec<erased_person::Model>) -> HashSet<IdHash> {
    rows.into_iter().filter_map(|row| IdHash::try_from(row.id_hash).ok()).collect()
}

/// The number of erased people.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    erased_person::Entity::find().filter(erased_person::COLUMN.restored_at.is_null()).count(db).await
}

/// Adds a person in the transaction that erases the person. The first call creates the salt.
///
/// # Errors
/// [`Error::Unavailable`] if the operating system provides no randomness, or the database fails.
pub async fn add(transaction: &DatabaseTransaction, id: &str, now: i64) -> Result<(), Error> {
    let salt = if let Some(salt) = salt(transaction).await? {
        salt
    } else {
        let salt = hex::decode(random_hex(SALT_BYTES)?).map_err(Error::internal)?;
        let row = erasure_salt::ActiveModel { salt_id: Set(SALT_ID), salt: Set(salt.clone()) };
        erasure_salt::Entity::insert(row).exec_without_returning(transaction).await?;
        salt
    };
    let row = erased_person::ActiveModel {
        id_hash: Set(hash(&salt, id).to_vec()),
        erased_at: Set(now),
        restored_at: Set(None),
    };
    let again = OnConflict::column(erased_person::Column::IdHash)
        .update_columns([erased_person::Column::ErasedAt, erased_person::Column::RestoredAt])
        .to_owned();
    erased_person::Entity::insert(row).on_conflict(again).exec_without_returning(transaction).await?;
    Ok(())
}

/// Marks a person as restored; false if the person is not in the list. The row stays, because an epoch must not count
/// the person again too soon.
pub async fn restore(db: &impl ConnectionTrait, id: &str, now: i64) -> Result<bool, DbErr> {
    let Some(salt) = salt(db).await? else { return Ok(false) };
    let restored = erased_person::Entity::update_many()
        .col_expr(erased_person::Column::RestoredAt, Expr::value(now))
        .filter(erased_person::COLUMN.id_hash.eq(hash(&salt, id).to_vec()))
        .filter(erased_person::COLUMN.restored_at.is_null())
        .exec(db)
        .await?;
    Ok(restored.rows_affected > 0)
}
