//! The best products of a partner for a segment.

use std::{collections::HashMap, sync::Arc};

use sea_orm::DatabaseConnection;

use super::{RankedCatalog, RankedProduct};
use crate::{
    domain::{error::Error, product::Product, product_state::Resolved},
    statistics::mixture::Mixture,
    storage::products,
};

/// A ranked product with its data.
pub struct Ranked {
    pub product: Product,
    pub resolved: Resolved,
}

/// The `first` best products for a segment, of a category or of all (`None`), best first.
///
/// # Errors
/// [`Error::Internal`] if the computation fails.
pub async fn rank(
    catalog: Arc<RankedCatalog>,
    mixture: &Arc<Mixture>,
    category: Option<String>,
    first: usize,
) -> Result<Vec<RankedProduct>, Error> {
    let mixture = Arc::clone(mixture);
    // Ranking takes about a millisecond for 10,000 products, and a catalog may hold 100,000, so it runs on a blocking
    // thread.
    tokio::task::spawn_blocking(move || {
        catalog.rank(mixture.rho(), category.as_deref(), first).into_iter().cloned().collect()
    })
    .await
    .map_err(Error::internal)
}

/// Loads the data of ranked products, in their order. Products that were deleted after the ranking was loaded are
/// omitted.
///
/// # Errors
/// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
pub async fn load(db: &DatabaseConnection, partner_id: &str, ranked: Vec<RankedProduct>) -> Result<Vec<Ranked>, Error> {
    let ids = ranked.iter().map(|product| product.id.as_str()).collect();
    let products = products::find(db, partner_id, ids).await?;
    let mut products: HashMap<String, Product> =
        products.into_iter().map(|product| (product.id.clone(), product)).collect();
    let ranked = ranked
        .into_iter()
        .filter_map(|RankedProduct { id, resolved, .. }| Some(Ranked { product: products.remove(&id)?, resolved }));
    Ok(ranked.collect())
}
