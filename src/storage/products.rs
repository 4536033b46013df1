//! Products. Each change increments the version of the partner's catalog, so that every server uses it from its next
//! request on.

use std::collections::HashSet;

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait,
    QueryFilter, QuerySelect, sea_query::OnConflict,
};

use super::{
    db,
    entity::product::{ActiveModel, COLUMN, Column, Entity, Model},
    partners,
};
use crate::domain::{
    error::Error,
    page::{Page, PageRequest},
    product::{MAX_PRODUCTS, Product},
    product_state::{PriceBand, ProductState},
};

/// Ids that are looked up in one statement.
const IDS_PER_STATEMENT: usize = 1_000;

/// What ranking needs of a product.
pub struct RankingRow {
    pub id: String,
    pub category: Option<String>,
    pub rating: Option<f64>,
    pub price_range: Option<String>,
    pub stated: String,
}

/// The result of [`write()`].
pub struct Written<P> {
    pub created: u64,
    pub updated: u64,
    /// The positions of products that exceed [`MAX_PRODUCTS`].
    pub rejected: Vec<P>,
}

/// The state of a stored product, from its columns `price_range` and `stated`.
///
/// # Errors
/// The column `stated` is not a serialized state.
pub fn parse_state(price_range: Option<&str>, stated: &str) -> serde_json::Result<ProductState> {
    let state: ProductState = serde_json::from_str(stated)?;
    Ok(ProductState { price: price_range.and_then(PriceBand::parse), ..state })
}

impl From<Model> for Product {
    fn from(row: Model) -> Self {
        // A state that cannot be read counts as empty here. Ranking returns an error instead.
        let state = parse_state(row.price_range.as_deref(), &row.stated).unwrap_or_default();
        Self {
            id: row.product_id,
            title: row.title,
            category: row.category,
            subcategory: row.subcategory,
            price: row.price,
            currency: row.currency,
            rating: row.rating,
            rating_count: row.rating_count,
            state,
        }
    }
}

/// The row of a product. Only terms of the vocabulary are stored.
fn row(partner_id: &str, product: Product) -> serde_json::Result<ActiveModel> {
    let price_range = product.state.price.map(|band| band.name().to_owned());
    let stated = serde_json::to_string(&ProductState { price: None, ..product.state.known() })?;
    Ok(ActiveModel {
        partner_id: Set(partner_id.to_owned()),
        product_id: Set(product.id),
        title: Set(product.title),
        category: Set(product.category),
        subcategory: Set(product.subcategory),
        price: Set(product.price),
        currency: Set(product.currency),
        rating: Set(product.rating),
        rating_count: Set(product.rating_count),
        price_range: Set(price_range),
        stated: Set(stated),
    })
}

/// A partner's products: the only way to read any.
fn of_partner(partner_id: &str) -> sea_orm::Select<Entity> {
    Entity::find().filter(COLUMN.partner_id.eq(partner_id))
}

/// Writes valid products with different ids, each with its position in the input. Call
/// [`partners::increment_catalog_version`] first in the same transaction.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
pub async fn write<P>(
    transaction: &DatabaseTransaction,
    partner_id: &str,
    products: Vec<(P, Product)>,
) -> Result<Written<P>, Error> {
    let existing = existing(transaction, partner_id, products.iter().map(|(_, product)| product.id.as_str())).await?;
    let mut free = MAX_PRODUCTS.saturating_sub(of_partner(partner_id).count(transaction).await?);
    let (mut rows, mut rejected) = (Vec::with_capacity(products.len()), Vec::new());
    let (mut created, mut updated) = (0, 0);
    for (position, product) in products {
        if existing.contains(&product.id) {
            updated += 1;
        } else if free > 0 {
            (free, created) = (free - 1, created + 1);
        } else {
            rejected.push(position);
            continue;
        }
        rows.push(row(partner_id, product).map_err(Error::internal)?);
    }
    let key = [Column::PartnerId, Column::ProductId];
    db::insert_all(transaction, rows, Some(&OnConflict::columns(key).update_columns(Column::VALUES).to_owned()))
        .await?;
    Ok(Written { created, updated, rejected })
}

impl Column {
    /// The columns other than the key.
    const VALUES: [Self; 9] = [
        Self::Title,
        Self::Category,
        Self::Subcategory,
        Self::Price,
        Self::Currency,
        Self::Rating,
        Self::RatingCount,
        Self::PriceRange,
        Self::Stated,
    ];
}

/// Which of these ids are stored.
async fn existing<'a>(
    db: &impl ConnectionTrait,
    partner_id: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashSet<String>, DbErr> {
    let mut existing = HashSet::new();
    let ids: Vec<&str> = ids.collect();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let found: Vec<String> = of_partner(partner_id)
            .select_only()
            .column(Column::ProductId)
            .filter(COLUMN.product_id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        existing.extend(found);
    }
    Ok(existing)
}

/// Deletes a partner's products with these ids and returns how many there were.
pub async fn delete(db: &DatabaseConnection, partner_id: &str, ids: &[String]) -> Result<u64, DbErr> {
    if ids.is_empty() {
        return Ok(0);
    }
    let transaction = db::begin_write(db).await?;
    partners::increment_catalog_version(&transaction, partner_id).await?;
    let deleted = Entity::delete_many()
        .filter(COLUMN.partner_id.eq(partner_id))
        .filter(COLUMN.product_id.is_in(ids))
        .exec(&transaction)
        .await?;
    // Without a change, the version stays: every server would read the catalog again.
    if deleted.rows_affected > 0 {
        transaction.commit().await?;
    }
    Ok(deleted.rows_affected)
}

/// A page of a partner's products, by id; with `category`, of that category only.
pub async fn page(
    db: &impl ConnectionTrait,
    partner_id: &str,
    page: &PageRequest,
    category: Option<&str>,
) -> Result<Page<Product>, DbErr> {
    Ok(db::page(db, of_category(partner_id, category), Column::ProductId, page).await?.map(Product::from))
}

/// The number of a partner's products; with `category`, of that category only.
pub async fn count(db: &impl ConnectionTrait, partner_id: &str, category: Option<&str>) -> Result<u64, DbErr> {
    of_category(partner_id, category).count(db).await
}

fn of_category(partner_id: &str, category: Option<&str>) -> sea_orm::Select<Entity> {
    match category {
        Some(category) => of_partner(partner_id).filter(COLUMN.category.eq(category)),
        None => of_partner(partner_id),
    }
}

/// A partner's products with these ids, as far as they exist.
pub async fn find(db: &impl ConnectionTrait, partner_id: &str, ids: Vec<&str>) -> Result<Vec<Product>, DbErr> {
    let rows = of_partner(partner_id).filter(COLUMN.product_id.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(Product::from).collect())
}

/// All of a partner's products, as ranking needs them.
pub async fn load_for_ranking(db: &impl ConnectionTrait, partner_id: &str) -> Result<Vec<RankingRow>, DbErr> {
    type Row = (String, Option<String>, Option<f64>, Option<String>, String);
    let rows: Vec<Row> = of_partner(partner_id)
        .select_only()
        .columns([Column::ProductId, Column::Category, Column::Rating, Column::PriceRange, Column::Stated])
        .into_tuple()
        .all(db)
        .await?;
    let row =
        |(id, category, rating, price_range, stated): Row| RankingRow { id, category, rating, price_range, stated };
    Ok(rows.into_iter().map(row).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_state_is_read_back() {
        let state = ProductState { price: Some(PriceBand::Mid), novelty_seeking: Some(0.5), ..ProductState::default() };
        let product = Product {
            id: "p-1".to_owned(),
            title: "Lamp".to_owned(),
            category: None,
            subcategory: None,
            price: None,
            currency: None,
            rating: None,
            rating_count: None,
            state: state.clone(),
        };
        let row = row("acme", product).unwrap();
        assert_eq!(parse_state(row.price_range.unwrap().as_deref(), &row.stated.unwrap()).unwrap(), state);
    }
}
