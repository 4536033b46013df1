//! Whether an account was shown a segment, or denied it for being too near to one that it had seen.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_views")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The release of the segment's size.
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub shown: bool,
    /// Unix seconds, UTC.
    pub viewed_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
