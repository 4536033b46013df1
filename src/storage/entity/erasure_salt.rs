//! `erasure_salts`: the salt of the hashes in `erased_people`, in one row.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "erasure_salts")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub salt_id: i32,
    /// 32 random bytes.
    pub salt: Vec<u8>,
}

impl ActiveModelBehavior for ActiveModel {}
