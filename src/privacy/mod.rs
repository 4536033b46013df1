//! The release service: charge the budget, sum, add noise, store, read back.
//!
//! Equal questions share one release, for all keys and all requests: the noise is sampled once and stored. Fresh noise
//! for each request could be averaged away.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::DatabaseConnection;
use sha2::{Digest, Sha256};
use tokio::time::Instant;

pub mod budget;
pub mod bundles;
mod draw;
pub mod ledger;
pub mod noise;
mod release;
pub mod report;
mod spending;
pub mod views;

pub use bundles::Bundle;
pub use noise::{NoiseSource, OsNoise};
pub use release::{Exact, Outcome, Payload, Release, Released, Sums};

use crate::{
    clock::Clock,
    engine::Engine,
    epoch::{Epoch, Vocabulary, Window},
    error::Error,
    mutant::Step,
    segment::Cohort,
};
use ledger::Wanted;
use views::Sight;

/// A question: one bundle of statistics about one cohort in one window.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    pub cohort: Arc<Cohort>,
    pub window: Window,
    pub bundle: Bundle,
    /// Comparison only: the segment is needed only because another segment is compared with it. Of two overlapping
    /// segments in one document that violate the minimum difference, this is the one that is withheld.
    pub beside: bool,
}

impl Question {
    /// The key of the release that answers this question: SHA-256, in hex, of the policy version, bundle, epoch, window
    /// length and canonical segment.
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

    /// The question for the segment's size, by which this question's means are divided.
    fn size(&self) -> Self {
        Self { bundle: Bundle::Size, ..self.clone() }
    }

    fn wanted(&self, release_key: String, vocabulary: &Vocabulary) -> Wanted {
        Wanted {
            release_key,
            bundle: self.bundle,
            window: self.window,
            segment: self.cohort.canonical(),
            regions: self.cohort.regions_charged(vocabulary).into_iter().map(str::to_owned).collect(),
        }
    }
}

/// The unit of response time for a first view. A response that contains a first view is delayed to 1, 2, 4, 8, ... of
/// these slots, so that its timing does not reveal whether another key has already requested the same release. The
/// slots double because longer work varies more.
const SLOT: Duration = Duration::from_millis(25);

/// The release service: answers questions from stored releases, and makes releases from the engine's exact sums.
pub struct Desk {
    db: DatabaseConnection,
    engine: Arc<dyn Engine>,
    noise: Arc<dyn NoiseSource>,
    clock: Arc<dyn Clock>,
    /// Stored releases by their key. They never change, so they can be cached; access is still decided by the ledger.
    cache: Cache<String, Arc<Release>>,
    /// (payer, release key) pairs that are known to be charged. Charges are never undone, so entries stay valid.
    charged: Cache<(String, String), ()>,
    /// Stored minimum-difference verdicts: (payer, release key of the size) -> whether the segment may be shown. A
    /// verdict never changes.
    verdicts: Cache<(String, String), bool>,
    budgets: budget::Budgets,
}

/// The answers to a document's questions, and the amount charged to the payer for them in milliunits.
pub struct Answers {
    pub released: HashMap<Question, Result<Released, Error>>,
    pub paid_mu: i64,
}

/// Questions by release key.
type Keyed = BTreeMap<String, Question>;

impl Desk {
    pub fn new(
        db: DatabaseConnection,
        engine: Arc<dyn Engine>,
        noise: Arc<dyn NoiseSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let budgets = budget::Budgets::new(db.clone());
        let (charged, verdicts) = (Cache::new(100_000), Cache::new(100_000));
        Self { db, engine, noise, clock, cache: Cache::new(10_000), charged, verdicts, budgets }
    }

    /// The budget of an account, from committed charges.
    pub async fn budget(&self, account: &str) -> Result<budget::Budget, Error> {
        self.budgets.of(account, self.clock.now()).await
    }

    /// The part of the budgets of `regions` that is available to an account.
    pub async fn region_budgets(&self, account: &str, regions: &[String]) -> Result<Vec<budget::RegionBudget>, Error> {
        self.budgets.of_regions(account, regions, self.clock.now()).await
    }

    /// Answers all questions of a document, or rejects all of them.
    ///
    /// Sizes are charged and released first. The other bundles are charged and released only for segments that pass the
    /// size rule and the minimum difference.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] if the document does not fit in the budget of the key or of a region. A
    /// withheld segment is an error of its own questions only, inside [`Answers::released`].
    pub async fn answer(&self, payer: &str, epoch: &Epoch, questions: &[Question]) -> Result<Answers, Error> {
        let began = Instant::now();
        let keyed: Vec<(&Question, String, String)> = questions
            .iter()
            .map(|question| (question, question.release_key(), question.size().release_key()))
            .collect();
        let mut sizes = Keyed::new();
        for (question, _, size) in &keyed {
            sizes.entry(size.clone()).or_insert_with(|| question.size()).beside &= question.beside;
        }
        let asked = |refused: &HashMap<String, Error>| -> Keyed {
            let others = keyed.iter().filter(|(question, _, _)| question.bundle != Bundle::Size);
            let others = others.filter(|(_, _, size)| !refused.contains_key(size));
            others.map(|(question, key, _)| (key.clone(), (*question).clone())).collect()
        };
        let paid = self.paid(payer, keyed.iter().flat_map(|(_, key, size)| [key.clone(), size.clone()])).await?;
        let due = |questions: &Keyed| -> Vec<Wanted> {
            let due = questions.iter().filter(|(key, _)| !paid.contains(*key));
            due.map(|(key, question)| question.wanted(key.clone(), &epoch.vocabulary)).collect()
        };

        // If this payer has already been shown that a segment is withheld, its other bundles will not be released, so
        // they need not fit in the budget.
        let known: Keyed = sizes.iter().filter(|(key, _)| paid.contains(*key)).map(clone).collect();
        let seen: HashMap<String, Arc<Release>> = self.read(&known.iter().collect()).await?.into_iter().collect();
        let known = self.refused(payer, &known, &seen, None).await?;

        let (due_sizes, later) = (due(&sizes), due(&asked(&known)));
        let mut paid_mu = self.admit(payer, &due_sizes, &later).await?;
        let mut releases = self.releases(&sizes, &due_sizes).await?;
        let refused = self.refused(payer, &sizes, &releases, Some(&epoch.vocabulary)).await?;

        let others = asked(&refused);
        let due_others = due(&others);
        paid_mu += self.admit(payer, &due_others, &[]).await?;
        releases.extend(self.releases(&others, &due_others).await?);

        let answer = |key: &String, size: &String| {
            let there = |key: &String| releases.get(key).map(Arc::clone).ok_or(Error::Internal);
            refused.get(size).map_or(Ok(()), |error| Err(error.clone()))?;
            Released::pair(there(size)?, there(key)?)
        };
        let released = keyed.iter().map(|(question, key, size)| ((*question).clone(), answer(key, size))).collect();
        if !due_sizes.is_empty() || !due_others.is_empty() {
            tokio::time::sleep_until(slot_end(began, Instant::now())).await;
        }
        Ok(Answers { released, paid_mu })
    }

    /// Charges the releases in `due`, if there are any. Returns the amount charged to the payer in milliunits.
    async fn admit(&self, payer: &str, due: &[Wanted], later: &[Wanted]) -> Result<i64, Error> {
        if due.is_empty() {
            return Ok(0);
        }
        ledger::admit(&self.db, payer, due, later, self.clock.now()).await
    }

    /// The sizes whose segments are withheld from the payer, each with its error. If a vocabulary is given, the minimum
    /// difference is evaluated and stored for segments that have no verdict for this payer yet.
    async fn refused(
        &self,
        payer: &str,
        sizes: &Keyed,
        releases: &HashMap<String, Arc<Release>>,
        vocabulary: Option<&Vocabulary>,
    ) -> Result<HashMap<String, Error>, Error> {
        let mut refused = HashMap::new();
        let mut unknown = Vec::new();
        for (key, question) in sizes {
            let Some(release) = releases.get(key) else { continue };
            match (&release.payload, self.verdicts.get(&(payer.to_owned(), key.clone()))) {
                (None, _) => drop(refused.insert(key.clone(), Error::below_threshold())),
                (Some(_), Some(true)) => {}
                (Some(_), Some(false)) => drop(refused.insert(key.clone(), Error::too_near())),
                (Some(payload), None) => unknown.push(Sight {
                    release_key: key.clone(),
                    cohort: Arc::clone(&question.cohort),
                    window: question.window,
                    people: payload.values[0],
                    beside: question.beside,
                }),
            }
        }
        if unknown.is_empty() {
            return Ok(refused);
        }
        let keys: Vec<String> = unknown.iter().map(|sight| sight.release_key.clone()).collect();
        let mut verdicts = views::load(&self.db, payer, &keys).await?;
        if let Some(vocabulary) = vocabulary.filter(|_| verdicts.len() < keys.len()) {
            verdicts = views::judge(&self.db, payer, unknown, vocabulary, self.clock.now()).await?;
            Step::Judged.reach().await;
        }
        for (key, shown) in verdicts {
            self.verdicts.insert((payer.to_owned(), key.clone()), shown);
            if !shown {
                refused.insert(key, Error::too_near());
            }
        }
        Ok(refused)
    }

    /// The subset of `releases` that the payer has been charged for.
    async fn paid(&self, payer: &str, releases: impl Iterator<Item = String>) -> Result<HashSet<String>, Error> {
        let entry = |key: &String| (payer.to_owned(), key.clone());
        let (mut paid, unknown): (HashSet<_>, HashSet<_>) =
            releases.partition(|key| self.charged.contains_key(&entry(key)));
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
}

/// The time at which a response with a first view may be sent: the end of the slot in which the work finished.
fn slot_end(began: Instant, ready: Instant) -> Instant {
    let slots = ready.duration_since(began).as_micros() / SLOT.as_micros() + 1;
    began + SLOT * u32::try_from(slots.next_power_of_two()).unwrap_or(1)
}

fn clone((key, question): (&String, &Question)) -> (String, Question) {
    (key.clone(), question.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_first_view_ends_with_a_slot() {
        let began = Instant::now();
        let end = |ms: u64| slot_end(began, began + Duration::from_millis(ms)).duration_since(began).as_millis();
        assert_eq!([0, 1, 24, 25, 49, 50, 99, 100, 130].map(end), [25, 25, 25, 50, 50, 100, 100, 200, 200]);
    }
}
