//! `privacy_spending`: charges summed by day. A trigger adds each charge.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_spending")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// Of a region's charges: the account that viewed the releases first; empty if it is not known.
    #[sea_orm(primary_key, auto_increment = false, column_name = "drawn_by")]
    pub charged_by: String,
    /// The age bands: bit 0 is the unknown age, bit b is band b.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bands: i32,
    /// Days since 1970-01-01 UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub day: i64,
    /// The sum for each of the bands, in microunits.
    pub microunits: i64,
}

impl ActiveModelBehavior for ActiveModel {}
