//! A partner's key; the key itself is never stored, only its SHA-256.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: String,
    pub partner_id: String,
    /// SHA-256 of the whole key.
    pub key_hash: Vec<u8>,
    /// `poc` or `live`.
    pub environment: String,
    /// Words separated by `|`.
    pub scopes: String,
    /// Requests in any 60 seconds.
    pub per_minute: i64,
    /// Requests in any 24 hours.
    pub per_day: i64,
    /// The ledger account that pays for what this key is shown.
    pub privacy_subject: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
