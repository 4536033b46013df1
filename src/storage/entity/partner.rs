//! `partners`: the organizations that use the API.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "partners")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: String,
    pub created_at: i64,
    /// Incremented with every change of the partner's products.
    pub catalog_version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
