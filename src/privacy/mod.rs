//! What may leave: charge -> engine sums -> noise -> store -> read back.
//!
//! One question is one release, whoever asks it and however often: the noise is drawn once and stored. Fresh noise
//! each time would average away.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::{DatabaseConnection, EntityTrait, ExprTrait, QueryFilter, sea_query::Expr};
use sha2::{Digest, Sha256};

pub mod bundles;
pub mod ledger;
pub mod noise;
mod release;

pub use bundles::Bundle;
pub use noise::{NoiseSource, OsNoise};
pub use release::{Exact, Outcome, Payload, Release, Released, Sums};

use crate::{
    clock::Clock,
    engine::{Engine, SumRequest},
    entity::privacy_release,
    epoch::{Epoch, Vocabulary, Window},
    error::Error,
    segment::Cohort,
};
use ledger::Wanted;

/// Seconds that a worker has to draw and store before another may take over.
const LEASE: i64 = 30;
/// How long a question waits for another worker's draw.
const PATIENCE: Duration = Duration::from_secs(8);

/// A question: one bundle of one cohort in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
}

impl Question {
    /// What identifies the release that answers it.
    #[must_use]
    pub fn release_key(&self) -> String {
        let text = format!(
            "{}\n{}\n{}\n{}\n{}",
            bundles::POLICY_VERSION,
            self.bundle.name(),
            self.window.epoch_id,
            self.window.length.days(),
            self.cohort.canonical()
        );
        hex::encode(Sha256::digest(text))
    }

    /// The size by which this question's means are divided.
    fn size(&self) -> Self {
        Self { bundle: Bundle::Size, ..self.clone() }
    }

    fn wanted(&self, vocabulary: &Vocabulary) -> Wanted {
        Wanted {
            release_key: self.release_key(),
            bundle: self.bundle,
            window: self.window,
            segment: self.cohort.canonical(),
            regions: self.cohort.regions_charged(vocabulary).into_iter().map(str::to_owned).collect(),
        }
    }
}

/// Answers questions; the only holder of exact sums.
pub struct Desk {
    db: DatabaseConnection,
    engine: Arc<dyn Engine>,
    noise: Arc<dyn NoiseSource>,
    clock: Arc<dyn Clock>,
    /// Stored releases never change, so a copy may be kept; the ledger still decides who may look.
    cache: Cache<String, Arc<Release>>,
    /// Payers and releases of charges that were read: a charge is never undone.
    charged: Cache<(String, String), ()>,
}

/// Answers in the order of the questions, and what the payer paid for them in milli-units.
pub struct Answers {
    pub released: HashMap<Question, Result<Released, Error>>,
    pub paid_mu: i64,
}

impl Desk {
    pub fn new(
        db: DatabaseConnection,
        engine: Arc<dyn Engine>,
        noise: Arc<dyn NoiseSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { db, engine, noise, clock, cache: Cache::new(10_000), charged: Cache::new(100_000) }
    }

    /// Answers all questions of a document, or refuses them whole.
    ///
    /// Sizes are charged and drawn first; the other bundles only for segments that pass the size rule.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] for all; a segment with too few people is an error of its questions alone.
    pub async fn answer(&self, payer: &str, epoch: &Epoch, questions: &[Question]) -> Result<Answers, Error> {
        let asked: BTreeMap<String, &Question> =
            questions.iter().map(|question| (question.release_key(), question)).collect();
        let sizes: BTreeMap<String, Question> =
            questions.iter().map(Question::size).map(|size| (size.release_key(), size)).collect();
        let mut others: BTreeMap<String, Question> = asked
            .iter()
            .filter(|(_, question)| question.bundle != Bundle::Size)
            .map(|(key, question)| (key.clone(), (*question).clone()))
            .collect();

        let all: Vec<String> = sizes.keys().chain(others.keys()).cloned().collect();
        let paid = self.paid(payer, all).await?;
        let unpaid = |questions: &BTreeMap<String, Question>| -> Vec<Wanted> {
            let unpaid = questions.iter().filter(|(key, _)| !paid.contains(*key));
            unpaid.map(|(_, question)| question.wanted(&epoch.vocabulary)).collect()
        };

        // What follows from a size that this payer has already seen fail is not wanted, so it need not fit.
        let seen = sizes.iter().filter(|(key, _)| paid.contains(*key)).collect();
        let seen = self.read(&seen).await?.into_iter().filter(|(_, size)| size.payload.is_none());
        let failed: HashSet<String> = seen.map(|(key, _)| key).collect();
        others.retain(|_, question| !failed.contains(&question.size().release_key()));

        let mut paid_mu = 0;
        let due = unpaid(&sizes);
        if !due.is_empty() {
            paid_mu += ledger::admit(&self.db, payer, &due, &unpaid(&others), self.clock.now()).await?;
        }
        let mut releases = self.releases(&sizes).await?;

        let passed = |size: &Question| {
            releases.get(&size.release_key()).is_some_and(|size: &Arc<Release>| size.payload.is_some())
        };
        others.retain(|_, question| passed(&question.size()));
        let due = unpaid(&others);
        if !due.is_empty() {
            paid_mu += ledger::admit(&self.db, payer, &due, &[], self.clock.now()).await?;
        }
        releases.extend(self.releases(&others).await?);

        let pair = |question: &Question| {
            let size = releases.get(&question.size().release_key()).ok_or_else(Error::below_threshold)?;
            let release = releases.get(&question.release_key()).ok_or_else(Error::below_threshold)?;
            Released::pair(Arc::clone(size), Arc::clone(release))
        };
        let released = asked.into_values().map(|question| (question.clone(), pair(question))).collect();
        Ok(Answers { released, paid_mu })
    }

    /// Which of these releases a payer has paid for.
    async fn paid(&self, payer: &str, releases: Vec<String>) -> Result<HashSet<String>, Error> {
        let entry = |key: &String| (payer.to_owned(), key.clone());
        let (mut paid, unknown): (HashSet<_>, HashSet<_>) =
            releases.into_iter().partition(|key| self.charged.contains_key(&entry(key)));
        let unknown: Vec<String> = unknown.into_iter().collect();
        if !unknown.is_empty() {
            let read = ledger::paid(&self.db, payer, &unknown).await?;
            for key in &read {
                self.charged.insert(entry(key), ());
            }
            paid.extend(read);
        }
        Ok(paid)
    }

    /// The stored releases that answer these questions; draws the ones that are still pending.
    async fn releases(&self, questions: &BTreeMap<String, Question>) -> Result<HashMap<String, Arc<Release>>, Error> {
        let mut found = HashMap::new();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            let missing: BTreeMap<&String, &Question> =
                questions.iter().filter(|(key, _)| !found.contains_key(*key)).collect();
            if missing.is_empty() {
                return Ok(found);
            }
            found.extend(self.read(&missing).await?);
            let pending: Vec<(&String, &Question)> =
                missing.into_iter().filter(|(key, _)| !found.contains_key(*key)).collect();
            if pending.is_empty() {
                return Ok(found);
            }
            if !self.draw(&pending).await? {
                // Another worker holds the lease of every pending one: its row will be ready in a moment.
                if tokio::time::Instant::now() > deadline {
                    return Err(Error::Unavailable);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Reads the rows that are no longer pending.
    async fn read(&self, questions: &BTreeMap<&String, &Question>) -> Result<Vec<(String, Arc<Release>)>, Error> {
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
        let rows = privacy_release::Entity::find()
            .filter(privacy_release::COLUMN.release_key.is_in(unread))
            .filter(privacy_release::COLUMN.status.ne("pending"))
            .all(&self.db)
            .await?;
        for row in rows {
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

    /// Draws and stores those of the pending releases whose lease is free; false if none was.
    async fn draw(&self, pending: &[(&String, &Question)]) -> Result<bool, Error> {
        let token = crate::auth::random_hex(16)?;
        let mut leased = Vec::new();
        for (key, question) in pending {
            if self.lease(key, &token).await? {
                leased.push(((*key).clone(), (*question).clone()));
            }
        }
        if leased.is_empty() {
            return Ok(false);
        }
        let requests: Vec<SumRequest> = leased
            .iter()
            .map(|(_, question)| SumRequest {
                cohort: Arc::clone(&question.cohort),
                window: question.window,
                bundle: question.bundle,
            })
            .collect();
        let sums = self.engine.sums(&requests).await?;
        let noise = Arc::clone(&self.noise);
        // Exact sampling is arithmetic on big integers: milliseconds that must not hold up the other requests.
        let outcomes = tokio::task::spawn_blocking(move || {
            let drawn = leased.into_iter().zip(sums).map(|((key, question), sums)| {
                let outcome = sums.publish(&key, question.bundle, noise.as_ref())?;
                Ok((key, outcome))
            });
            drawn.collect::<Result<Vec<_>, Error>>()
        })
        .await
        .map_err(Error::internal)??;
        for (key, outcome) in outcomes {
            self.store(&key, &token, outcome).await?;
        }
        Ok(true)
    }

    async fn lease(&self, key: &str, token: &str) -> Result<bool, Error> {
        let now = self.clock.now();
        let free = privacy_release::COLUMN.lease_until.is_null().or(Expr::col("lease_until").lt(now));
        let leased = privacy_release::Entity::update_many()
            .col_expr(privacy_release::Column::LeaseToken, Expr::value(token))
            .col_expr(privacy_release::Column::LeaseUntil, Expr::value(now + LEASE))
            .filter(privacy_release::COLUMN.release_key.eq(key))
            .filter(privacy_release::COLUMN.status.eq("pending"))
            .filter(free)
            .exec(&self.db)
            .await?;
        Ok(leased.rows_affected == 1)
    }

    async fn store(&self, key: &str, token: &str, outcome: Outcome) -> Result<(), Error> {
        let (status, payload) = match outcome {
            Outcome::Ready(payload) => ("ready", Some(serde_json::to_string(&payload).map_err(Error::internal)?)),
            Outcome::Suppressed => ("suppressed", None),
        };
        // A worker whose lease ran out stores nothing: whoever took over has drawn, and only one draw may be seen.
        privacy_release::Entity::update_many()
            .col_expr(privacy_release::Column::Status, Expr::value(status))
            .col_expr(privacy_release::Column::Payload, Expr::value(payload))
            .col_expr(privacy_release::Column::PublishedAt, Expr::value(self.clock.now()))
            .filter(privacy_release::COLUMN.release_key.eq(key))
            .filter(privacy_release::COLUMN.status.eq("pending"))
            .filter(privacy_release::COLUMN.lease_token.eq(token))
            .exec(&self.db)
            .await?;
        Ok(())
    }
}
