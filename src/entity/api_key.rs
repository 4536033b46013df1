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
    /// Requests in a minute, which begins with the first of them.
    pub per_minute: i64,
    /// Requests in a day, UTC.
    pub per_day: i64,
    /// The ledger account that pays for what this key is shown.
    pub privacy_subject: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    /// Points that one document may cost.
    pub max_query_points: i64,
    /// Points that the bucket holds and that come back in a minute.
    pub points_per_minute: i64,
    /// Points in a day, UTC.
    pub points_per_day: i64,
    /// To the minute; written in the background.
    pub last_used_at: Option<i64>,
    /// The key that followed when this one was rotated.
    pub replaced_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
