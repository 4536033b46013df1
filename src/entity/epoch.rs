//! A weekly, immutable snapshot.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "epochs")]
pub struct Model {
    /// ISO year x 100 + ISO week of the week that closed.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch_id: i32,
    /// The Monday 00:00 UTC at which the week closed, Unix seconds.
    pub ends_at: i64,
    /// Unix seconds, UTC.
    pub built_at: i64,
    /// People counted in at least one window; for the operator only, never published.
    pub agents: i64,
}

impl ActiveModelBehavior for ActiveModel {}
