//! `epochs`: weekly snapshots. A snapshot changes only when a person is erased.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "epochs")]
pub struct Model {
    /// ISO year x 100 + ISO week of the last week of the epoch.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch_id: i32,
    /// The end of the last week: a Monday 00:00 UTC, in Unix seconds.
    pub ends_at: i64,
    /// Unix seconds, UTC.
    pub built_at: i64,
    /// The number of people counted in at least one window. For the operator only; never released.
    pub agents: i64,
    /// The build in the warehouse that has the rows of the epoch; `None` = they are in `agent_rollup`.
    pub build_id: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
