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

/// A product of the caller's own catalog and how well it suits a segment.
#[derive(SimpleObject)]
pub struct Recommendation {
    /// The product.
    product: Product,
    /// Its compatibility with the people of the segment, in the dimensions that it states.
    score: Measure,
    /// The same by what decided the dimensions.
    breakdown: Breakdown,
    /// What carries the score most and least, in words.
    reasons: Vec<String>,
    /// Where the segment's part of it comes from.
    release: Release,
}

/// The compatibility in the dimensions that were decided by one kind of what the product states; null where that kind
/// decided none.
#[derive(SimpleObject)]
pub struct Breakdown {
    /// By its styles.
    style: Option<Measure>,
    /// By its price band.
    price: Option<Measure>,
    /// By its features.
    feature: Option<Measure>,
    /// By dimensions given as numbers, and attributes.
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

/// Ranks the caller's products and reads those that are shown.
///
/// # Errors
/// As the database says.
pub async fn recommend(
    session: &Session,
    released: &Released,
    category: Option<String>,
    first: usize,
) -> Result<Vec<Recommendation>, Error> {
    let shelf = session.shelf().await?;
    let mixture = Arc::new(Mixture::of(released));
    let (ranked, rho) = (Arc::clone(&shelf), Arc::clone(&mixture));
    // Some milliseconds for 10,000 products, and there may be ten times as many.
    let best = tokio::task::spawn_blocking(move || ranked.rank(rho.rho(), category.as_deref(), first))
        .await
        .map_err(Error::internal)?;
    let best: Vec<&Shelved> = best.into_iter().map(|place| &shelf.0[place]).collect();
    let rows = store::of(&session.caller.partner_id)
        .filter(product::COLUMN.product_id.is_in(best.iter().map(|shelved| shelved.id.as_str())))
        .all(&session.state.db)
        .await?;
    let mut rows: HashMap<String, product::Model> = rows.into_iter().map(|row| (row.product_id.clone(), row)).collect();
    // One that was deleted a moment ago is left out.
    let shown = best.into_iter().filter_map(|shelved| Some((shelved, rows.remove(&shelved.id)?)));
    Ok(shown.map(|(shelved, row)| Recommendation::new(&mixture, released, shelved, row)).collect())
}
