//! The products of a partner.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use super::{Fields, Kind, Options, Reject, Row, Store, Target, last_of_each};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        dimensions::Dimension,
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
    const OPTIONAL: &'static [&'static str] = &{
        let mut columns = ["styles"; Dimension::COUNT + 5];
        columns[1] = "features";
        columns[2] = "energy_level";
        columns[3] = "novelty";
        columns[4] = "community_oriented";
        let mut index = 0;
        while index < Dimension::COUNT {
            columns[index + 5] = Dimension::ALL[index].column();
            index += 1;
        }
        columns
    };

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        #[expect(clippy::cast_possible_truncation, reason = "the range is that of 32 bits")]
        let rating_count = fields.number("rating_count", 0.0, MAX_RATING_COUNT as f64)?.map(|count| count as i64);
        let product = Self {
            id: fields.id("product_id")?,
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
    pub async fn of_partner(transaction: &DatabaseTransaction, partner_id: String) -> anyhow::Result<Self> {
        partners::ensure_exists(transaction, &partner_id, SystemClock.now()).await?;
        partners::increment_catalog_version(transaction, &partner_id).await?;
        Ok(Self { partner_id })
    }
}

#[async_trait]
impl Store<Product> for Products {
    /// Creates the partner if it does not exist, and increments the version of its catalog.
    ///
    /// # Errors
    /// There is no partner in the options, its name is invalid, or the database fails.
    async fn begin(target: Target<'_>, options: &Options) -> anyhow::Result<Self> {
        Self::of_partner(target.transaction, options.require_partner()?.to_owned()).await
    }

    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, Product)>) -> anyhow::Result<Vec<Reject>> {
        let mut rows = last_of_each(rows, |one, other| one.id.cmp(&other.id));
        // The first ones of a file are stored while a catalog has room.
        rows.sort_by_key(|(line, _)| *line);
        let rows = rows.into_iter().map(|(line, row)| ((line, row.id.clone()), row)).collect();
        let written = products::write(target.transaction, &self.partner_id, rows).await.map_err(Error::into_anyhow)?;
        let reject =
            |(line, id)| Reject { file: Arc::from(""), line, reason: reason(&ProductFault::catalog_full()), row: id };
        Ok(written.rejected.into_iter().map(reject).collect())
    }
}
