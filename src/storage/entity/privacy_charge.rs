//! `privacy_charges`: the charges of accounts for releases, by region and age bands. A charge is made once and never
//! refunded.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// The age bands of the region that are charged: bit b for band b, bit 0 for people of unknown age.
    #[sea_orm(primary_key, auto_increment = false)]
    pub bands: i32,
    /// The amount in microunits, for each of the bands.
    pub microunits: i64,
    /// Unix seconds, UTC.
    pub charged_at: i64,
    /// For a charge to a region: the key account that was the first to request the release. `None` for other charges.
    #[sea_orm(column_name = "drawn_by")]
    pub charged_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
