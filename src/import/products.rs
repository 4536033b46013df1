//! A partner's products.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::{
    auth,
    catalog::{Attribute, Item, PriceBand, ProductState, store},
    clock::{Clock as _, SystemClock},
    error::Error,
    personality::DIMENSIONS,
};

impl Row for Item {
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
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 10^12")]
        let rating_count = fields.number("rating_count", 0.0, 1e12)?.map(|count| count as i64);
        let item = Self {
            id: fields.needed("product_id")?,
            title: fields.needed("title")?,
            category: fields.known("category")?,
            subcategory: fields.known("subcategory")?,
            price: fields.number("price", 0.0, 1e12)?,
            currency: fields.known("currency")?,
            rating: fields.number("rating", 0.0, 5.0)?,
            rating_count,
            state: state(fields)?,
        };
        item.checked().map_err(|fault| format!("{}: {}", fault.field, fault.message))
    }
}

/// What a line states; a file need not have these columns, but for `price_range`.
fn state(fields: &Fields<'_>) -> Result<ProductState, String> {
    let price = match fields.word("price_range")? {
        Some(word) => {
            let band = PriceBand::parse(&word);
            Some(band.ok_or_else(|| "price_range is none of budget, mid, premium, luxury".to_owned())?)
        }
        None => None,
    };
    let words = |column: &str| -> Result<Option<Vec<String>>, String> {
        let words = fields.words(column)?;
        Ok((!words.is_empty()).then(|| words.split('|').map(str::to_owned).collect()))
    };
    let mut dimensions = [None; 12];
    for (value, name) in dimensions.iter_mut().zip(DIMENSIONS) {
        *value = fields.number(name, 0.0, 1.0)?;
    }
    let mut attributes = Vec::new();
    for (column, name) in
        [("energy_level", "energyLevel"), ("novelty", "novelty"), ("community_oriented", "communityOriented")]
    {
        let value = fields.number(column, 0.0, 1.0)?;
        attributes.extend(value.map(|value| Attribute { name: name.to_owned(), value }));
    }
    Ok(ProductState {
        price,
        styles: words("styles")?,
        features: words("features")?,
        attributes: (!attributes.is_empty()).then_some(attributes),
        ..ProductState::of_dimensions(dimensions)
    })
}

/// Stores one partner's products; one met again is updated.
pub struct Products {
    partner_id: String,
}

impl Products {
    /// Makes the partner if there is none of that name.
    ///
    /// # Errors
    /// The name is not one, or the database fails.
    pub async fn begin(transaction: &DatabaseTransaction, partner_id: String) -> anyhow::Result<Self> {
        auth::ensure_partner(transaction, &partner_id, SystemClock.now()).await?;
        store::raise_version(transaction, &partner_id).await?;
        Ok(Self { partner_id })
    }
}

#[async_trait]
impl Store<Item> for Products {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, Item)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |row| row.id.clone());
        let written = store::write(transaction, &self.partner_id, rows).await.map_err(Error::explain)?;
        let full = store::full();
        let refused = written.refused.into_iter();
        Ok(refused.map(|line| Reject { line, reason: format!("{}: {}", full.field, full.message) }).collect())
    }
}
