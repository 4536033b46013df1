//! Data loaders of one request: all segments of a document are read in one batch, and all its releases are answered in
//! one batch. Each loader belongs to one caller, so batches never mix partners.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use async_graphql::dataloader::Loader;
use sea_orm::DatabaseConnection;
use tracing::Instrument as _;

use crate::{
    domain::{
        epoch::Epoch,
        error::Error,
        segment::{SavedSegment, is_slug, most_similar},
    },
    privacy::{Question, ReleaseService, Released},
    storage::segments,
};

/// Loads releases of segments by question.
#[derive(Clone)]
pub struct ReleaseLoader {
    pub releases: Arc<ReleaseService>,
    /// The account that is charged.
    pub account: String,
    pub epoch: Arc<Epoch>,
    /// Privacy units charged to this request so far, in microunits; `None` for a test key, which is charged none.
    pub charged_microunits: Option<Arc<AtomicI64>>,
}

impl Loader<Question> for ReleaseLoader {
    type Value = Result<Released, Error>;
    type Error = Error;

    async fn load(&self, questions: &[Question]) -> Result<HashMap<Question, Self::Value>, Error> {
        let (loader, questions) = (self.clone(), questions.to_vec());
        // A separate task: if the client disconnects, noise for charged releases is still sampled and the result
        // stored.
        let answering = async move { loader.releases.answer(&loader.account, &loader.epoch, &questions).await };
        let answers = tokio::spawn(answering.in_current_span()).await.map_err(Error::internal)??;
        if let Some(charged) = &self.charged_microunits {
            charged.fetch_add(answers.charged_microunits, Ordering::Relaxed);
        }
        Ok(answers.released)
    }
}

/// Loads saved segments by slug, among those that a partner may see.
pub struct SegmentLoader {
    pub db: DatabaseConnection,
    pub partner_id: String,
}

impl Loader<String> for SegmentLoader {
    type Value = SavedSegment;
    type Error = Error;

    async fn load(&self, slugs: &[String]) -> Result<HashMap<String, SavedSegment>, Error> {
        let slugs = slugs.iter().map(String::as_str).filter(|slug| is_slug(slug)).collect();
        Ok(segments::find(&self.db, &self.partner_id, slugs).await?)
    }
}

impl SegmentLoader {
    /// Suggests slugs similar to `slug`, among the segments that the partner may see.
    ///
    /// # Errors
    /// [`Error::Unavailable`] or [`Error::Internal`] if the database fails.
    pub async fn suggestions(&self, slug: &str) -> Result<Vec<String>, Error> {
        let slugs = segments::slugs(&self.db, &self.partner_id).await?;
        Ok(most_similar(slug, slugs.iter().map(String::as_str)))
    }
}
