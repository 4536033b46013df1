//! `privacy_releases`: noisy vectors of sums. A release is sampled once, stored, and read for every response.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_releases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub bundle: String,
    /// The canonical form of the segment.
    pub segment: String,
    pub window_days: i32,
    pub epoch_id: i32,
    /// `pending`, `ready` or `suppressed`.
    pub status: String,
    /// The noisy sums as JSON; never exact sums. `None` unless the status is `ready`.
    pub payload: Option<String>,
    pub rho: f64,
    pub delta: f64,
    /// The random token of the worker that is making the release.
    pub lease_token: Option<String>,
    /// Unix seconds; after this time another worker may make the release.
    pub lease_until: Option<i64>,
    pub published_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
