//! Products in the database. Each change raises the catalog's version, so that every server sees it with its next
//! question.

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

/// What became of the products of one call.
#[derive(Debug, Default)]
pub struct Stored {
    pub created: u64,
    /// They were there before; their values are now those that were sent.
    pub updated: u64,
    /// By their place in the call.
    pub faults: Vec<(usize, Fault)>,
}

/// Stores a partner's products, and says which of them are not.
///
/// # Errors
/// As the database says; then none is stored.
pub async fn upsert(db: &DatabaseConnection, partner_id: &str, items: Vec<Item>) -> Result<Stored, Error> {
    let mut faults = Vec::new();
    let mut met: HashSet<String> = HashSet::new();
    let mut whole = Vec::new();
    for (place, item) in items.into_iter().enumerate() {
        match item.checked() {
            // The first one counts, so that the answer does not depend on how the rest fares.
            Ok(item) if !met.insert(item.id.clone()) => {
                faults.push((place, Fault::new("id", "stands twice in this call; the first one counts.")));
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

/// What became of checked products.
pub struct Written<P> {
    pub created: u64,
    pub updated: u64,
    /// Where those stood for which there is no place.
    pub refused: Vec<P>,
}

/// Writes checked products, none of them twice, each with the place where it stood. Call [`raise_version`] first in the
/// same transaction.
///
/// # Errors
/// As the database says.
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

/// A catalog that is full.
#[must_use]
pub fn full() -> Fault {
    Fault::new("id", format!("{MOST_PRODUCTS} products are stored; delete some first."))
}

/// Deletes those of a partner's products that have these ids; returns how many there were.
///
/// # Errors
/// As the database says.
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
    // What changed nothing is no new version: every server would read the catalog anew.
    if deleted.rows_affected > 0 {
        transaction.commit().await?;
    }
    Ok(deleted.rows_affected)
}

/// Raises the version of a partner's catalog, and holds back other changes of it until the transaction ends.
///
/// # Errors
/// As the database says.
pub async fn raise_version(transaction: &DatabaseTransaction, partner_id: &str) -> Result<(), DbErr> {
    partner::Entity::update_many()
        .col_expr(partner::Column::CatalogVersion, Expr::col("catalog_version").add(1))
        .filter(partner::COLUMN.partner_id.eq(partner_id))
        .exec(transaction)
        .await?;
    Ok(())
}

/// Those of these ids that are stored.
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

/// A partner's products: the only way to any.
#[must_use]
pub fn of(partner_id: &str) -> sea_orm::Select<product::Entity> {
    product::Entity::find().filter(product::COLUMN.partner_id.eq(partner_id))
}
