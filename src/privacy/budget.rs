//! Remaining privacy budgets, by atom: by age band of a region. Of the part that all keys share, an account sees its
//! own guaranteed part immediately, but the first-come part only as of the last midnight and in coarse steps: the exact
//! amount would reveal whether its question was the first of its kind.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    time::{Duration, Instant},
};

use moka::{ops::compute::Op, sync::Cache};
use sea_orm::DatabaseConnection;

use super::{
    accountant,
    ledger::{BUDGET_WINDOW, YEAR_WINDOW},
};
use crate::{
    domain::{
        atom::{Atom, BAND_COUNT, ByBand},
        clock::DAY,
        error::Error,
    },
    storage::{
        accounts::{self, region_subject},
        charges::{self, Charge, Spending},
        db,
        entity::privacy_account,
    },
};

/// The step to which the first-come part of an atom's budget is rounded down, in microunits.
pub const STEP_MICROUNITS: i64 = 5_000_000;
/// How long the budget in the extensions of a response may be out of date, if another server charged the account.
const RECENT_TTL: Duration = Duration::from_secs(5);

/// The cap of an account, and what it has spent in the 30 days that end now, in microunits.
#[derive(Clone)]
pub struct Budget {
    /// The cap of each atom.
    pub cap_microunits: i64,
    /// What was spent of each atom of which anything was spent, the most first.
    pub spent: Vec<(Atom, i64)>,
}

impl Budget {
    /// The amount that was spent of the atom of which the most was spent, in microunits.
    #[must_use]
    pub fn most_spent_microunits(&self) -> i64 {
        self.spent.first().map_or(0, |(_, spent)| *spent)
    }

    /// The amount that can be spent now in every atom, in microunits; 0 if the cap was lowered below the amount already
    /// spent.
    #[must_use]
    pub fn left_microunits(&self) -> i64 {
        (self.cap_microunits - self.most_spent_microunits()).max(0)
    }
}

/// The part of a region's budget that is available to one account, in microunits.
pub struct RegionBudget {
    pub region: String,
    /// The caps of each age band.
    pub cap_microunits: i64,
    pub cap_year_microunits: Option<i64>,
    /// By age band.
    pub bands: [BandBudget; BAND_COUNT],
}

/// The part of an age band's budget that is available to one account, in microunits.
#[derive(Clone, Copy, Default)]
pub struct BandBudget {
    /// The part of the 30-day cap that is guaranteed to each active account.
    pub guaranteed_microunits: i64,
    /// The unused rest of this account's guaranteed parts: the smaller one of the 30-day part and the 365-day part.
    pub guaranteed_left_microunits: i64,
    /// The amount that was left in the first-come part at the last midnight UTC, rounded down to a multiple of
    /// [`STEP_MICROUNITS`].
    pub first_come_left_microunits: i64,
}

/// Loads budgets.
pub struct Budgets {
    db: DatabaseConnection,
    /// (region account, key account, midnight) -> the first-come amounts at that midnight by age band, computed with
    /// the caps and keys in force at the first query of the day.
    first_come: Cache<(String, String, i64), ByBand>,
    /// Budgets of accounts for the extensions of responses, and when they were loaded.
    recent: Cache<String, (Instant, Arc<Budget>)>,
}

impl Budgets {
    pub fn new(db: DatabaseConnection) -> Self {
        let recent = Cache::builder().max_capacity(10_000).time_to_live(RECENT_TTL).build();
        Self { db, first_come: Cache::new(10_000), recent }
    }

    /// The budget of an account at `at` (Unix seconds). An unknown account has a cap of 0.
    pub async fn of(&self, account: &str, at: i64) -> Result<Budget, Error> {
        let cap_microunits = accounts::find(&self.db, account).await?.map_or(0, |row| row.cap_microunits);
        let since = at - BUDGET_WINDOW;
        let spending = charges::spending(&self.db, &[account], None, None, [since, since], i64::MAX).await?;
        let spent = charges::by_atom(&spending, account, |row| &row.month);
        Ok(Budget { cap_microunits, spent })
    }

    /// When an account's budget of an atom becomes available again: (Unix seconds, microunits), soonest first. The
    /// amounts of one UTC day are combined under the latest time of that day.
    pub async fn returns(&self, account: &str, atom: &Atom, at: i64) -> Result<Vec<Charge>, Error> {
        let day = |at: i64| at.div_euclid(DAY);
        let mut returns: Vec<Charge> = Vec::new();
        for (charged_at, microunits) in charges::of_atom(&self.db, account, atom, at - BUDGET_WINDOW, None).await? {
            let returns_at = charged_at + BUDGET_WINDOW;
            match returns.last_mut() {
                Some((at, sum)) if day(*at) == day(returns_at) => (*at, *sum) = (returns_at, *sum + microunits),
                _ => returns.push((returns_at, microunits)),
            }
        }
        Ok(returns)
    }

    /// The budget of an account at `at` (Unix seconds), as of at most five seconds ago if another server charged it.
    pub async fn recent(&self, account: &str, at: i64) -> Result<Arc<Budget>, Error> {
        // The cache itself expires entries, but counts from the last charge that was added.
        let known = self.recent.get(account).filter(|(loaded_at, _)| loaded_at.elapsed() < RECENT_TTL);
        if let Some((_, budget)) = known {
            return Ok(budget);
        }
        let loaded_at = Instant::now();
        let budget = Arc::new(self.of(account, at).await?);
        self.recent.insert(account.to_owned(), (loaded_at, Arc::clone(&budget)));
        Ok(budget)
    }

    /// Adds a charge to the cached budget of an account: region -> microunits by age band.
    pub fn add_to_recent(&self, account: &str, charged: &BTreeMap<String, ByBand>) {
        self.recent.entry(account.to_owned()).and_compute_with(|known| {
            let Some((loaded_at, budget)) = known.map(moka::Entry::into_value) else { return Op::Nop };
            let mut budget = Budget::clone(&budget);
            for (region, by_band) in charged {
                for (band, microunits) in by_band.iter().enumerate().filter(|(_, microunits)| **microunits > 0) {
                    let atom = Atom { region: region.clone(), band };
                    match budget.spent.iter_mut().find(|(known, _)| *known == atom) {
                        Some((_, spent)) => *spent += microunits,
                        None => budget.spent.push((atom, *microunits)),
                    }
                }
            }
            charges::sort_by_most(&mut budget.spent);
            Op::Put((loaded_at, Arc::new(budget)))
        });
    }

    /// The parts of the budgets of `regions` that are available to an account at `at` (Unix seconds), in the order of
    /// `regions`. A region without an account is omitted.
    pub async fn of_regions(&self, account: &str, regions: &[String], at: i64) -> Result<Vec<RegionBudget>, Error> {
        let subjects: Vec<String> = regions.iter().map(|region| region_subject(region)).collect();
        let query = accounts::load(self.db.get_database_backend(), subjects.iter().map(String::as_str));
        let [rows] = db::texts_of(&self.db, [query]).await?;
        let rows: Vec<privacy_account::Model> = rows.into_iter().map(accounts::account).collect::<Result<_, _>>()?;
        let rows: HashMap<String, _> = rows.into_iter().map(|row| (row.subject.clone(), row)).collect();
        let active = accountant::load_active(&self.db, account, at).await?;
        let first_come = self.first_come(account, &rows, &active, at).await?;
        let spending = self.spending(account, &subjects, at, i64::MAX).await?;
        let budget = |region: &String| {
            let subject = region_subject(region);
            let row = rows.get(&subject)?;
            let atom = |band: usize| Atom { region: region.clone(), band };
            let of_band = |band: usize| {
                let part = |cap: i64, window: i64| {
                    let guaranteed = accountant::shares(&spending, &active, &atom(band), cap, window).guaranteed_part;
                    (guaranteed, (guaranteed - accountant::viewed(&spending, account, &atom(band), window)).max(0))
                };
                let (guaranteed, left) = part(row.cap_microunits, BUDGET_WINDOW);
                let left_of_year = row.cap_year_microunits.map_or(i64::MAX, |cap| part(cap, YEAR_WINDOW).1);
                BandBudget {
                    guaranteed_microunits: guaranteed,
                    guaranteed_left_microunits: left.min(left_of_year),
                    first_come_left_microunits: first_come.get(&subject).map_or(0, |by_band| by_band[band]),
                }
            };
            Some(RegionBudget {
                region: region.clone(),
                cap_microunits: row.cap_microunits,
                cap_year_microunits: row.cap_year_microunits,
                bands: std::array::from_fn(of_band),
            })
        };
        Ok(regions.iter().filter_map(budget).collect())
    }

    /// What an account and regions were charged in the windows that end at `at`, up to `until`.
    async fn spending(&self, account: &str, subjects: &[String], at: i64, until: i64) -> Result<Vec<Spending>, Error> {
        let all: Vec<&str> = subjects.iter().map(String::as_str).chain([account]).collect();
        let since = [at - BUDGET_WINDOW, at - YEAR_WINDOW];
        Ok(charges::spending(&self.db, &all, None, None, since, until).await?)
    }

    /// The amount beyond the guaranteed parts that was free at the last midnight, by region account and age band. The
    /// account's own use is measured by its views, not by its charges to the region.
    async fn first_come(
        &self,
        account: &str,
        rows: &HashMap<String, privacy_account::Model>,
        active: &BTreeSet<String>,
        at: i64,
    ) -> Result<HashMap<String, ByBand>, Error> {
        let midnight = at.div_euclid(DAY) * DAY;
        let entry = |subject: &str| (subject.to_owned(), account.to_owned(), midnight);
        let mut left: HashMap<String, ByBand> = HashMap::new();
        let mut unknown: Vec<String> = Vec::new();
        for subject in rows.keys() {
            match self.first_come.get(&entry(subject)) {
                Some(by_band) => drop(left.insert(subject.clone(), by_band)),
                None => unknown.push(subject.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(left);
        }
        let spending = self.spending(account, &unknown, midnight, midnight).await?;
        for subject in unknown {
            let row = &rows[&subject];
            let region = subject.strip_prefix(accounts::REGION_PREFIX).unwrap_or_default();
            let atom = |band: usize| Atom { region: region.to_owned(), band };
            let caps = [(Some(row.cap_microunits), BUDGET_WINDOW), (row.cap_year_microunits, YEAR_WINDOW)];
            let of_band = |band: usize| {
                let free = |(cap, window): (i64, i64)| {
                    let shares = accountant::shares(&spending, active, &atom(band), cap, window);
                    let own = accountant::viewed(&spending, account, &atom(band), window).max(shares.guaranteed_part);
                    cap - shares.reserved_by_others(account) - own
                };
                let caps = caps.into_iter().filter_map(|(cap, window)| Some((cap?, window)));
                let smallest = caps.map(free).min().unwrap_or(0).max(0);
                smallest.div_euclid(STEP_MICROUNITS) * STEP_MICROUNITS
            };
            let by_band: ByBand = std::array::from_fn(of_band);
            self.first_come.insert(entry(&subject), by_band);
            left.insert(subject, by_band);
        }
        Ok(left)
    }
}
