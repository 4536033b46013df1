//! `privacy_charges`: the charges of accounts for releases. A charge is made once and never refunded.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    /// The amount in milliunits.
    #[sea_orm(column_name = "mu")]
    pub milliunits: i64,
    /// Unix seconds, UTC.
    pub charged_at: i64,
    /// For a charge to a region: the key account that was the first to request the release. `None` for other charges.
    #[sea_orm(column_name = "drawn_by")]
    pub charged_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
