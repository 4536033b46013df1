//! The in-memory catalog of a partner: the products as states, ready for ranking.

use std::{cmp::Ordering, sync::Arc, time::Duration};

use moka::future::Cache;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter, QuerySelect};
use tokio::sync::Semaphore;

use super::{Resolved, item, store};
use crate::{
    entity::{partner, product},
    error::Error,
    math::Density,
};

/// The maximum number of cached products of all partners together; a product takes about 600 bytes.
const KEPT: u64 = 200_000;

/// The idle time after which a cached catalog is evicted. Outdated versions are evicted in the same way.
const IDLE: Duration = Duration::from_mins(10);

/// The part of a product that ranking needs.
#[derive(Debug)]
pub struct Shelved {
    pub id: String,
    pub category: Option<String>,
    pub rating: Option<f64>,
    pub resolved: Resolved,
}

/// A partner's products that have a state. Products without any known value are omitted.
#[derive(Debug, Default)]
pub struct Shelf(pub Vec<Shelved>);

impl Shelf {
    /// The indexes of the `first` best products for a segment with the density matrix `rho`, best first. Products are
    /// ordered by descending compatibility, then by descending rating (products without a rating last), then by id. If
    /// `category` is given, only products of that category are ranked.
    #[must_use]
    pub fn rank(&self, rho: &Density, category: Option<&str>, first: usize) -> Vec<usize> {
        let suits = |product: &Shelved| category.is_none_or(|own| product.category.as_deref() == Some(own));
        let products = self.0.iter().enumerate().filter(|(_, product)| suits(product));
        let mut ranked: Vec<(f64, usize)> =
            products.map(|(place, product)| (rho.compatibility(&product.resolved.product), place)).collect();
        let better = |a: &(f64, usize), b: &(f64, usize)| self.better(*a, *b);
        if first < ranked.len() {
            // Partition first: only the best `first` products need to be sorted.
            ranked.select_nth_unstable_by(first, better);
            ranked.truncate(first);
        }
        ranked.sort_unstable_by(better);
        ranked.into_iter().map(|(_, place)| place).collect()
    }

    fn better(&self, (score, place): (f64, usize), (other_score, other): (f64, usize)) -> Ordering {
        let (own, other) = (&self.0[place], &self.0[other]);
        let rating = |product: &Shelved| product.rating.unwrap_or(-1.0);
        other_score
            .total_cmp(&score)
            .then_with(|| rating(other).total_cmp(&rating(own)))
            .then_with(|| own.id.cmp(&other.id))
    }
}

/// Id, category, rating, price band, and the rest of the state, as stored.
type Row = (String, Option<String>, Option<f64>, Option<String>, String);

/// A cache of the catalogs of all partners, keyed by partner and catalog version.
pub struct Shelves {
    db: DatabaseConnection,
    kept: Cache<(String, i64), Arc<Shelf>>,
    /// Catalogs are loaded one at a time, so that a partner that changes a large catalog continuously uses at most one
    /// core.
    reading: Semaphore,
}

impl Shelves {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        let size = |_: &(String, i64), shelf: &Arc<Shelf>| u32::try_from(shelf.0.len().max(1)).unwrap_or(u32::MAX);
        Self {
            db,
            kept: Cache::builder().max_capacity(KEPT).weigher(size).time_to_idle(IDLE).build(),
            reading: Semaphore::new(1),
        }
    }

    /// The current catalog of a partner, from the cache or the database. Empty for an unknown partner.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database is unreachable. [`Error::Internal`] for any other failure.
    pub async fn of(&self, partner_id: &str) -> Result<Arc<Shelf>, Error> {
        let version: Option<i64> = partner::Entity::find()
            .select_only()
            .column(partner::Column::CatalogVersion)
            .filter(partner::COLUMN.partner_id.eq(partner_id))
            .into_tuple()
            .one(&self.db)
            .await?;
        // The rows are read after the version, so they are at least as new. A newer version is a new cache entry.
        let key = (partner_id.to_owned(), version.unwrap_or_default());
        self.kept.try_get_with(key, self.load(partner_id)).await.map_err(|cause| (*cause).clone())
    }

    async fn load(&self, partner_id: &str) -> Result<Arc<Shelf>, Error> {
        let _reading = self.reading.acquire().await.map_err(Error::internal)?;
        let rows: Vec<Row> = store::of(partner_id)
            .select_only()
            .columns([
                product::Column::ProductId,
                product::Column::Category,
                product::Column::Rating,
                product::Column::PriceRange,
                product::Column::Stated,
            ])
            .into_tuple()
            .all(&self.db)
            .await?;
        // Decoding a large catalog takes a fraction of a second, which must not block a thread that serves requests.
        let shelved = tokio::task::spawn_blocking(move || {
            let shelved = |(id, category, rating, price_range, stated): Row| {
                let state = item::state(price_range.as_deref(), &stated)?;
                Ok(state.resolve().map(|resolved| Shelved { id, category, rating, resolved }))
            };
            rows.into_iter().filter_map(|row| shelved(row).transpose()).collect::<serde_json::Result<_>>()
        });
        let shelved = shelved.await.map_err(Error::internal)?.map_err(Error::internal)?;
        Ok(Arc::new(Shelf(shelved)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalog::ProductState, math::person};

    fn shelved(id: &str, value: f64, rating: Option<f64>, category: &str) -> Shelved {
        let state = ProductState { value_orientation: Some(value), ..ProductState::default() };
        Shelved { id: id.to_owned(), category: Some(category.to_owned()), rating, resolved: state.resolve().unwrap() }
    }

    #[test]
    fn the_best_come_first_and_equals_by_rating_then_id() {
        let rho = Density::mixture(&[person(&[0.9; 12])]).unwrap();
        let shelf = Shelf(vec![
            shelved("d", 0.9, None, "x"),
            shelved("c", 0.9, Some(4.0), "x"),
            shelved("b", 0.9, Some(4.5), "y"),
            shelved("a", 0.9, Some(4.0), "x"),
            shelved("z", 0.2, Some(5.0), "x"),
        ]);
        let ids = |category, first| -> Vec<&str> {
            shelf.rank(&rho, category, first).into_iter().map(|place| shelf.0[place].id.as_str()).collect()
        };
        assert_eq!(ids(None, 10), ["b", "a", "c", "d", "z"]);
        assert_eq!(ids(None, 2), ["b", "a"]);
        assert_eq!(ids(Some("x"), 10), ["a", "c", "d", "z"]);
        assert!(ids(None, 0).is_empty() && ids(Some("none"), 3).is_empty());
    }
}
