//! The release service: the only holder of exact sums.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use moka::sync::Cache;
use sea_orm::DatabaseConnection;
use tokio::time::Instant;

use super::{
    Bundle, Engine, NoiseSource, Question, Release, Released,
    budget::{Budget, Budgets, RegionBudget},
    ledger::{self, ReleaseRequest},
    minimum_difference::{self, ViewedSegment},
};
use crate::{
    domain::{
        clock::Clock,
        epoch::{Epoch, Vocabulary},
        error::Error,
        mutant::Step,
    },
    storage::{charges, views},
};

/// The unit of response time for a first view. A response that contains a first view is delayed to 1, 2, 4, 8, ... of
/// these slots, so that its timing does not reveal whether another key has already requested the same release. The
/// slots double because longer work varies more.
const SLOT: Duration = Duration::from_millis(25);
/// Entries of the cache of releases.
const CACHED_RELEASES: u64 = 10_000;
/// Entries of the caches of charges and of verdicts.
const CACHED_CHARGES: u64 = 100_000;

/// The release service: answers questions from stored releases, and makes releases from the engine's exact sums.
pub struct ReleaseService {
    pub(super) db: DatabaseConnection,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) noise: Arc<dyn NoiseSource>,
    pub(super) clock: Arc<dyn Clock>,
    /// Stored releases by their key. They never change, so they can be cached; access is still decided by the ledger.
    pub(super) cache: Cache<String, Arc<Release>>,
    /// (payer, release key) pairs that are known to be charged. Charges are never undone, so entries stay valid.
    charged: Cache<(String, String), ()>,
    /// Stored minimum-difference verdicts: (payer, release key of the size) -> whether the segment may be shown. A
    /// verdict never changes.
    verdicts: Cache<(String, String), bool>,
    budgets: Budgets,
}

/// The answers to a document's questions, and the amount charged to the payer for them.
pub struct Answers {
    pub released: HashMap<Question, Result<Released, Error>>,
    pub charged_milliunits: i64,
}

/// Questions by release key.
pub(super) type QuestionsByKey = BTreeMap<String, Question>;

/// The questions of a document with the keys of their releases.
struct Keyed<'a> {
    question: &'a Question,
    key: String,
    size_key: String,
}

impl ReleaseService {
    pub fn new(
        db: DatabaseConnection,
        engine: Arc<dyn Engine>,
        noise: Arc<dyn NoiseSource>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            budgets: Budgets::new(db.clone()),
            db,
            engine,
            noise,
            clock,
            cache: Cache::new(CACHED_RELEASES),
            charged: Cache::new(CACHED_CHARGES),
            verdicts: Cache::new(CACHED_CHARGES),
        }
    }

    /// The budget of an account, from committed charges.
    pub async fn budget(&self, account: &str) -> Result<Budget, Error> {
        self.budgets.of(account, self.clock.now()).await
    }

    /// The part of the budgets of `regions` that is available to an account.
    pub async fn region_budgets(&self, account: &str, regions: &[String]) -> Result<Vec<RegionBudget>, Error> {
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
        let vocabulary = &epoch.vocabulary;
        let keyed: Vec<Keyed> = questions.iter().map(Keyed::new).collect();
        let sizes = sizes(&keyed);
        let charged = keyed.iter().flat_map(|keyed| [keyed.key.clone(), keyed.size_key.clone()]);
        let charged = self.charged(payer, charged).await?;
        let uncharged = |questions: &QuestionsByKey| -> Vec<ReleaseRequest> {
            let uncharged = questions.iter().filter(|(key, _)| !charged.contains(*key));
            uncharged.map(|(key, question)| question.request(key.clone(), vocabulary)).collect()
        };

        // If this payer has already been shown that a segment is withheld, its other bundles will not be released, so
        // they need not fit in the budget.
        let known: QuestionsByKey = sizes
            .iter()
            .filter(|(key, _)| charged.contains(*key))
            .map(|(key, question)| (key.clone(), question.clone()))
            .collect();
        let stored: HashMap<String, Arc<Release>> = self.read(&known.iter().collect()).await?.into_iter().collect();
        let known_withheld = self.withheld(payer, &known, &stored, None).await?;

        let (first_views, later) = (uncharged(&sizes), uncharged(&others(&keyed, &known_withheld)));
        let mut charged_milliunits = self.charge(payer, &first_views, &later).await?;
        let mut releases = self.releases(&sizes, &first_views).await?;
        let withheld = self.withheld(payer, &sizes, &releases, Some(vocabulary)).await?;

        let others = others(&keyed, &withheld);
        let more_first_views = uncharged(&others);
        charged_milliunits += self.charge(payer, &more_first_views, &[]).await?;
        releases.extend(self.releases(&others, &more_first_views).await?);

        let released = keyed.iter().map(|keyed| (keyed.question.clone(), keyed.pair(&releases, &withheld))).collect();
        if !first_views.is_empty() || !more_first_views.is_empty() {
            tokio::time::sleep_until(slot_end(began, Instant::now())).await;
        }
        Ok(Answers { released, charged_milliunits })
    }

    /// Charges releases, if there are any. Returns the amount charged to the payer in milliunits.
    async fn charge(&self, payer: &str, now: &[ReleaseRequest], later: &[ReleaseRequest]) -> Result<i64, Error> {
        if now.is_empty() {
            return Ok(0);
        }
        ledger::charge(&self.db, payer, now, later, self.clock.now()).await
    }

    /// The sizes whose segments are withheld from the payer, each with its error. If a vocabulary is given, the minimum
    /// difference is evaluated and stored for segments that have no verdict for this payer yet.
    async fn withheld(
        &self,
        payer: &str,
        sizes: &QuestionsByKey,
        releases: &HashMap<String, Arc<Release>>,
        vocabulary: Option<&Vocabulary>,
    ) -> Result<HashMap<String, Error>, Error> {
        let mut withheld = HashMap::new();
        let mut undecided = Vec::new();
        for (key, question) in sizes {
            let Some(release) = releases.get(key) else { continue };
            match (&release.payload, self.verdicts.get(&(payer.to_owned(), key.clone()))) {
                (None, _) => drop(withheld.insert(key.clone(), Error::below_threshold())),
                (Some(_), Some(true)) => {}
                (Some(_), Some(false)) => drop(withheld.insert(key.clone(), Error::minimum_difference())),
                (Some(payload), None) => undecided.push(ViewedSegment {
                    release_key: key.clone(),
                    cohort: Arc::clone(&question.cohort),
                    window: question.window,
                    people: payload.values[0],
                    comparison_only: question.comparison_only,
                }),
            }
        }
        if undecided.is_empty() {
            return Ok(withheld);
        }
        let keys: Vec<String> = undecided.iter().map(|segment| segment.release_key.clone()).collect();
        let mut verdicts = views::load(&self.db, payer, &keys).await?;
        if let Some(vocabulary) = vocabulary.filter(|_| verdicts.len() < keys.len()) {
            verdicts = minimum_difference::decide(&self.db, payer, undecided, vocabulary, self.clock.now()).await?;
            Step::Decided.reach().await;
        }
        for (key, shown) in verdicts {
            self.verdicts.insert((payer.to_owned(), key.clone()), shown);
            if !shown {
                withheld.insert(key, Error::minimum_difference());
            }
        }
        Ok(withheld)
    }

    /// The subset of `releases` that the payer has been charged for.
    async fn charged(&self, payer: &str, releases: impl Iterator<Item = String>) -> Result<HashSet<String>, Error> {
        let entry = |key: &String| (payer.to_owned(), key.clone());
        let (mut charged, unknown): (HashSet<_>, HashSet<_>) =
            releases.partition(|key| self.charged.contains_key(&entry(key)));
        let unknown: Vec<String> = unknown.into_iter().collect();
        if !unknown.is_empty() {
            let read = charges::charged(&self.db, payer, &unknown).await?;
            for key in &read {
                self.charged.insert(entry(key), ());
            }
            charged.extend(read);
        }
        Ok(charged)
    }
}

impl<'a> Keyed<'a> {
    fn new(question: &'a Question) -> Self {
        Self { question, key: question.release_key(), size_key: question.size().release_key() }
    }

    /// The answer: the release with the size of its segment.
    fn pair(
        &self,
        releases: &HashMap<String, Arc<Release>>,
        withheld: &HashMap<String, Error>,
    ) -> Result<Released, Error> {
        if let Some(error) = withheld.get(&self.size_key) {
            return Err(error.clone());
        }
        let release = |key: &String| releases.get(key).map(Arc::clone).ok_or(Error::Internal);
        Released::pair(release(&self.size_key)?, release(&self.key)?)
    }
}

/// The questions for the sizes of all segments. A size is comparison only if all questions about its segment are.
fn sizes(keyed: &[Keyed<'_>]) -> QuestionsByKey {
    let mut sizes = QuestionsByKey::new();
    for Keyed { question, size_key, .. } in keyed {
        let size = sizes.entry(size_key.clone()).or_insert_with(|| question.size());
        size.comparison_only &= question.comparison_only;
    }
    sizes
}

/// The questions for other bundles than the size, without those about withheld segments.
fn others(keyed: &[Keyed<'_>], withheld: &HashMap<String, Error>) -> QuestionsByKey {
    let others = keyed.iter().filter(|keyed| keyed.question.bundle != Bundle::Size);
    let others = others.filter(|keyed| !withheld.contains_key(&keyed.size_key));
    others.map(|keyed| (keyed.key.clone(), keyed.question.clone())).collect()
}

/// The time at which a response with a first view may be sent: the end of the slot in which the work finished.
fn slot_end(began: Instant, ready: Instant) -> Instant {
    let slots = ready.duration_since(began).as_micros() / SLOT.as_micros() + 1;
    began + SLOT * u32::try_from(slots.next_power_of_two()).unwrap_or(1)
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
