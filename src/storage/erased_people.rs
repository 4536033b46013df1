//! The list of erased people.

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait as _,
    sea_query::OnConflict,
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
    let rows = erased_person::Entity::find().all(db).await?;
    let hashes = rows.into_iter().filter_map(|row| IdHash::try_from(row.id_hash).ok()).collect();
    Ok(ErasedPeople::new(salt, hashes))
}

/// The number of erased people.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    erased_person::Entity::find().count(db).await
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
    let row = erased_person::ActiveModel { id_hash: Set(hash(&salt, id).to_vec()), erased_at: Set(now) };
    let keep = OnConflict::column(erased_person::Column::IdHash).do_nothing().to_owned();
    erased_person::Entity::insert(row).on_conflict(keep).exec_without_returning(transaction).await?;
    Ok(())
}

/// Removes a person from the list; false if the person is not in it.
pub async fn remove(db: &impl ConnectionTrait, id: &str) -> Result<bool, DbErr> {
    let Some(salt) = salt(db).await? else { return Ok(false) };
    let deleted = erased_person::Entity::delete_by_id(hash(&salt, id).to_vec()).exec(db).await?;
    Ok(deleted.rows_affected > 0)
}
