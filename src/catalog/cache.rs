//! The in-memory catalog of a partner: the products as states, ready for ranking.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use moka::future::Cache;
use personality_math::Density;
use sea_orm::DatabaseConnection;
use tokio::sync::Semaphore;

use crate::{
    domain::{error::Error, product_state::Resolved},
    storage::{
        partners,
        products::{self, RankingRow, parse_state},
    },
};

/// The maximum number of cached products of all partners together; a product takes about 600 bytes.
const CACHE_CAPACITY: u64 = 200_000;

/// The idle time after which a cached catalog is evicted. Outdated versions are evicted in the same way.
const CACHE_IDLE_TIME: Duration = Duration::from_mins(10);

/// The part of a product that ranking needs.
#[derive(Clone, Debug)]
pub struct RankedProduct {
    pub id: String,
    pub category: Option<String>,
    pub rating: Option<f64>,
    pub resolved: Resolved,
}

/// A partner's products that have a state. Products without any known value are omitted.
#[derive(Debug, Default)]
pub struct RankedCatalog(pub Vec<RankedProduct>);

impl RankedCatalog {
    /// The number of products that can be ranked; with `category`, of that category only.
    #[must_use]
    pub fn count(&self, category: Option<&str>) -> usize {
        self.0.iter().filter(|product| category.is_none_or(|own| product.category.as_deref() == Some(own))).count()
    }

    /// The `first` best products for a segment with the density matrix `rho`, best first. Products are ordered by
    /// descending compatibility, then by descending rating (products without a rating last), then by id. If `category`
    /// is given, only products of that category are ranked.
    #[must_use]
    pub fn rank(&self, rho: &Density, category: Option<&str>, first: usize) -> Vec<&RankedProduct> {
        let is_in = |product: &&RankedProduct| category.is_none_or(|own| product.category.as_deref() == Some(own));
        let products = self.0.iter().filter(is_in);
        let mut ranked: Vec<(f64, &RankedProduct)> =
            products.map(|product| (rho.compatibility(&product.resolved.vector), product)).collect();
        if first < ranked.len() {
            // Partition first: only the best `first` products need to be sorted.
            ranked.select_nth_unstable_by(first, better_first);
            ranked.truncate(first);
        }
        ranked.sort_unstable_by(better_first);
        ranked.into_iter().map(|(_, product)| product).collect()
    }
}

fn better_first(a: &(f64, &RankedProduct), b: &(f64, &RankedProduct)) -> Ordering {
    let rating = |product: &RankedProduct| product.rating.unwrap_or(-1.0);
    b.0.total_cmp(&a.0).then_with(|| rating(b.1).total_cmp(&rating(a.1))).then_with(|| a.1.id.cmp(&b.1.id))
}

/// A cache of the catalogs of all partners, keyed by partner and catalog version.
pub struct CatalogCache {
    db: DatabaseConnection,
    catalogs: Cache<(String, i64), Arc<RankedCatalog>>,
    /// Catalogs are loaded one at a time, so that a partner that changes a large catalog continuously uses at most one
    /// core.
    loading: Semaphore,
}

impl CatalogCache {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        let size =
            |_: &(String, i64), catalog: &Arc<RankedCatalog>| u32::try_from(catalog.0.len().max(1)).unwrap_or(u32::MAX);
        Self {
            db,
            catalogs: Cache::builder().max_capacity(CACHE_CAPACITY).weigher(size).time_to_idle(CACHE_IDLE_TIME).build(),
            loading: Semaphore::new(1),
        }
    }

    /// The current catalog of a partner, from the cache or the database. Empty for an unknown partner.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database is unreachable. [`Error::Internal`] for any other failure.
    pub async fn find(&self, partner_id: &str) -> Result<Arc<RankedCatalog>, Error> {
        // The rows are read after the version, so they are at least as new. A newer version is a new cache entry.
        let key = (partner_id.to_owned(), partners::catalog_version(&self.db, partner_id).await?);
        self.catalogs.try_get_with(key, self.load(partner_id)).await.map_err(|cause| (*cause).clone())
    }

    async fn load(&self, partner_id: &str) -> Result<Arc<RankedCatalog>, Error> {
        let _loading = self.loading.acquire().await.map_err(Error::internal)?;
        let rows = products::load_for_ranking(&self.db, partner_id).await?;
        // Decoding a large catalog takes a fraction of a second, which must not block a thread that serves requests.
        let products = tokio::task::spawn_blocking(move || {
            rows.into_iter().filter_map(|row| ranked(row).transpose()).collect::<serde_json::Result<_>>()
        });
        let products = products.await.map_err(Error::internal)?.map_err(Error::internal)?;
        Ok(Arc::new(RankedCatalog(products)))
    }
}

fn ranked(row: RankingRow) -> serde_json::Result<Option<RankedProduct>> {
    let state = parse_state(row.price_range.as_deref(), &row.stated)?;
    let RankingRow { id, category, rating, .. } = row;
    Ok(state.resolve().map(|resolved| RankedProduct { id, category, rating, resolved }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::product_state::ProductState;
    use personality_math::person;

    fn product(id: &str, value: f64, rating: Option<f64>, category: &str) -> RankedProduct {
        let state = ProductState { value_orientation: Some(value), ..ProductState::default() };
        RankedProduct {
            id: id.to_owned(),
            category: Some(category.to_owned()),
            rating,
            resolved: state.resolve().unwrap(),
        }
    }

    #[test]
    fn the_best_come_first_and_equals_by_rating_then_id() {
        let rho = Density::mixture(&[person(&[0.9; 12])]).unwrap();
        let catalog = RankedCatalog(vec![
            product("d", 0.9, None, "x"),
            product("c", 0.9, Some(4.0), "x"),
            product("b", 0.9, Some(4.5), "y"),
            product("a", 0.9, Some(4.0), "x"),
            product("z", 0.2, Some(5.0), "x"),
        ]);
        let ids = |category, first| -> Vec<&str> {
            catalog.rank(&rho, category, first).into_iter().map(|product| product.id.as_str()).collect()
        };
        assert_eq!(ids(None, 10), ["b", "a", "c", "d", "z"]);
        assert_eq!(ids(None, 2), ["b", "a"]);
        assert_eq!(ids(Some("x"), 10), ["a", "c", "d", "z"]);
        assert!(ids(None, 0).is_empty() && ids(Some("none"), 3).is_empty());
    }
}
