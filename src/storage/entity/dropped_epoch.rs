//! `dropped_epochs`: epochs that the operator removed. A new build of the same week gets another number, so that
//! releases of the removed one never answer questions about it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "dropped_epochs")]
pub struct Model {
    /// The number of the epoch, as it was in `epochs`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch_id: i32,
    /// Unix seconds, UTC.
    pub dropped_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
