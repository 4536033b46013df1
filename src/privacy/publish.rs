//! Stored releases: read if they exist; otherwise computed with noise under a lease, stored, and then read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Bundle, Exact, NoiseSource as _, OsNoise, Outcome, Question, Release, Sums,
    accountant::ReleaseRequest,
    engine::SumRequest,
    service::{QuestionsByKey, ReleaseService},
};
use crate::{
    domain::{error::Error, mutant::Step, random::random_hex},
    storage::releases::{self, DecoyWrite, PublishedRelease},
};

/// The duration of a lease in seconds. After it another worker may take over the release.
const LEASE_S: i64 = 30;
/// The maximum number of releases that are computed and stored in one step. A request that times out keeps the steps
/// that are already stored. Without steps, a request that needs more releases than fit in its timeout would time out on
/// every retry.
const RELEASES_PER_STEP: usize = 24;
/// The timeout for a release that another worker is computing.
const LEASE_WAIT_TIMEOUT: Duration = Duration::from_secs(8);
/// How often it is checked whether the other worker has finished.
const LEASE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Questions with the keys of their releases.
type Keyed<'a> = (&'a String, &'a Question);

impl ReleaseService {
    /// The stored releases that answer these questions. Pending ones are computed and stored first.
    ///
    /// The releases in `first_views` are computed even if they are already stored, and the result is discarded: a first
    /// view takes the same time whether or not another key has requested the release before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if another worker does not finish a pending release within the timeout, or if the random
    /// number generator, the database or the epoch is unavailable.
    pub(super) async fn releases(
        &self,
        questions: &QuestionsByKey,
        first_views: &[ReleaseRequest],
    ) -> Result<HashMap<String, Arc<Release>>, Error> {
        let first_views: HashSet<&str> = first_views.iter().map(|request| request.release_key.as_str()).collect();
        let questions: Vec<Keyed> = questions.iter().collect();
        let mut found = HashMap::new();
        for step in questions.chunks(RELEASES_PER_STEP) {
            found.extend(self.releases_of_step(step, &first_views).await?);
        }
        Ok(found)
    }

    /// The same as [`ReleaseService::releases`], for at most [`RELEASES_PER_STEP`] releases.
    async fn releases_of_step(
        &self,
        questions: &[Keyed<'_>],
        first_views: &HashSet<&str>,
    ) -> Result<HashMap<String, Arc<Release>>, Error> {
        let mut found = HashMap::new();
        let mut first_round = Some(first_views);
        let deadline = Instant::now() + LEASE_WAIT_TIMEOUT;
        loop {
            let missing: BTreeMap<&String, &Question> =
                questions.iter().filter(|(key, _)| !found.contains_key(*key)).copied().collect();
            found.extend(self.read(&missing).await?);
            let pending: Vec<Keyed> = missing.into_iter().filter(|(key, _)| !found.contains_key(*key)).collect();
            let first_views = first_round.take();
            let is_decoy = |key: &String| {
                found.contains_key(key) && first_views.is_some_and(|first_views| first_views.contains(key.as_str()))
            };
            let decoys: Vec<&Question> =
                questions.iter().filter(|(key, _)| is_decoy(key)).map(|(_, question)| *question).collect();
            if pending.is_empty() && decoys.is_empty() {
                return Ok(found);
            }
            if !self.compute(&pending, &decoys).await? && !pending.is_empty() {
                // Another worker holds the lease of every pending release and is about to store it.
                if Instant::now() > deadline {
                    return Err(Error::Unavailable);
                }
                tokio::time::sleep(LEASE_POLL_INTERVAL).await;
            }
        }
    }

    /// Reads the releases that are no longer pending, from the cache or the database.
    pub(super) async fn read(
        &self,
        questions: &BTreeMap<&String, &Question>,
    ) -> Result<Vec<(String, Arc<Release>)>, Error> {
        let mut found = Vec::with_capacity(questions.len());
        let mut unread = Vec::new();
        for key in questions.keys() {
            match self.cache.get(*key) {
                Some(release) => found.push(((*key).clone(), release)),
                None => unread.push((*key).as_str()),
            }
        }
        if unread.is_empty() {
            return Ok(found);
        }
        for row in releases::load_published(&self.db, unread).await? {
            let Some(question) = questions.get(&row.release_key) else { continue };
            let payload = match row.payload {
                Some(text) => Some(serde_json::from_str(&text).map_err(Error::internal)?),
                None => None,
            };
            let release = Arc::new(Release {
                key: row.release_key.clone(),
                bundle: question.bundle,
                window: question.window,
                payload,
            });
            self.cache.insert(row.release_key.clone(), Arc::clone(&release));
            found.push((row.release_key, release));
        }
        Ok(found)
    }

    /// Computes and stores the pending releases whose lease is free. Returns false if there were none. The releases of
    /// `decoys` are stored already; they are computed as well, written to decoy rows, and discarded.
    async fn compute(&self, pending: &[Keyed<'_>], decoys: &[&Question]) -> Result<bool, Error> {
        let token = random_hex(16)?;
        let decoy_writes: Vec<DecoyWrite> =
            (0..).zip(decoys).map(|(number, question)| decoy_write(&token, number, question.bundle)).collect();
        let keys: Vec<&str> = pending.iter().map(|(key, _)| key.as_str()).collect();
        let now = self.clock.now();
        let free = releases::lease(&self.db, &keys, &decoy_writes, &token, now, now + LEASE_S).await?;
        let leased: Vec<Keyed> = pending.iter().filter(|(key, _)| free.contains(*key)).copied().collect();
        if leased.is_empty() && decoys.is_empty() {
            return Ok(false);
        }
        if !leased.is_empty() {
            Step::Leased.reach().await;
        }
        let questions = leased.iter().map(|(_, question)| *question).chain(decoys.iter().copied());
        let requests: Vec<SumRequest> = questions.map(SumRequest::from).collect();
        let sums = match self.engine.sums(&requests).await {
            // The engine fails for an epoch that has been deleted, but releases that are already stored stay available.
            Err(_) if leased.is_empty() => {
                self.store(&token, Vec::new(), decoy_writes).await?;
                return Ok(false);
            }
            sums => sums?,
        };
        let keys = leased.iter().map(|(key, question)| ((*key).clone(), question.bundle)).collect();
        let decoys = decoys.iter().map(|question| question.bundle).collect();
        let published = self.add_noise(keys, sums, decoys).await?;
        let stored = !published.is_empty();
        if stored {
            Step::Sampled.reach().await;
        }
        self.store(&token, published, decoy_writes).await?;
        if stored {
            Step::Stored.reach().await;
        }
        Ok(stored)
    }

    /// Adds noise to the sums of `keys`, which come first in `sums`, and samples noise for the decoys.
    async fn add_noise(
        &self,
        keys: Vec<(String, Bundle)>,
        sums: Vec<Exact<Sums>>,
        decoys: Vec<Bundle>,
    ) -> Result<Vec<PublishedRelease>, Error> {
        let noise = Arc::clone(&self.noise);
        // Exact sampling is arithmetic on big integers. It takes milliseconds, which must not block other requests.
        let sampling = tokio::task::spawn_blocking(move || {
            for bundle in decoys {
                OsNoise.sample("", bundle)?;
            }
            let published = keys.into_iter().zip(sums).map(|((release_key, bundle), sums)| {
                let payload = match sums.publish(&release_key, bundle, noise.as_ref())? {
                    Outcome::Ready(payload) => Some(serde_json::to_string(&payload).map_err(Error::internal)?),
                    Outcome::Suppressed => None,
                };
                Ok(PublishedRelease { release_key, payload })
            });
            published.collect()
        });
        sampling.await.map_err(Error::internal)?
    }

    /// Stores the releases and fills the decoy rows. The decoy rows are deleted in the background, so that the deletion
    /// does not delay the response.
    async fn store(&self, token: &str, published: Vec<PublishedRelease>, decoys: Vec<DecoyWrite>) -> Result<(), Error> {
        releases::publish(&self.db, published, &decoys, token, self.clock.now()).await?;
        if !decoys.is_empty() {
            let (db, keys) = (self.db.clone(), decoys.into_iter().map(|decoy| decoy.key).collect());
            tokio::spawn(async move {
                if let Err(cause) = releases::delete_decoys(&db, keys).await {
                    tracing::warn!(%cause, "cannot delete decoy rows");
                }
            });
        }
        Ok(())
    }
}

impl From<&Question> for SumRequest {
    fn from(question: &Question) -> Self {
        Self { cohort: Arc::clone(&question.cohort), window: question.window, bundle: question.bundle }
    }
}

fn decoy_write(token: &str, number: usize, bundle: Bundle) -> DecoyWrite {
    // A noisy sum has about eight digits, so the decoy payload is about as long as a real one.
    DecoyWrite { key: format!("{token}-{number}"), payload: "00000000,".repeat(bundle.width()) }
}
