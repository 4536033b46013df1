//! A visit or an attended event.

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
    /// `spot_visit` or `event_attendance`; others count as visits.
    #[sea_orm(primary_key, auto_increment = false)]
    pub action_type: String,
    pub category: Option<String>,
    pub category_group: Option<String>,
    /// Unix seconds, UTC; none = unknown, such a visit has no dwell time.
    pub end_time: Option<i64>,
    /// Same agent, same spot, an earlier visit.
    pub is_return_visit: bool,
    /// Whether the file said so itself; otherwise the import derives it.
    pub return_given: bool,
}

impl ActiveModelBehavior for ActiveModel {}
