//! What was done to keys, caps and people, by whoever holds the command line.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub audit_id: i64,
    /// Unix seconds, UTC.
    pub happened_at: i64,
    /// `create`, `rotate`, `revoke`, `limits` or `forget`.
    pub action: String,
    /// A key's id or `region:...`; empty for a person who was erased.
    pub subject: String,
    /// What changed, in words; never a key.
    pub detail: String,
}

impl ActiveModelBehavior for ActiveModel {}
