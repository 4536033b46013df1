//! What a key used on a day, by the code of the first error: the request log, added up as it is written.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "api_usage_days")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub key_id: String,
    /// Days since 1970-01-01 UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// Empty = no error.
    #[sea_orm(primary_key, auto_increment = false)]
    pub error_code: String,
    pub requests: i64,
    /// Requests that passed the limits.
    pub admitted: i64,
    pub points: i64,
    /// Privacy price in milli-units.
    pub units_mu: i64,
}

impl ActiveModelBehavior for ActiveModel {}
