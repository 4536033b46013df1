//! The products of a partner.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        error::Error,
        product::{MAX_PRICE, MAX_RATING, MAX_RATING_COUNT, Product, ProductFault},
        product_state::{Attribute, PriceBand, ProductState},
    },
    storage::{partners, products},
};

impl Row for Product {
    const KIND: Kind = Kind::Products;
    const REQUIRED: &'static [&'static str] = &[
        "product_id",
        "title",
        "category",
        "subcategory",
        "price",
        "currency",
        "rating",
        "rating_count",
        "price_range",
    ];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        #[expect(clippy::cast_possible_truncation, reason = "the range is that of 32 bits")]
        let rating_count = fields.number("rating_count", 0.0, MAX_RATING_COUNT as f64)?.map(|count| count as i64);
        let product = Self {
            id: fields.required_text("product_id")?,
            title: fields.required_text("title")?,
            category: fields.optional_text("category")?,
            subcategory: fields.optional_text("subcategory")?,
            price: fields.number("price", 0.0, MAX_PRICE)?,
            currency: fields.optional_text("currency")?,
            rating: fields.number("rating", 0.0, MAX_RATING)?,
            rating_count,
            state: state(fields)?,
        };
        product.validated().map_err(|fault| reason(&fault))
    }
}

fn reason(fault: &ProductFault) -> String {
    format!("{}: {}", fault.field, fault.message)
}

/// Parses what a line states about a product. These columns are optional, except for `price_range`.
fn state(fields: &Fields<'_>) -> Result<ProductState, String> {
    let price = match fields.term("price_range")? {
        Some(name) => {
            let band = PriceBand::parse(&name);
            Some(band.ok_or_else(|| "price_range is not one of budget, mid, premium, luxury".to_owned())?)
        }
        None => None,
    };
    let terms = |column: &str| -> Result<Option<Vec<String>>, String> {
        let terms = fields.terms(column)?;
        Ok((!terms.is_empty()).then(|| terms.split('|').map(str::to_owned).collect()))
    };
    let mut attributes = Vec::new();
    for (column, name) in
        [("energy_level", "energyLevel"), ("novelty", "novelty"), ("community_oriented", "communityOriented")]
    {
        let value = fields.number(column, 0.0, 1.0)?;
        attributes.extend(value.map(|value| Attribute { name: name.to_owned(), value }));
    }
    Ok(ProductState {
        price,
        styles: terms("styles")?,
        features: terms("features")?,
        attributes: (!attributes.is_empty()).then_some(attributes),
        ..ProductState::of_dimensions(&fields.dimensions()?)
    })
}

/// Stores the products of one partner; a product that exists is updated.
pub struct Products {
    partner_id: String,
}

impl Products {
    /// Creates the partner if it does not exist, and increments the version of its catalog.
    ///
    /// # Errors
    /// The name of the partner is invalid, or the database fails.
    pub async fn begin(transaction: &DatabaseTransaction, partner_id: String) -> anyhow::Result<Self> {
        partners::ensure_exists(transaction, &partner_id, SystemClock.now()).await?;
        partners::increment_catalog_version(transaction, &partner_id).await?;
        Ok(Self { partner_id })
    }
}

#[async_trait]
impl Store<Product> for Products {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, Product)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |row| row.id.clone());
        let written = products::write(transaction, &self.partner_id, rows).await.map_err(Error::into_anyhow)?;
        let reject = |line| Reject { line, reason: reason(&ProductFault::catalog_full()) };
        Ok(written.rejected.into_iter().map(reject).collect())
    }
}
