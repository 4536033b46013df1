//! Remaining privacy budgets. For a region, an account sees its own guaranteed part immediately, but the first-come
//! part only as of the last midnight and in coarse steps: the exact amount would reveal whether its question was the
//! first of its kind.

use std::collections::{BTreeSet, HashMap};

use moka::sync::Cache;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter};

use super::{
    ledger::{BUDGET_WINDOW, YEAR, region_subject},
    spending::{self, Charge, Shares},
};
use crate::{clock::DAY, entity::privacy_account, error::Error};

/// The step to which the first-come part of a region's budget is rounded down, in milliunits.
pub const STEP_MU: i64 = 5_000;

/// The cap and the spending of an account in the 30 days that end now, in milliunits.
pub struct Budget {
    pub cap_mu: i64,
    pub spent_mu: i64,
    /// When spent budget becomes available again: (Unix seconds, milliunits), soonest first. The amounts of one UTC day
    /// are combined under the latest time of that day.
    pub returns: Vec<Charge>,
}

impl Budget {
    /// The amount that can be spent now, in milliunits; 0 if the cap was lowered below the amount already spent.
    #[must_use]
    pub fn left_mu(&self) -> i64 {
        (self.cap_mu - self.spent_mu).max(0)
    }
}

/// The part of a region's budget that is available to one account, in milliunits.
pub struct RegionBudget {
    pub region: String,
    pub cap_mu: i64,
    pub cap_year_mu: Option<i64>,
    /// The part of the 30-day cap that is guaranteed to each active account.
    pub guaranteed_mu: i64,
    /// The unused rest of this account's guaranteed parts: the smaller one of the 30-day part and the 365-day part.
    pub guaranteed_left_mu: i64,
    /// The amount that was left in the first-come part at the last midnight UTC, rounded down to a multiple of
    /// [`STEP_MU`].
    pub first_come_left_mu: i64,
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
        let row = privacy_account::Entity::find_by_id(account).one(&self.db).await?;
        let cap_mu = row.map_or(0, |row| row.cap_mu);
        let mut spent = spending::load(&self.db, &BTreeSet::from([account]), at - BUDGET_WINDOW).await?;
        let spent = spent.remove(account).unwrap_or_default();
        let mut returns: Vec<Charge> = Vec::new();
        for (charged_at, mu) in &spent {
            let day = |at: i64| at.div_euclid(DAY);
            match returns.last_mut() {
                Some((at, sum)) if day(*at) == day(charged_at + BUDGET_WINDOW) => {
                    (*at, *sum) = (charged_at + BUDGET_WINDOW, *sum + mu);
                }
                _ => returns.push((charged_at + BUDGET_WINDOW, *mu)),
            }
        }
        Ok(Budget { cap_mu, spent_mu: spent.iter().map(|(_, mu)| mu).sum(), returns })
    }

    /// The parts of the budgets of `regions` that are available to an account at `at` (Unix seconds), in the order of
    /// `regions`. A region without an account is omitted.
    pub async fn of_regions(&self, account: &str, regions: &[String], at: i64) -> Result<Vec<RegionBudget>, Error> {
        let subjects: Vec<String> = regions.iter().map(|region| region_subject(region)).collect();
        let rows = privacy_account::Entity::find().filter(privacy_account::COLUMN.subject.is_in(&subjects));
        let rows: HashMap<String, _> =
            rows.all(&self.db).await?.into_iter().map(|row| (row.subject.clone(), row)).collect();
        let active = spending::load_active(&self.db, account, at).await?;
        let first_come = self.first_come(account, &rows, &active, at).await?;
        let mut parts: Vec<HashMap<String, (i64, i64)>> = Vec::with_capacity(2);
        for window in [BUDGET_WINDOW, YEAR] {
            let viewed = spending::load_viewed(&self.db, account, &subjects, at - window, i64::MAX).await?;
            let drawn = spending::load_drawn(&self.db, &subjects, at - window, i64::MAX).await?;
            let part = |row: &privacy_account::Model| {
                let cap = if window == YEAR { row.cap_year_mu? } else { row.cap_mu };
                let each = Shares::new(cap, &active, drawn.get(&row.subject)).each;
                let looked_at = viewed.get(&row.subject).copied().unwrap_or(0);
                Some((row.subject.clone(), (each, (each - looked_at).max(0))))
            };
            parts.push(rows.values().filter_map(part).collect());
        }

        let budget = |region: &String| {
            let subject = region_subject(region);
            let row = rows.get(&subject)?;
            let (each, left) = parts[0].get(&subject).copied()?;
            let left_of_year = parts[1].get(&subject).map_or(i64::MAX, |(_, left)| *left);
            Some(RegionBudget {
                region: region.clone(),
                cap_mu: row.cap_mu,
                cap_year_mu: row.cap_year_mu,
                guaranteed_mu: each,
                guaranteed_left_mu: left.min(left_of_year),
                first_come_left_mu: first_come.get(&subject).copied().unwrap_or(0),
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
                Some(mu) => drop(left.insert(subject.clone(), mu)),
                None => unknown.push(subject.clone()),
            }
        }
        if unknown.is_empty() {
            return Ok(left);
        }
        for window in [BUDGET_WINDOW, YEAR] {
            let viewed = spending::load_viewed(&self.db, account, &unknown, midnight - window, midnight).await?;
            let drawn = spending::load_drawn(&self.db, &unknown, midnight - window, midnight).await?;
            for subject in &unknown {
                let row = &rows[subject];
                let Some(cap) = (if window == YEAR { row.cap_year_mu } else { Some(row.cap_mu) }) else { continue };
                let shares = Shares::new(cap, active, drawn.get(subject));
                let own = viewed.get(subject).copied().unwrap_or(0).max(shares.each);
                let free = cap - shares.held_by_others(account) - own;
                let least = left.entry(subject.clone()).or_insert(i64::MAX);
                *least = free.min(*least);
            }
        }
        for subject in &unknown {
            if let Some(mu) = left.get_mut(subject) {
                *mu = (*mu).max(0).div_euclid(STEP_MU) * STEP_MU;
                self.first_come.insert(entry(subject), *mu);
            }
        }
        Ok(left)
    }
}
