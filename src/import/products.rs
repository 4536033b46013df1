//! A partner's products.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::{
    auth,
    clock::{Clock as _, SystemClock},
    db::Bulk,
};

/// A line of `products`.
#[derive(Clone, Debug)]
pub struct ProductRow {
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
}

impl Row for ProductRow {
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
        let price_range = fields.word("price_range")?;
        if price_range.as_deref().is_some_and(|band| !["budget", "mid", "premium", "luxury"].contains(&band)) {
            return Err("price_range is none of budget, mid, premium, luxury".to_owned());
        }
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 10^12")]
        let rating_count = fields.number("rating_count", 0.0, 1e12)?.map(|count| count as i64);
        Ok(Self {
            product_id: fields.needed("product_id")?,
            title: fields.needed("title")?,
            category: fields.word("category")?,
            subcategory: fields.word("subcategory")?,
            price: fields.number("price", 0.0, 1e12)?,
            currency: fields.known("currency")?,
            rating: fields.number("rating", 0.0, 5.0)?,
            rating_count,
            price_range,
        })
    }
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
        Ok(Self { partner_id })
    }
}

#[async_trait]
impl Store<ProductRow> for Products {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, ProductRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |row| row.product_id.clone());
        let values: Vec<_> = rows
            .into_iter()
            .map(|(_, row)| {
                vec![
                    self.partner_id.clone().into(),
                    row.product_id.into(),
                    row.title.into(),
                    row.category.into(),
                    row.subcategory.into(),
                    row.price.into(),
                    row.currency.into(),
                    row.rating.into(),
                    row.rating_count.into(),
                    row.price_range.into(),
                ]
            })
            .collect();
        let columns = vec![
            "partner_id",
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
        let bulk =
            Bulk { table: "products", update: columns[2..].to_vec(), columns, key: &["partner_id", "product_id"] };
        bulk.write(transaction, values).await?;
        Ok(Vec::new())
    }
}
