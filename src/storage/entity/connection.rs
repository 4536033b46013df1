//! `ai2ai_connections`: ties between two people. Each tie is stored once, with the lesser id first.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "ai2ai_connections")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id_1: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub agent_id_2: String,
    /// In [0, 1].
    pub compatibility_score: f64,
    /// Unix seconds, UTC.
    pub created_at: i64,
    /// Decided once, at the first import of the tie. Only kept ties are counted (`docs/privacy.md`).
    pub kept: bool,
}

impl ActiveModelBehavior for ActiveModel {}
