//! `api_keys`: API keys of partners. Only the SHA-256 of a key is stored.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_keys")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: String,
    pub partner_id: String,
    /// The SHA-256 of the whole key.
    pub key_hash: Vec<u8>,
    /// `poc` or `live`.
    pub environment: String,
    /// Scopes separated by `|`.
    pub scopes: String,
    /// The maximum number of requests per minute. The minute begins with the first request.
    pub per_minute: i64,
    /// The maximum number of requests per UTC day.
    pub per_day: i64,
    /// The privacy account that is charged for the releases that this key views.
    pub privacy_subject: String,
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    /// The maximum cost of one document, in points.
    pub max_query_points: i64,
    /// The capacity of the token bucket and its refill per minute, in points.
    pub points_per_minute: i64,
    /// The maximum number of points per UTC day.
    pub points_per_day: i64,
    /// With a resolution of one minute; written in the background.
    pub last_used_at: Option<i64>,
    /// The id of the key that replaced this one when it was rotated.
    pub replaced_by: Option<String>,
    /// A name for people; may be empty.
    pub name: String,
    /// Whether the key may execute trusted documents only.
    pub documents_only: bool,
    /// Whether the key reads synthetic people only.
    pub test_mode: bool,
}

impl ActiveModelBehavior for ActiveModel {}
