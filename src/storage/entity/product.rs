//! `products`: the products in the partners' catalogs. Each product belongs to one partner.

use sea_orm::entity::prelude::*;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "products")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub partner_id: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub product_id: String,
    pub title: String,
    pub category: Option<String>,
    pub subcategory: Option<String>,
    pub price: Option<f64>,
    pub currency: Option<String>,
    /// 0 to 5.
    pub rating: Option<f64>,
    pub rating_count: Option<i64>,
    /// `budget`, `mid`, `premium` or `luxury`.
    pub price_range: Option<String>,
    /// The product state as JSON: the dimensions and terms that the partner submitted, without the price band.
    pub stated: String,
}

impl ActiveModelBehavior for ActiveModel {}
