//! A product of the caller's own catalog.

use std::collections::BTreeSet;

use async_graphql::{Enum, ID, SimpleObject};

use super::personality::DimensionName;
use crate::{
    catalog::{Source, store},
    entity::product,
    error::Error,
};

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
    /// Its styles, as far as `vocabulary` holds them.
    pub styles: Vec<String>,
    /// Its features, as far as `vocabulary` holds them.
    pub features: Vec<String>,
    /// The dimensions that follow from all that it states, in their fixed order; without any it is never recommended.
    pub states: Vec<StatedDimension>,
}

/// A dimension that a product states.
#[derive(Clone, SimpleObject)]
pub struct StatedDimension {
    /// Which dimension.
    pub dimension: DimensionName,
    /// Its value, 0 to 1.
    pub value: f64,
    /// What decided it.
    pub source: StatedBy,
}

/// What decided a dimension of a product.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Source")]
pub enum StatedBy {
    /// Its styles.
    Style,
    /// Its features.
    Feature,
    /// Its price band.
    Price,
    /// A number for the dimension, or an attribute.
    Personality,
}

impl From<product::Model> for Product {
    fn from(product: product::Model) -> Self {
        // A column that cannot be read states nothing; ranking, which must know, answers with an error.
        let state = product.state().unwrap_or_default();
        let resolved = state.resolve();
        let stated = resolved.iter().flat_map(|resolved| {
            let stated = resolved.product.stated();
            stated.filter_map(|(k, value)| Some((DimensionName::ALL[k], value, resolved.sources[k]?)))
        });
        let states =
            stated.map(|(dimension, value, source)| StatedDimension { dimension, value, source: source.into() });
        Self {
            states: states.collect(),
            styles: state.styles.unwrap_or_default(),
            features: state.features.unwrap_or_default(),
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

/// What became of the products that were sent.
#[derive(SimpleObject)]
pub struct UpsertProductsResult {
    /// Products that are new.
    created: u64,
    /// Products that were there; their values are now those that were sent.
    updated: u64,
    /// Products that were not stored, in the order in which they were sent.
    errors: Vec<ProductError>,
    /// Words that `vocabulary` does not hold, of all products that were sent, sorted; at most 100. No product is refused
    /// for one.
    ignored: Vec<String>,
}

/// Why a product was not stored.
#[derive(SimpleObject)]
pub struct ProductError {
    /// Its place among those that were sent, from 0.
    index: usize,
    /// Its id, as sent, at most 200 characters of it.
    id: String,
    /// The code, as in `errors` of a response: `BAD_USER_INPUT`.
    code: String,
    /// The field that is wrong.
    field: String,
    /// What is wrong, for people.
    message: String,
}

/// Ignored words of one answer.
const MOST_IGNORED: usize = 100;

impl UpsertProductsResult {
    /// Puts together what is told; `ids` are those that were sent.
    pub fn new(stored: store::Stored, ids: &[String], ignored: BTreeSet<String>) -> Self {
        let errors = stored.faults.into_iter().map(|(index, fault)| ProductError {
            index,
            id: ids.get(index).map(|id| id.chars().take(200).collect()).unwrap_or_default(),
            code: Error::input("", "").code().to_owned(),
            field: fault.field,
            message: fault.message,
        });
        Self {
            created: stored.created,
            updated: stored.updated,
            errors: errors.collect(),
            ignored: ignored.into_iter().take(MOST_IGNORED).collect(),
        }
    }
}
