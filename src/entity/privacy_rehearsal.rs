//! What a first view of a stored release writes and throws away, so that it takes as long as a draw. About nobody;
//! rows that a crash leaves behind do no harm.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "privacy_rehearsals")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub release_key: String,
    /// As long as a payload; zeros.
    pub payload: String,
}

impl ActiveModelBehavior for ActiveModel {}
