//! `erased_people`: people who were erased and must not be imported again, or were restored later.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erased_people")]
pub struct Model {
    /// The salted hash of the person's id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id_hash: Vec<u8>,
    /// Unix seconds, UTC.
    pub erased_at: i64,
    /// Since when the person may be imported again, Unix seconds; `None`: not.
    pub restored_at: Option<i64>,
}

impl ActiveModelBehavior for ActiveModel {}
