//! `privacy_rehearsals`: decoy rows. A first view of a stored release writes and deletes them, so that it takes as long
//! as making a release. They contain no data about people; rows that remain after a crash are harmless.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_rehearsals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    /// Zeros, about as long as a real payload.
    pub payload: String,
}

impl ActiveModelBehavior for ActiveModel {}
