//! `user_actions`: visits and attended events.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_actions")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub spot_id: String,
    /// Unix seconds, UTC.
    #[sea_orm(primary_key, auto_increment = false)]
    pub start_time: i64,
    /// `spot_visit` or `event_attendance`; any other value counts as a visit.
    #[sea_orm(primary_key, auto_increment = false)]
    pub action_type: String,
    pub category: Option<String>,
    pub category_group: Option<String>,
    /// Unix seconds, UTC; `None` = unknown: the visit then has no dwell time.
    pub end_time: Option<i64>,
    /// Whether the same person has an earlier visit to the same spot, if `return_given`; not meaningful otherwise.
    pub is_return_visit: bool,
    /// Whether `is_return_visit` was given in the imported file. Otherwise an epoch build derives it.
    pub return_given: bool,
}

impl ActiveModelBehavior for ActiveModel {}
