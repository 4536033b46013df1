//! `trusted_documents`: documents of partners that the operator has checked and stored. Requests name them by hash.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "trusted_documents")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: String,
    /// SHA-256 of the document, in lower-case hex.
    #[sea_orm(primary_key, auto_increment = false)]
    pub document_hash: String,
    /// The name of the operation, or of the file.
    pub document_name: String,
    pub document: String,
    /// Unix seconds, UTC.
    pub added_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
