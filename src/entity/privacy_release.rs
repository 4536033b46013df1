//! A published noisy vector: drawn once, stored, read back for every answer.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_releases")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    pub bundle: String,
    /// The canonical form.
    pub segment: String,
    pub window_days: i32,
    pub epoch_id: i32,
    /// `pending`, `ready` or `suppressed`.
    pub status: String,
    /// The noisy sums as JSON; never exact ones.
    pub payload: Option<String>,
    pub rho: f64,
    pub delta: f64,
    /// Who is drawing.
    pub lease_token: Option<String>,
    /// Unix seconds; past it another worker may draw.
    pub lease_until: Option<i64>,
    pub published_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
