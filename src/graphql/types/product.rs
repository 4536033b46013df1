//! A product of the partner's own catalog, and the results of changing the catalog.

use std::collections::BTreeSet;

use async_graphql::{Enum, ID, SimpleObject};

use crate::{
    catalog::upload::Uploaded,
    domain::{dimensions::Dimension, error::Error, product, product_state::Source},
};

/// A product of the partner's own catalog. No other partner can read it.
#[derive(Clone, SimpleObject)]
pub struct Product {
    /// The partner's own id of the product.
    pub id: ID,
    /// Title of the product.
    pub title: String,
    /// The partner's category. Null if none was sent.
    pub category: Option<String>,
    /// The partner's subcategory. Null if none was sent.
    pub subcategory: Option<String>,
    /// Price in `currency`, 0 to 10^12. Null if none was sent.
    pub price: Option<f64>,
    /// ISO 4217 code of the currency, as sent. Null if none was sent.
    pub currency: Option<String>,
    /// Average rating, 0 to 5. Null if none was sent.
    pub rating: Option<f64>,
    /// Number of ratings, 0 or more. Null if none was sent.
    pub rating_count: Option<i64>,
    /// Price band: `budget`, `mid`, `premium` or `luxury`. Null if none was sent.
    pub price_range: Option<String>,
    /// The styles that are in `vocabulary`. Other styles are not stored.
    pub styles: Vec<String>,
    /// The features that are in `vocabulary`. Other features are not stored.
    pub features: Vec<String>,
    /// The values of all dimensions that the product states, in the order of the dimensions. A product without any is
    /// never recommended.
    pub states: Vec<StatedDimension>,
}

/// The value that a product states for one dimension.
#[derive(Clone, SimpleObject)]
pub struct StatedDimension {
    /// The dimension.
    pub dimension: Dimension,
    /// The value, 0 to 1.
    pub value: f64,
    /// The kind of input that determined the value.
    pub source: StatedBy,
}

/// The kind of input that determined the value of a dimension of a product.
#[derive(Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Source")]
pub enum StatedBy {
    /// The styles.
    Style,
    /// The features.
    Feature,
    /// The price band.
    Price,
    /// A number given for the dimension, or an attribute.
    Personality,
}

impl From<product::Product> for Product {
    fn from(product: product::Product) -> Self {
        let resolved = product.state.resolve();
        let stated = resolved.iter().flat_map(|resolved| {
            resolved.stated().filter_map(|(dimension, value)| Some((dimension, value, resolved.sources[dimension]?)))
        });
        let states =
            stated.map(|(dimension, value, source)| StatedDimension { dimension, value, source: source.into() });
        Self {
            states: states.collect(),
            price_range: product.state.price.map(|band| band.name().to_owned()),
            styles: product.state.styles.unwrap_or_default(),
            features: product.state.features.unwrap_or_default(),
            id: ID(product.id),
            title: product.title,
            category: product.category,
            subcategory: product.subcategory,
            price: product.price,
            currency: product.currency,
            rating: product.rating,
            rating_count: product.rating_count,
        }
    }
}

/// The result of `upsertProducts`.
#[derive(SimpleObject)]
pub struct UpsertProductsResult {
    /// Number of products that were added.
    created: u64,
    /// Number of products that existed and were overwritten.
    updated: u64,
    /// The products that were not stored, in the order in which they were sent.
    errors: Vec<ProductError>,
    /// Terms of all products sent that are not in `vocabulary`, sorted; at most 100. They are not stored and do not
    /// cause an error.
    ignored: Vec<String>,
}

/// The reason a product was not stored.
#[derive(SimpleObject)]
pub struct ProductError {
    /// Index of the product in `input`, starting at 0.
    index: usize,
    /// Id of the product as sent, truncated to 200 characters.
    id: String,
    /// Error code, as in `extensions.code` of an error: `BAD_USER_INPUT`.
    code: String,
    /// Path of the invalid field, such as `currency` or `state.crowdTolerance`.
    field: String,
    /// Description of the error, for people. Not part of the API contract.
    message: String,
}

/// Maximum number of ignored terms in one answer.
const MAX_IGNORED: usize = 100;

impl UpsertProductsResult {
    /// Builds the result. `ids` are the product ids as sent.
    pub fn new(uploaded: Uploaded, ids: &[String], ignored: BTreeSet<String>) -> Self {
        let errors = uploaded.faults.into_iter().map(|(index, fault)| ProductError {
            index,
            id: ids.get(index).map(|id| id.chars().take(product::MAX_NAME_CHARS).collect()).unwrap_or_default(),
            code: Error::input("", "").code().to_owned(),
            field: fault.field,
            message: fault.message,
        });
        Self {
            created: uploaded.created,
            updated: uploaded.updated,
            errors: errors.collect(),
            ignored: ignored.into_iter().take(MAX_IGNORED).collect(),
        }
    }
}
