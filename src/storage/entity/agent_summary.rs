//! `agent_rollup`: the integers that releases sum, one row per counted person and window (`docs/privacy.md`).
//!
//! Written by the epoch builder, read only by the engines. People who do not qualify in a window have no row for it.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "agent_rollup")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch_id: i32,
    /// 7, 28 or 84.
    #[sea_orm(primary_key, auto_increment = false)]
    pub window_days: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub region: String,
    /// 0 = unknown; otherwise the number of the age band, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub age_band: i32,
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id: String,
    /// In the form `|a|b|`, so that a search for `|a|` matches whole values only.
    pub interests: String,
    /// In the same form as `interests`.
    pub categories: String,
    pub behavior_visits: i32,
    pub behavior_dwell: i32,
    pub behavior_return: i32,
    pub behavior_community: i32,
    pub dwell_short: i32,
    pub dwell_medium: i32,
    pub dwell_long: i32,
    pub time_0: i32,
    pub time_1: i32,
    pub time_2: i32,
    pub time_3: i32,
    pub time_4: i32,
    pub time_5: i32,
    pub time_6: i32,
    pub time_7: i32,
    pub category_0: i32,
    pub category_1: i32,
    pub category_2: i32,
    pub category_3: i32,
    pub category_4: i32,
    pub category_5: i32,
    pub category_6: i32,
    pub category_7: i32,
    pub category_8: i32,
    pub category_9: i32,
    pub category_10: i32,
    pub category_11: i32,
    pub mean_0: i32,
    pub mean_1: i32,
    pub mean_2: i32,
    pub mean_3: i32,
    pub mean_4: i32,
    pub mean_5: i32,
    pub mean_6: i32,
    pub mean_7: i32,
    pub mean_8: i32,
    pub mean_9: i32,
    pub mean_10: i32,
    pub mean_11: i32,
    pub bin_0: i32,
    pub bin_1: i32,
    pub bin_2: i32,
    pub bin_3: i32,
    pub bin_4: i32,
    pub bin_5: i32,
    pub bin_6: i32,
    pub bin_7: i32,
    pub bin_8: i32,
    pub bin_9: i32,
    pub bin_10: i32,
    pub bin_11: i32,
    /// 0 to 4, or 5 = balanced.
    pub archetype: i32,
    pub network_ties: i32,
    pub network_compatibility: i32,
    pub network_new: i32,
    #[sea_orm(column_name = "network_drawn")]
    pub network_followed: i32,
    /// 3 + ||u||^2 in 1/10^8, where u are the means.
    pub state_norm: i64,
}

impl ActiveModelBehavior for ActiveModel {}
