//! `epoch_words`: the vocabulary of an epoch, that is, the values that a segment definition may use.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "epoch_words")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub epoch_id: i32,
    /// `region`, `interest` or `category`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub kind: String,
    #[sea_orm(primary_key, auto_increment = false)]
    #[sea_orm(column_name = "word")]
    pub term: String,
}

impl ActiveModelBehavior for ActiveModel {}
