//! Data loaders of one request: all segments of a document are read in one batch, and all its releases are answered in
//! one batch.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use sea_orm::{Condition, EntityTrait, QueryFilter, QuerySelect};

use crate::{
    auth::Caller,
    entity::market_segment,
    epoch::Epoch,
    error::Error,
    privacy::{Question, Released},
    segment::{self, is_slug},
    state::State,
};
use tracing::Instrument as _;

/// Loads segments and releases for one request. Each loader belongs to one caller, so batches never mix partners.
#[derive(Clone)]
pub struct Loader {
    pub state: State,
    pub caller: Caller,
    pub epoch: Arc<Epoch>,
    /// Privacy units charged to this request so far, in milliunits.
    pub paid_mu: Arc<AtomicI64>,
}

/// The slug of a saved segment, as a key of the loader.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SavedAs(pub String);

impl async_graphql::dataloader::Loader<Question> for Loader {
    type Value = Result<Released, Error>;
    type Error = Error;

    async fn load(&self, questions: &[Question]) -> Result<HashMap<Question, Self::Value>, Error> {
        let (loader, questions) = (self.clone(), questions.to_vec());
        // A separate task: if the client disconnects, noise for charged releases is still sampled and the result
        // stored.
        let answering =
            async move { loader.state.desk.answer(&loader.caller.account, &loader.epoch, &questions).await };
        let answers = tokio::spawn(answering.in_current_span()).await.map_err(Error::internal)??;
        self.paid_mu.fetch_add(answers.paid_mu, Ordering::Relaxed);
        Ok(answers.released)
    }
}

impl async_graphql::dataloader::Loader<SavedAs> for Loader {
    type Value = market_segment::Model;
    type Error = Error;

    async fn load(&self, slugs: &[SavedAs]) -> Result<HashMap<SavedAs, Self::Value>, Error> {
        let slugs: HashSet<&str> =
            slugs.iter().map(|SavedAs(slug)| slug.as_str()).filter(|slug| is_slug(slug)).collect();
        let rows = market_segment::Entity::find()
            .filter(visible_to(&self.caller.partner_id))
            .filter(market_segment::COLUMN.slug.is_in(slugs))
            .all(&self.state.db)
            .await?;
        let mut found: HashMap<SavedAs, market_segment::Model> = HashMap::new();
        for row in rows {
            // A partner's own segment takes precedence over a shared one with the same slug.
            let slug = SavedAs(row.slug.clone());
            if row.partner_id.is_some() || !found.contains_key(&slug) {
                found.insert(slug, row);
            }
        }
        Ok(found)
    }
}

impl Loader {
    /// Suggests slugs similar to `slug`, among the segments that the caller may see (at most 1,000 are compared).
    pub async fn suggestions(&self, slug: &str) -> Result<Vec<String>, Error> {
        let slugs: Vec<String> = market_segment::Entity::find()
            .select_only()
            .column(market_segment::Column::Slug)
            .filter(visible_to(&self.caller.partner_id))
            .limit(1_000)
            .into_tuple()
            .all(&self.state.db)
            .await?;
        Ok(segment::nearest(slug, slugs.iter().map(String::as_str)))
    }
}

/// The condition for segments that a partner may see: shared ones and its own.
#[must_use]
pub fn visible_to(partner_id: &str) -> Condition {
    Condition::any()
        .add(market_segment::COLUMN.partner_id.is_null())
        .add(market_segment::COLUMN.partner_id.eq(partner_id))
}
