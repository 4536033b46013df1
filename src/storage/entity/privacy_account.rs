//! `privacy_accounts`: the privacy caps of keys and regions. Amounts are in milliunits (1 unit = 1000).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_accounts")]
pub struct Model {
    /// `key:...` or `region:...`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The cap in any 30 days.
    #[sea_orm(column_name = "cap_mu")]
    pub cap_milliunits: i64,
    /// The cap in any 365 days; `None` = no yearly cap.
    #[sea_orm(column_name = "cap_year_mu")]
    pub cap_year_milliunits: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
