//! `privacy_views`: minimum-difference verdicts, that is, whether a segment was shown to an account, or withheld
//! because it overlaps a segment of nearly the same size that the account had been shown before.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_views")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The release key of the segment's size.
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub shown: bool,
    /// Unix seconds, UTC.
    pub viewed_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
