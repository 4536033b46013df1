//! People as a whole. Single people are read by `ingest` only.

use sea_orm::{ConnectionTrait, DbErr, EntityTrait, PaginatorTrait as _};

use super::entity::agent;

/// The number of people in the raw tables.
pub async fn count(db: &impl ConnectionTrait) -> Result<u64, DbErr> {
    agent::Entity::find().count(db).await
}
