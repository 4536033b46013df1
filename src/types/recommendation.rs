//! The partner's own products, ranked for a segment.

use std::{collections::HashMap, sync::Arc};

use async_graphql::SimpleObject;
use sea_orm::QueryFilter as _;

use super::{
    measure::{Measure, Scale},
    mixture::reasons,
    product::Product,
    release::Release,
};
use crate::{
    catalog::{Shelved, Source, store},
    entity::product,
    error::Error,
    math,
    mixture::Mixture,
    privacy::Released,
    session::Session,
};

/// A product of the partner's own catalog, with its compatibility with a segment.
#[derive(SimpleObject)]
pub struct Recommendation {
    /// The product.
    product: Product,
    /// Compatibility with the people of the segment, 0 to 1, in the dimensions that the product states.
    score: Measure,
    /// The compatibility by the kind of input that determined the dimensions.
    breakdown: Breakdown,
    /// The dimensions that contribute most and least to the score, as sentences.
    reasons: Vec<String>,
    /// The release of the segment that the numbers come from.
    release: Release,
}

/// The compatibility in the dimensions that one kind of input determined. Null if that kind determined no dimension.
#[derive(SimpleObject)]
pub struct Breakdown {
    /// In the dimensions determined by the styles.
    style: Option<Measure>,
    /// In the dimensions determined by the price band.
    price: Option<Measure>,
    /// In the dimensions determined by the features.
    feature: Option<Measure>,
    /// In the dimensions determined by numbers and attributes.
    personality: Option<Measure>,
}

impl Recommendation {
    fn new(mixture: &Mixture, released: &Released, shelved: &Shelved, product: product::Model) -> Self {
        let resolved = &shelved.resolved;
        let measure = |product: &math::Product| Scale::OVERLAP.measure(mixture.compatibility(product));
        let by = |source| resolved.only(source).map(|product| measure(&product));
        Self {
            product: product.into(),
            score: measure(&resolved.product),
            breakdown: Breakdown {
                style: by(Source::Style),
                price: by(Source::Price),
                feature: by(Source::Feature),
                personality: by(Source::Personality),
            },
            reasons: reasons(mixture.rho(), &resolved.product),
            release: released.release.as_ref().into(),
        }
    }
}

/// Ranks the caller's products of a category (of all categories, if `None`) and loads the first `first` of them.
///
/// # Errors
/// [`Error::Unavailable`] if the database cannot be reached or is locked, [`Error::Internal`] if a query fails or a
/// stored product is damaged.
pub async fn recommend(
    session: &Session,
    released: &Released,
    category: Option<String>,
    first: usize,
) -> Result<Vec<Recommendation>, Error> {
    let shelf = session.shelf().await?;
    let mixture = Arc::new(Mixture::of(released));
    let (ranked, rho) = (Arc::clone(&shelf), Arc::clone(&mixture));
    // Ranking takes about a millisecond for 10,000 products, and a catalog may hold 100,000, so it runs on a blocking
    // thread.
    let best = tokio::task::spawn_blocking(move || ranked.rank(rho.rho(), category.as_deref(), first))
        .await
        .map_err(Error::internal)?;
    let best: Vec<&Shelved> = best.into_iter().map(|place| &shelf.0[place]).collect();
    let rows = store::of(&session.caller.partner_id)
        .filter(product::COLUMN.product_id.is_in(best.iter().map(|shelved| shelved.id.as_str())))
        .all(&session.state.db)
        .await?;
    let mut rows: HashMap<String, product::Model> = rows.into_iter().map(|row| (row.product_id.clone(), row)).collect();
    // A product that was deleted after the ranking was loaded is omitted.
    let shown = best.into_iter().filter_map(|shelved| Some((shelved, rows.remove(&shelved.id)?)));
    Ok(shown.map(|(shelved, row)| Recommendation::new(&mixture, released, shelved, row)).collect())
}
