//! A product of the caller's own catalog.

use async_graphql::{ID, SimpleObject};

use crate::entity::product;

/// A product; only its partner sees it.
#[derive(Clone, SimpleObject)]
pub struct Product {
    /// The partner's own id of it.
    pub id: ID,
    /// Its title.
    pub title: String,
    /// The partner's category.
    pub category: Option<String>,
    /// The partner's subcategory.
    pub subcategory: Option<String>,
    /// Price in `currency`.
    pub price: Option<f64>,
    /// ISO 4217 code, as the partner gave it.
    pub currency: Option<String>,
    /// 0 to 5.
    pub rating: Option<f64>,
    /// How many ratings.
    pub rating_count: Option<i64>,
    /// `budget`, `mid`, `premium` or `luxury`.
    pub price_range: Option<String>,
}

impl From<product::Model> for Product {
    fn from(product: product::Model) -> Self {
        Self {
            id: ID(product.product_id),
            title: product.title,
            category: product.category,
            subcategory: product.subcategory,
            price: product.price,
            currency: product.currency,
            rating: product.rating,
            rating_count: product.rating_count,
            price_range: product.price_range,
        }
    }
}
