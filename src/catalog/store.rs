//! Products in the database. Each change increments the version of the catalog, so that every server reads it with its
//! next request.

use std::collections::HashSet;

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, ExprTrait, PaginatorTrait,
    QueryFilter, QuerySelect, sea_query::Expr,
};

use super::{Fault, Item, MOST_PRODUCTS};
use crate::{
    db::{self, Bulk},
    entity::{partner, product},
    error::Error,
};

/// The result of storing the products of one call.
#[derive(Debug, Default)]
pub struct Stored {
    pub created: u64,
    /// The number of existing products whose values were replaced by the submitted ones.
    pub updated: u64,
    /// The products that were not stored: their index in the call, and the reason.
    pub faults: Vec<(usize, Fault)>,
}

/// Validates and stores products of a partner in one transaction. Invalid products, products with a duplicate id and
/// products beyond [`MOST_PRODUCTS`] are reported in [`Stored::faults`]; all others are stored.
///
/// # Errors
/// [`Error::Unavailable`] if the database is unreachable or locked. [`Error::Internal`] for any other failure. No
/// product is stored.
pub async fn upsert(db: &DatabaseConnection, partner_id: &str, items: Vec<Item>) -> Result<Stored, Error> {
    let mut faults = Vec::new();
    let mut met: HashSet<String> = HashSet::new();
    let mut whole = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        match item.checked() {
            // The first valid product with an id is stored, whatever follows it.
            Ok(item) if !met.insert(item.id.clone()) => {
                faults.push((place, Fault::new("id", "duplicate value; only the first product with it is stored.")));
            }
            Ok(item) => whole.push((place, item)),
            Err(fault) => faults.push((place, fault)),
        }
    }
    if whole.is_empty() {
        return Ok(Stored { faults, ..Stored::default() });
    }
    let transaction = db::begin_write(db).await?;
    raise_version(&transaction, partner_id).await?;
    let Written { created, updated, refused } = write(&transaction, partner_id, whole).await?;
    transaction.commit().await?;
    faults.extend(refused.into_iter().map(|place| (place, full())));
    faults.sort_by_key(|(place, _)| *place);
    Ok(Stored { created, updated, faults })
}

/// The result of writing validated products.
pub struct Written<P> {
    pub created: u64,
    pub updated: u64,
    /// The positions of the products that were not written because the catalog is full.
    pub refused: Vec<P>,
}

/// Writes validated products with distinct ids, each given with its position in the input. Call [`raise_version`] first
/// in the same transaction.
///
/// # Errors
/// [`Error::Unavailable`] if the database is unreachable or locked. [`Error::Internal`] for any other failure.
pub async fn write<P>(
    transaction: &DatabaseTransaction,
    partner_id: &str,
    items: Vec<(P, Item)>,
) -> Result<Written<P>, Error> {
    let there = there(transaction, partner_id, items.iter().map(|(_, item)| item.id.as_str())).await?;
    let mut places = MOST_PRODUCTS.saturating_sub(of(partner_id).count(transaction).await?);
    let (mut rows, mut refused, mut created, mut updated) = (Vec::with_capacity(items.len()), Vec::new(), 0, 0);
    for (place, item) in items {
        if there.contains(&item.id) {
            updated += 1;
        } else if places > 0 {
            (places, created) = (places - 1, created + 1);
        } else {
            refused.push(place);
            continue;
        }
        rows.push(item.values(partner_id).map_err(Error::internal)?);
    }
    let columns = Item::COLUMNS.to_vec();
    let (key, update) = (&["partner_id", "product_id"], columns[2..].to_vec());
    Bulk { table: "products", columns, key, update }.write(transaction, rows).await?;
    Ok(Written { created, updated, refused })
}

/// The fault of a product that does not fit in a full catalog.
#[must_use]
pub fn full() -> Fault {
    Fault::new("id", format!("the limit of {MOST_PRODUCTS} products is reached; delete some first."))
}

/// Deletes the products of a partner that have one of these ids. Returns the number of deleted products.
pub async fn delete(db: &DatabaseConnection, partner_id: &str, ids: &[String]) -> Result<u64, Error> {
    if ids.is_empty() {
        return Ok(0);
    }
    let transaction = db::begin_write(db).await?;
    raise_version(&transaction, partner_id).await?;
    let deleted = product::Entity::delete_many()
        .filter(product::COLUMN.partner_id.eq(partner_id))
        .filter(product::COLUMN.product_id.is_in(ids))
        .exec(&transaction)
        .await?;
    // Without a change the new version is rolled back, because every server would reload the catalog.
    if deleted.rows_affected > 0 {
        transaction.commit().await?;
    }
    Ok(deleted.rows_affected)
}

/// Increments the version of a partner's catalog. The lock on the row blocks other changes of the catalog until the
/// transaction ends.
pub async fn raise_version(transaction: &DatabaseTransaction, partner_id: &str) -> Result<(), DbErr> {
    partner::Entity::update_many()
        .col_expr(partner::Column::CatalogVersion, Expr::col("catalog_version").add(1))
        .filter(partner::COLUMN.partner_id.eq(partner_id))
        .exec(transaction)
        .await?;
    Ok(())
}

/// The subset of `ids` that is stored.
async fn there<'a>(
    db: &impl ConnectionTrait,
    partner_id: &str,
    ids: impl Iterator<Item = &'a str>,
) -> Result<HashSet<String>, DbErr> {
    let mut there = HashSet::new();
    let ids: Vec<&str> = ids.collect();
    for ids in ids.chunks(1_000) {
        let found: Vec<String> = of(partner_id)
            .select_only()
            .column(product::Column::ProductId)
            .filter(product::COLUMN.product_id.is_in(ids.iter().copied()))
            .into_tuple()
            .all(db)
            .await?;
        there.extend(found);
    }
    Ok(there)
}

/// A query for the products of one partner. All queries for products start from it.
#[must_use]
pub fn of(partner_id: &str) -> sea_orm::Select<product::Entity> {
    product::Entity::find().filter(product::COLUMN.partner_id.eq(partner_id))
}
