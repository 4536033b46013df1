//! `api_usage_days`: the usage of a key per day and code of the first error. Updated as the request log is written.

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
    /// The code of the first error; empty = no error.
    #[sea_orm(primary_key, auto_increment = false)]
    pub error_code: String,
    pub requests: i64,
    /// The number of requests that passed the limits.
    pub admitted: i64,
    pub points: i64,
    /// The privacy budget charged to the key, in microunits.
    pub microunits: i64,
}

impl ActiveModelBehavior for ActiveModel {}
