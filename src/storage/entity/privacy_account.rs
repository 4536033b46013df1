//! `privacy_accounts`: the privacy caps of keys and regions. Amounts are in microunits (1 unit = 1,000,000).

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_accounts")]
pub struct Model {
    /// `key:...` or `region:...`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject: String,
    /// The cap of each region and age band in any 30 days.
    pub cap_microunits: i64,
    /// The cap of each region and age band in any 365 days; `None` = no yearly cap.
    pub cap_year_microunits: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
