//! A partner's products as states, ready to be ranked.

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

/// Products that are kept in memory, of all partners together; each takes some 600 bytes.
const KEPT: u64 = 200_000;

/// A catalog that nobody asks for so long is read again when somebody does; so are versions that are gone.
const IDLE: Duration = Duration::from_mins(10);

/// A product on the shelf: what ranking needs of it.
#[derive(Debug)]
pub struct Shelved {
    pub id: String,
    pub category: Option<String>,
    pub rating: Option<f64>,
    pub resolved: Resolved,
}

/// A partner's products that state something, by id.
#[derive(Debug, Default)]
pub struct Shelf(pub Vec<Shelved>);

impl Shelf {
    /// The places of the best products for the people of a mixture, best first: by compatibility, of equals the better
    /// rated (unrated ones last), then by id.
    #[must_use]
    pub fn rank(&self, rho: &Density, category: Option<&str>, first: usize) -> Vec<usize> {
        let suits = |product: &Shelved| category.is_none_or(|own| product.category.as_deref() == Some(own));
        let products = self.0.iter().enumerate().filter(|(_, product)| suits(product));
        let mut ranked: Vec<(f64, usize)> =
            products.map(|(place, product)| (rho.compatibility(&product.resolved.product), place)).collect();
        let better = |a: &(f64, usize), b: &(f64, usize)| self.better(*a, *b);
        if first < ranked.len() {
            // All of the best before any of the rest; only they need an order.
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

/// Id, category, rating, price band and what else is stated, as stored.
type Row = (String, Option<String>, Option<f64>, Option<String>, String);

/// The shelves of all partners, each as of the newest version of its catalog.
pub struct Shelves {
    db: DatabaseConnection,
    kept: Cache<(String, i64), Arc<Shelf>>,
    /// Catalogs are read one at a time: a partner who changes a large one all the time takes one core at most.
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

    /// A partner's shelf.
    ///
    /// # Errors
    /// As the database says.
    pub async fn of(&self, partner_id: &str) -> Result<Arc<Shelf>, Error> {
        let version: Option<i64> = partner::Entity::find()
            .select_only()
            .column(partner::Column::CatalogVersion)
            .filter(partner::COLUMN.partner_id.eq(partner_id))
            .into_tuple()
            .one(&self.db)
            .await?;
        // Rows that are read after the version are as new or newer; a newer version is read again.
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
        // A large catalog takes a part of a second to read: not on a thread that serves others.
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
