//! What is left to whom. Of a region an account learns its own part at once, the common part only as of midnight and in
//! coarse steps: the exact figure would tell it whether its question was the first of its kind.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use moka::sync::Cache;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter};

use super::{
    ledger::{BUDGET_WINDOW, YEAR, region_subject},
    spending::{self, Charge, Shares},
};
use crate::{clock::DAY, entity::privacy_account, error::Error};

/// Steps in which the common part of a region's budget is told, in milli-units.
pub const STEP_MU: i64 = 5_000;

/// What an account may spend and has spent in the 30 days that end now; milli-units.
pub struct Budget {
    pub cap_mu: i64,
    pub spent_mu: i64,
    /// When what was spent returns: times and amounts, soonest first, those of a day (UTC) together.
    pub returns: Vec<Charge>,
}

impl Budget {
    /// What can be spent now; a cap that was lowered leaves nothing.
    #[must_use]
    pub fn left_mu(&self) -> i64 {
        (self.cap_mu - self.spent_mu).max(0)
    }
}

/// What an account may still make of a region's budget; milli-units.
pub struct RegionBudget {
    pub region: String,
    pub cap_mu: i64,
    pub cap_year_mu: Option<i64>,
    /// The part of the 30 days' cap that is kept for each active account.
    pub guaranteed_mu: i64,
    /// What this account has not used of its parts of the 30 and of the 365 days: the smaller one.
    pub guaranteed_left_mu: i64,
    /// What was left for whoever comes first at the last midnight UTC, rounded down to [`STEP_MU`].
    pub first_come_left_mu: i64,
}

/// Reads budgets.
pub struct Budgets {
    db: DatabaseConnection,
    /// Regions and midnights; what was left then does not change any more.
    first_come: Cache<(String, i64), i64>,
}

impl Budgets {
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db, first_come: Cache::new(10_000) }
    }

    /// What an account may spend, and when more returns.
    ///
    /// # Errors
    /// As the database says.
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

    /// What an account may make of the budgets of regions; a region without an account is left out.
    ///
    /// # Errors
    /// As the database says.
    pub async fn of_regions(&self, account: &str, regions: &[String], at: i64) -> Result<Vec<RegionBudget>, Error> {
        let subjects: Vec<String> = regions.iter().map(|region| region_subject(region)).collect();
        let rows = privacy_account::Entity::find().filter(privacy_account::COLUMN.subject.is_in(&subjects));
        let rows: HashMap<String, _> =
            rows.all(&self.db).await?.into_iter().map(|row| (row.subject.clone(), row)).collect();
        let active = spending::load_active(&self.db, account, at).await?;
        let own = BTreeSet::from([account.to_owned()]);
        let month = spending::load_viewed(&self.db, &own, &subjects, at - BUDGET_WINDOW, at).await?;
        let year = spending::load_viewed(&self.db, &own, &subjects, at - YEAR, at).await?;
        let first_come = self.first_come(&rows, &active, at).await?;

        let budget = |region: &String| {
            let subject = region_subject(region);
            let row = rows.get(&subject)?;
            let each = |cap: i64| Shares::new(cap, &active, None).each;
            let left = |cap: i64, viewed: &HashMap<String, BTreeMap<String, i64>>| {
                let viewed = viewed.get(&subject).and_then(|viewed| viewed.get(account)).copied().unwrap_or(0);
                (each(cap) - viewed).max(0)
            };
            let left_of_year = row.cap_year_mu.map_or(i64::MAX, |cap| left(cap, &year));
            Some(RegionBudget {
                region: region.clone(),
                cap_mu: row.cap_mu,
                cap_year_mu: row.cap_year_mu,
                guaranteed_mu: each(row.cap_mu),
                guaranteed_left_mu: left(row.cap_mu, &month).min(left_of_year),
                first_come_left_mu: first_come.get(&subject).copied().unwrap_or(0),
            })
        };
        Ok(regions.iter().filter_map(budget).collect())
    }

    async fn first_come(
        &self,
        rows: &HashMap<String, privacy_account::Model>,
        active: &BTreeSet<String>,
        at: i64,
    ) -> Result<HashMap<String, i64>, Error> {
        let midnight = at.div_euclid(DAY) * DAY;
        let entry = |subject: &str| (subject.to_owned(), midnight);
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
        let month = spending::load_drawn(&self.db, &unknown, midnight - BUDGET_WINDOW, midnight).await?;
        let year = spending::load_drawn(&self.db, &unknown, midnight - YEAR, midnight).await?;
        for subject in &unknown {
            let row = &rows[subject];
            let free = |cap: i64, drawn: &HashMap<String, BTreeMap<String, i64>>| {
                cap - Shares::new(cap, active, drawn.get(subject)).held_by_others("")
            };
            let of_year = row.cap_year_mu.map(|cap| free(cap, &year));
            let least = [Some(free(row.cap_mu, &month)), of_year].into_iter().flatten().min();
            let mu = least.unwrap_or(0).max(0).div_euclid(STEP_MU) * STEP_MU;
            self.first_come.insert(entry(subject), mu);
            left.insert(subject.clone(), mu);
        }
        Ok(left)
    }
}
