//! Trusted documents of partners.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder, sea_query::OnConflict};

use super::entity::trusted_document::{ActiveModel, COLUMN, Column, Entity, Model};

/// A document of a partner with this hash (SHA-256 in lower-case hex).
pub async fn find(db: &impl ConnectionTrait, partner_id: &str, hash: &str) -> Result<Option<String>, DbErr> {
    let key = (partner_id.to_owned(), hash.to_owned());
    Ok(Entity::find_by_id(key).one(db).await?.map(|row| row.document))
}

/// Adds documents; one that exists keeps its time and gets the new name.
pub async fn add(db: &impl ConnectionTrait, documents: Vec<Model>) -> Result<(), DbErr> {
    let rows = documents.into_iter().map(|document| ActiveModel {
        partner_id: Set(document.partner_id),
        document_hash: Set(document.document_hash),
        document_name: Set(document.document_name),
        document: Set(document.document),
        added_at: Set(document.added_at),
    });
    let key = [Column::PartnerId, Column::DocumentHash];
    let update = OnConflict::columns(key).update_column(Column::DocumentName).to_owned();
    super::db::insert_all(db, rows.collect(), Some(&update)).await
}

/// The documents of a partner, by name.
pub async fn list(db: &impl ConnectionTrait, partner_id: &str) -> Result<Vec<Model>, DbErr> {
    let documents = Entity::find().filter(COLUMN.partner_id.eq(partner_id));
    documents.order_by_asc(COLUMN.document_name).order_by_asc(COLUMN.document_hash).all(db).await
}

/// Removes a document; false if there is none with this hash.
pub async fn remove(db: &impl ConnectionTrait, partner_id: &str, hash: &str) -> Result<bool, DbErr> {
    let deleted = Entity::delete_by_id((partner_id.to_owned(), hash.to_owned())).exec(db).await?;
    Ok(deleted.rows_affected > 0)
}
