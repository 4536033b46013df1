//! Changes of a partner's catalog in a mutation.

use std::collections::HashSet;

use sea_orm::DatabaseConnection;

use crate::{
    domain::{
        error::Error,
        product::{Product, ProductFault},
    },
    storage::{
        db, partners,
        products::{self, Written},
    },
};

/// The result of [`upsert`].
#[derive(Debug, Default)]
pub struct Uploaded {
    pub created: u64,
    /// Products that existed and were overwritten.
    pub updated: u64,
    /// The products that were not stored, by their index.
    pub faults: Vec<(usize, ProductFault)>,
}

/// Stores a partner's products and reports those that are not valid, are repeated, or exceed the limit. The version of
/// the catalog increases.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database fails; then no product is stored.
pub async fn upsert(db: &DatabaseConnection, partner_id: &str, products: Vec<Product>) -> Result<Uploaded, Error> {
    let mut faults = Vec::new();
    let mut ids: HashSet<String> = HashSet::new();
    let mut valid = Vec::new();
    for (index, product) in products.into_iter().enumerate() {
        match product.validated() {
            // The first one is stored, so that the result does not depend on what happens to the others.
            Ok(product) if !ids.insert(product.id.clone()) => {
                let message = "duplicate value; only the first product with it is stored.";
                faults.push((index, ProductFault::new("id", message)));
            }
            Ok(product) => valid.push((index, product)),
            Err(fault) => faults.push((index, fault)),
        }
    }
    if valid.is_empty() {
        return Ok(Uploaded { faults, ..Uploaded::default() });
    }
    let transaction = db::begin_write(db).await?;
    partners::increment_catalog_version(&transaction, partner_id).await?;
    let Written { created, updated, rejected } = products::write(&transaction, partner_id, valid).await?;
    transaction.commit().await?;
    faults.extend(rejected.into_iter().map(|index| (index, ProductFault::catalog_full())));
    faults.sort_by_key(|(index, _)| *index);
    Ok(Uploaded { created, updated, faults })
}
