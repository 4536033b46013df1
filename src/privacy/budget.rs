//! Remaining privacy budgets. For a region, an account sees its own guaranteed part immediately, but the first-come
//! part only as of the last midnight and in coarse steps: the exact amount would reveal whether its question was the
//! first of its kind.

use std::collections::{BTreeSet, HashMap};

use moka::sync::Cache;
use sea_orm::DatabaseConnection;

use super::{
    accountant::{self, RegionShares},
    ledger::{BUDGET_WINDOW, YEAR_WINDOW},
};
use crate::{
    domain::{clock::DAY, error::Error},
    storage::{
        accounts::{self, region_subject},
        charges::{self, Charge},
        entity::privacy_account,
    },
};

/// The step to which the first-come part of a region's budget is rounded down, in milliunits.
pub const STEP_MILLIUNITS: i64 = 5_000;

/// The cap and the spending of an account in the 30 days that end now, in milliunits.
pub struct Budget {
    pub cap_milliunits: i64,
    pub spent_milliunits: i64,
    /// When spent budget becomes available again: (Unix seconds, milliunits), soonest first. The amounts of one UTC day
    /// are combined under the latest time of that day.
    pub returns: Vec<Charge>,
}

impl Budget {
    /// The amount that can be spent now, in milliunits; 0 if the cap was lowered below the amount already spent.
    #[must_use]
    pub fn left_milliunits(&self) -> i64 {
        (self.cap_milliunits - self.spent_milliunits).max(0)
    }
}

/// The part of a region's budget that is available to one account, in milliunits.
pub struct RegionBudget {
    pub region: String,
    pub cap_milliunits: i64,
    pub cap_year_milliunits: Option<i64>,
    /// The part of the 30-day cap that is guaranteed to each active account.
    pub guaranteed_milliunits: i64,
    /// The unused rest of this account's guaranteed parts: the smaller one of the 30-day part and the 365-day part.
    pub guaranteed_left_milliunits: i64,
    /// The amount that was left in the first-come part at the last midnight UTC, rounded down to a multiple of
    /// [`STEP_MILLIUNITS`].
    pub first_come_left_milliunits: i64,
}

/// Loads budgets.
pub struct Budgets {
    db: DatabaseConnection,
    /// (region account, key account, midnight) -> the first-come amount at that midnight, computed with the caps and
    /// keys in force at the first query of the day.
    first_come: Cache<(String, String, i64), i64>,
}

impl Budgets {
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, first_come: Cache::new(10_000) }
    }

    /// The budget of an account at `at` (Unix seconds). An unknown account has a cap of 0.
    pub async fn of(&self, account: &str, at: i64) -> Result<Budget, Error> {
        let cap_milliunits = accounts::find(&self.db, account).await?.map_or(0, |row| row.cap_milliunits);
        let mut spent = charges::load(&self.db, &BTreeSet::from([account]), at - BUDGET_WINDOW).await?;
        let spent = spent.remove(account).unwrap_or_default();
        let mut returns: Vec<Charge> = Vec::new();
        for (charged_at, milliunits) in &spent {
            let day = |at: i64| at.div_euclid(DAY);
            match returns.last_mut() {
                Some((at, sum)) if day(*at) == day(charged_at + BUDGET_WINDOW) => {
                    (*at, *sum) = (charged_at + BUDGET_WINDOW, *sum + milliunits);
                }
                _ => returns.push((charged_at + BUDGET_WINDOW, *milliunits)),
            }
        }
        Ok(Budget { cap_milliunits, spent_milliunits: spent.iter().map(|(_, milliunits)| milliunits).sum(), returns })
    }

    /// The parts of the budgets of `regions` that are available to an account at `at` (Unix seconds), in the order of
    /// `regions`. A region without an account is omitted.
    pub async fn of_regions(&self, account: &str, regions: &[String], at: i64) -> Result<Vec<RegionBudget>, Error> {
        let subjects: Vec<String> = regions.iter().map(|region| region_subject(region)).collect();
        let rows = accounts::load(&self.db, &subjects).await?;
        let rows: HashMap<String, _> = rows.into_iter().map(|row| (row.subject.clone(), row)).collect();
        let active = accountant::load_active(&self.db, account, at).await?;
        let first_come = self.first_come(account, &rows, &active, at).await?;
        let mut parts: Vec<HashMap<String, (i64, i64)>> = Vec::with_capacity(2);
        for window in [BUDGET_WINDOW, YEAR_WINDOW] {
            let viewed = charges::viewed(&self.db, account, &subjects, at - window, i64::MAX).await?;
            let charged = charges::charged_by_account(&self.db, &subjects, at - window, i64::MAX).await?;
            let part = |row: &privacy_account::Model| {
                let cap = if window == YEAR_WINDOW { row.cap_year_milliunits? } else { row.cap_milliunits };
                let guaranteed = RegionShares::new(cap, &active, charged.get(&row.subject)).guaranteed_part;
                let viewed = viewed.get(&row.subject).copied().unwrap_or(0);
                Some((row.subject.clone(), (guaranteed, (guaranteed - viewed).max(0))))
            };
            parts.push(rows.values().filter_map(part).collect());
        }

        let budget = |region: &String| {
            let subject = region_subject(region);
            let row = rows.get(&subject)?;
            let (guaranteed, left) = parts[0].get(&subject).copied()?;
            let left_of_year = parts[1].get(&subject).map_or(i64::MAX, |(_, left)| *left);
            Some(RegionBudget {
                region: region.clone(),
                cap_milliunits: row.cap_milliunits,
                cap_year_milliunits: row.cap_year_milliunits,
                guaranteed_milliunits: guaranteed,
                guaranteed_left_milliunits: left.min(left_of_year),
                first_come_left_milliunits: first_come.get(&subject).copied().unwrap_or(0),
            })
        };
        Ok(regions.iter().filter_map(budget).collect())
    }

    /// The amount beyond the guaranteed parts that was free at the last midnight, by region account. The account's own
    /// use is measured by its views, not by its charges to the region.
    async fn first_come(
        &self,
        account: &str,
        rows: &HashMap<String, privacy_account::Model>,
        active: &BTreeSet<String>,
        at: i64,
    ) -> Result<HashMap<String, i64>, Error> {
        let midnight = at.div_euclid(DAY) * DAY;
        let entry = |subject: &str| (subject.to_owned(), account.to_owned(), midnight);
        let mut left: HashMap<String, i64> = HashMap::new();
        let mut unknown: Vec<String> = Vec::new();
        for subject in rows.keys() {
            match self.first_come.get(&entry(subject)) {
                Some(milliunits) => drop(left.insert(subject.clone(), milliunits)),
                None => unknown.push(subject.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(left);
        }
        for window in [BUDGET_WINDOW, YEAR_WINDOW] {
            let viewed = charges::viewed(&self.db, account, &unknown, midnight - window, midnight).await?;
            let charged = charges::charged_by_account(&self.db, &unknown, midnight - window, midnight).await?;
            for subject in &unknown {
                let row = &rows[subject];
                let Some(cap) =
                    (if window == YEAR_WINDOW { row.cap_year_milliunits } else { Some(row.cap_milliunits) })
                else {
                    continue;
                };
                let shares = RegionShares::new(cap, active, charged.get(subject));
                let own = viewed.get(subject).copied().unwrap_or(0).max(shares.guaranteed_part);
                let free = cap - shares.reserved_by_others(account) - own;
                let smallest = left.entry(subject.clone()).or_insert(i64::MAX);
                *smallest = free.min(*smallest);
            }
        }
        for subject in &unknown {
            if let Some(milliunits) = left.get_mut(subject) {
                *milliunits = (*milliunits).max(0).div_euclid(STEP_MILLIUNITS) * STEP_MILLIUNITS;
                self.first_come.insert(entry(subject), *milliunits);
            }
        }
        Ok(left)
    }
}
