//! Stored releases: read, or drawn under a lease and stored, then read.

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

/// Seconds that a worker has to draw and store before another may take over.
const LEASE: i64 = 30;
/// Releases that are drawn and stored together. A request that is cut short keeps what is stored: without such steps, one
/// that asks for more than can be drawn in its time would be cut short each time it is tried.
const AT_ONCE: usize = 24;
/// How long a question waits for another worker's draw.
const PATIENCE: Duration = Duration::from_secs(8);

impl Desk {
    /// The stored releases that answer these questions; draws the ones that are still pending.
    ///
    /// What is due is worked out even if it is stored already, and thrown away: a first view takes the same time
    /// whether or not somebody asked before.
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

    /// The same for one step.
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
                // Another worker holds the lease of every pending one: its row will be ready in a moment.
                if Instant::now() > deadline {
                    return Err(Error::Unavailable);
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
    }

    /// Reads the rows that are no longer pending.
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

    /// Draws and stores those of the pending releases whose lease is free; false if none was. What is idle is drawn
    /// beside them and thrown away.
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
            // What was published stays published, also when its epoch is gone.
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
        // Exact sampling is arithmetic on big integers: milliseconds that must not hold up the other requests.
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

    /// Takes the leases that are free, and says which; writes as much for what is rehearsed.
    ///
    /// All of a step in one transaction, as they are stored: a commit for each would make a draw of many longer than a look
    /// at many.
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

    /// Stores what was drawn, and writes and deletes as much for what was rehearsed.
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
            // A worker whose lease ran out stores nothing: whoever took over has drawn, and only one draw may be seen.
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
            // A noisy sum has about eight digits.
            let payload = "00000000,".repeat(bundle.width());
            privacy_rehearsal::Entity::update_many()
                .col_expr(privacy_rehearsal::Column::Payload, Expr::value(payload))
                .filter(privacy_rehearsal::COLUMN.release_key.eq(key))
                .exec(&transaction)
                .await?;
        }
        transaction.commit().await?;
        if !rehearsed.is_empty() {
            // After the answer, so that it takes no time of it.
            let (db, keys) = (self.db.clone(), rehearsed.into_iter().map(|(key, _)| key).collect::<Vec<String>>());
            tokio::spawn(async move {
                let gone = privacy_rehearsal::Entity::delete_many()
                    .filter(privacy_rehearsal::COLUMN.release_key.is_in(keys))
                    .exec(&db);
                if let Err(cause) = gone.await {
                    tracing::warn!(%cause, "rehearsals could not be deleted");
                }
            });
        }
        Ok(())
    }
}
