//! `privacy_releases`: noisy vectors of sums. A release is sampled once, stored, and read for every response.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_releases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub bundle: String,
    /// The number of the step of noise, from 1; 0 = sampled at once at the full price, under the policy 2026-1.
    pub step: i32,
    /// The canonical form of the segment.
    pub segment: String,
    pub window_days: i32,
    pub epoch_id: i32,
    /// `ready` or `suppressed`.
    pub status: String,
    /// The noisy sums as JSON; never exact sums. `None` for the last step of a suppressed size.
    pub payload: Option<String>,
    pub rho: f64,
    pub delta: f64,
    /// Unix seconds, UTC.
    pub published_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
