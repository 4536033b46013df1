//! `audit_events`: operator actions on keys, caps and people, performed at the command line.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_events")]
pub struct Model {
    #[sea_orm(primary_key)]
    pub audit_id: i64,
    /// Unix seconds, UTC.
    pub happened_at: i64,
    /// `create`, `rotate`, `revoke`, `limits`, `forget`, `restore` or `drop`.
    pub action: String,
    /// The id of a key, `region:...` or `epoch:...`; empty for a person.
    pub subject: String,
    /// A description of the change. Never contains a key.
    pub detail: String,
}

impl ActiveModelBehavior for ActiveModel {}
