//! What a subject paid for a release: once, never refunded.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_charges")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub mu: i64,
    /// Unix seconds, UTC.
    pub charged_at: i64,
    /// Of a region's charge: the account that was the first to look.
    pub drawn_by: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
