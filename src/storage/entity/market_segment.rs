//! `market_segments`: saved segment definitions, owned by a partner or shared by the operator.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "market_segments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub segment_id: String,
    /// The partner that owns the segment; `None` = shared with every partner.
    pub partner_id: Option<String>,
    pub slug: String,
    pub name: String,
    /// The definition as JSON, unchanged as submitted.
    pub definition: String,
    pub created_at: i64,
    pub updated_at: i64,
}

impl ActiveModelBehavior for ActiveModel {}
