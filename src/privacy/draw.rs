//! Stored releases: read if they exist; otherwise computed with noise under a lease, stored, and then read.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use sea_orm::{ActiveValue::Set, EntityTrait, ExprTrait, QueryFilter, QuerySelect, sea_query::Expr};
use tokio::time::Instant;

use super::{Bundle, Desk, Keyed, NoiseSource as _, OsNoise, Outcome, Question, Release, ledger::Wanted};
use crate::{
    auth::random_hex,
    db,
    engine::SumRequest,
    entity::{privacy_rehearsal, privacy_release},
    error::Error,
    mutant::Step,
};

/// The duration of a lease in seconds. After it another worker may take over the release.
const LEASE: i64 = 30;
/// The maximum number of releases that are computed and stored in one step. A request that times out keeps the steps
/// that are already stored. Without steps, a request that needs more releases than fit in its timeout would time out on
/// every retry.
const AT_ONCE: usize = 24;
/// The timeout for a release that another worker is computing.
const PATIENCE: Duration = Duration::from_secs(8);

impl Desk {
    /// The stored releases that answer these questions. Pending ones are computed and stored first.
    ///
    /// Releases in `due` are computed even if they are already stored, and the result is discarded: a first view takes
    /// the same time whether or not another key has requested the release before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if another worker does not finish a pending release within the timeout, or if the random
    /// number generator, the database or the epoch is unavailable.
    pub(super) async fn releases(
        &self,
        questions: &Keyed,
        due: &[Wanted],
    ) -> Result<HashMap<String, Arc<Release>>, Error> {
        let due: HashSet<&str> = due.iter().map(|wanted| wanted.release_key.as_str()).collect();
        let questions: Vec<(&String, &Question)> = questions.iter().collect();
        let mut found = HashMap::new();
        for step in questions.chunks(AT_ONCE) {
            found.extend(self.releases_of(step, &due).await?);
        }
        Ok(found)
    }

    /// The same as [`Desk::releases`], for one step of at most [`AT_ONCE`] releases.
    async fn releases_of(
        &self,
        questions: &[(&String, &Question)],
        due: &HashSet<&str>,
    ) -> Result<HashMap<String, Arc<Release>>, Error> {
        let mut found = HashMap::new();
        let mut first_round = Some(due);
        let deadline = Instant::now() + PATIENCE;
        loop {
            let missing: BTreeMap<&String, &Question> =
                questions.iter().filter(|(key, _)| !found.contains_key(*key)).copied().collect();
            found.extend(self.read(&missing).await?);
            let pending: Vec<(&String, &Question)> =
                missing.into_iter().filter(|(key, _)| !found.contains_key(*key)).collect();
            let due = first_round.take();
            let idle: Vec<&Question> = questions
                .iter()
                .filter(|(key, _)| found.contains_key(*key) && due.is_some_and(|due| due.contains(key.as_str())))
                .map(|(_, question)| *question)
                .collect();
            if pending.is_empty() && idle.is_empty() {
                return Ok(found);
            }
            if !self.draw(&pending, &idle).await? && !pending.is_empty() {
                // Another worker holds the lease of every pending release and is about to store it.
                if Instant::now() > deadline {
                    return Err(Error::Unavailable);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
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

    /// Computes and stores the pending releases whose lease is free. Returns false if there were none. The `idle`
    /// questions, whose releases are already stored, are computed as well and discarded.
    async fn draw(&self, pending: &[(&String, &Question)], idle: &[&Question]) -> Result<bool, Error> {
        let token = random_hex(16)?;
        let rehearsed: Vec<(String, Bundle)> =
            (0..).zip(idle).map(|(number, question)| (format!("{token}-{number}"), question.bundle)).collect();
        let free = self.lease(pending, &rehearsed, &token).await?;
        let leased: Vec<(&String, &Question)> =
            pending.iter().filter(|(key, _)| free.contains(*key)).copied().collect();
        if leased.is_empty() && idle.is_empty() {
            return Ok(false);
        }
        if !leased.is_empty() {
            Step::Leased.reach().await;
        }
        let requests: Vec<SumRequest> = leased
            .iter()
            .map(|(_, question)| *question)
            .chain(idle.iter().copied())
            .map(|question| SumRequest {
                cohort: Arc::clone(&question.cohort),
                window: question.window,
                bundle: question.bundle,
            })
            .collect();
        let sums = match self.engine.sums(&requests).await {
            // The engine fails for an epoch that has been deleted, but releases that are already stored stay available.
            Err(_) if leased.is_empty() => {
                self.store(&token, Vec::new(), rehearsed).await?;
                return Ok(false);
            }
            sums => sums?,
        };
        let noise = Arc::clone(&self.noise);
        let keys: Vec<(String, Bundle)> =
            leased.iter().map(|(key, question)| ((*key).clone(), question.bundle)).collect();
        let idle: Vec<Bundle> = idle.iter().map(|question| question.bundle).collect();
        // Exact sampling is arithmetic on big integers. It takes milliseconds, which must not block other requests.
        let outcomes = tokio::task::spawn_blocking(move || {
            for bundle in idle {
                OsNoise.draw("", bundle)?;
            }
            let drawn = keys.into_iter().zip(sums).map(|((key, bundle), sums)| {
                let outcome = sums.publish(&key, bundle, noise.as_ref())?;
                Ok((key, outcome))
            });
            drawn.collect::<Result<Vec<_>, Error>>()
        })
        .await
        .map_err(Error::internal)??;
        let stored = !outcomes.is_empty();
        if stored {
            Step::Drawn.reach().await;
        }
        self.store(&token, outcomes, rehearsed).await?;
        if stored {
            Step::Stored.reach().await;
        }
        Ok(stored)
    }

    /// Acquires the free leases and returns their release keys. Inserts a decoy row for each release in `rehearsed`, so
    /// that a decoy causes the same writes.
    ///
    /// One transaction covers all releases of a step, as in [`Desk::store`]. With one commit per release, computing
    /// many releases would take measurably longer than viewing many stored ones.
    async fn lease(
        &self,
        pending: &[(&String, &Question)],
        rehearsed: &[(String, Bundle)],
        token: &str,
    ) -> Result<HashSet<String>, Error> {
        let now = self.clock.now();
        let keys = || pending.iter().map(|(key, _)| key.as_str());
        let transaction = db::begin_write(&self.db).await?;
        let free = privacy_release::COLUMN.lease_until.is_null().or(Expr::col("lease_until").lt(now));
        privacy_release::Entity::update_many()
            .col_expr(privacy_release::Column::LeaseToken, Expr::value(token))
            .col_expr(privacy_release::Column::LeaseUntil, Expr::value(now + LEASE))
            .filter(privacy_release::COLUMN.release_key.is_in(keys()))
            .filter(privacy_release::COLUMN.status.eq("pending"))
            .filter(free)
            .exec(&transaction)
            .await?;
        let leased: Vec<String> = privacy_release::Entity::find()
            .select_only()
            .column(privacy_release::Column::ReleaseKey)
            .filter(privacy_release::COLUMN.release_key.is_in(keys()))
            .filter(privacy_release::COLUMN.lease_token.eq(token))
            .into_tuple()
            .all(&transaction)
            .await?;
        let rows = rehearsed.iter().map(|(key, _)| privacy_rehearsal::ActiveModel {
            release_key: Set(key.clone()),
            payload: Set(String::new()),
        });
        if !rehearsed.is_empty() {
            privacy_rehearsal::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
        }
        transaction.commit().await?;
        Ok(leased.into_iter().collect())
    }

    /// Stores the outcomes. Updates the decoy rows in the same transaction, and deletes them in the background.
    async fn store(
        &self,
        token: &str,
        outcomes: Vec<(String, Outcome)>,
        rehearsed: Vec<(String, Bundle)>,
    ) -> Result<(), Error> {
        let transaction = db::begin_write(&self.db).await?;
        for (key, outcome) in outcomes {
            let (status, payload) = match outcome {
                Outcome::Ready(payload) => ("ready", Some(serde_json::to_string(&payload).map_err(Error::internal)?)),
                Outcome::Suppressed => ("suppressed", None),
            };
            // A worker whose lease was taken over stores nothing: the new worker has sampled its own noise, and only
            // one sample may be published.
            privacy_release::Entity::update_many()
                .col_expr(privacy_release::Column::Status, Expr::value(status))
                .col_expr(privacy_release::Column::Payload, Expr::value(payload))
                .col_expr(privacy_release::Column::PublishedAt, Expr::value(self.clock.now()))
                .filter(privacy_release::COLUMN.release_key.eq(key))
                .filter(privacy_release::COLUMN.status.eq("pending"))
                .filter(privacy_release::COLUMN.lease_token.eq(token))
                .exec(&transaction)
                .await?;
        }
        for (key, bundle) in &rehearsed {
            // A noisy sum has about eight digits, so the decoy payload is about as long as a real one.
            let payload = "00000000,".repeat(bundle.width());
            privacy_rehearsal::Entity::update_many()
                .col_expr(privacy_rehearsal::Column::Payload, Expr::value(payload))
                .filter(privacy_rehearsal::COLUMN.release_key.eq(key))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        if !rehearsed.is_empty() {
            // In the background, so that the deletion does not delay the response.
            let (db, keys) = (self.db.clone(), rehearsed.into_iter().map(|(key, _)| key).collect::<Vec<String>>());
            tokio::spawn(async move {
                let gone = privacy_rehearsal::Entity::delete_many()
                    .filter(privacy_rehearsal::COLUMN.release_key.is_in(keys))
                    .exec(&db);
                if let Err(cause) = gone.await {
                    tracing::warn!(%cause, "decoy rows could not be deleted");
                }
            });
        }
        Ok(())
    }
}
