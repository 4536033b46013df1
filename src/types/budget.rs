//! What is left of the privacy budget.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    clock::{DAY, format_time},
    error::Error,
    privacy::{budget, bundles::units, ledger::BUDGET_WINDOW},
    session::Session,
};

/// Regions of one page.
pub const MOST_REGIONS: i32 = 100;

/// Privacy units of the key: what it may spend in any 30 days, and what it spent in those that end now. A key that was
/// rotated shares them with the one that follows it.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PrivacyBudget {
    /// Units that may be spent in the window.
    units: f64,
    /// Days of the window; it ends now.
    window_days: i64,
    /// Units spent in the window.
    spent: f64,
    /// Units left.
    left: f64,
    /// When what was spent returns, soonest first.
    returns: Vec<UnitsReturn>,
}

/// Units that return.
#[derive(SimpleObject)]
pub struct UnitsReturn {
    /// When, RFC 3339, UTC; what returns on one day comes together, at the time of the last of it.
    at: String,
    /// How many.
    units: f64,
}

/// What the key may still make of a region's budget. Every release of a segment that may hold people of the region
/// draws on it, once, whoever asks first.
#[derive(SimpleObject)]
pub struct RegionBudget {
    /// The region.
    region: String,
    /// Units that all keys together may draw in any 30 days.
    units: f64,
    /// Units that all keys together may draw in any 365 days; null = no such cap.
    units_per_year: Option<f64>,
    /// This key's equal part of the half of `units` that is kept for the active keys.
    guaranteed: f64,
    /// What is left of that part and of the one of the year, the smaller of both; what the key looks at counts, whoever
    /// drew it.
    guaranteed_left: f64,
    /// What was left for whoever comes first at the last midnight UTC, rounded down to 5 units. The exact figure of now
    /// would tell what other keys asked.
    first_come_left: f64,
}

impl From<budget::Budget> for PrivacyBudget {
    fn from(budget: budget::Budget) -> Self {
        let returns = budget.returns.iter().map(|(at, mu)| UnitsReturn { at: format_time(*at), units: units(*mu) });
        Self {
            units: units(budget.cap_mu),
            window_days: BUDGET_WINDOW / DAY,
            spent: units(budget.spent_mu),
            left: units(budget.left_mu()),
            returns: returns.collect(),
        }
    }
}

impl From<budget::RegionBudget> for RegionBudget {
    fn from(budget: budget::RegionBudget) -> Self {
        Self {
            region: budget.region,
            units: units(budget.cap_mu),
            units_per_year: budget.cap_year_mu.map(units),
            guaranteed: units(budget.guaranteed_mu),
            guaranteed_left: units(budget.guaranteed_left_mu),
            first_come_left: units(budget.first_come_left_mu),
        }
    }
}

#[ComplexObject]
impl PrivacyBudget {
    /// What is left of the regions of the newest epoch, by name.
    async fn regions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many, at most 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "The region after which to begin.")] after: Option<String>,
    ) -> Result<Vec<RegionBudget>, Error> {
        let session = Session::of(ctx)?;
        let first =
            usize::try_from(first.unwrap_or(20)).ok().filter(|first| *first <= MOST_REGIONS.unsigned_abs() as usize);
        let first = first.ok_or_else(|| Error::input("first", format!("must be 0 to {MOST_REGIONS}.")))?;
        let after = after.unwrap_or_default();
        let regions = session.epoch.vocabulary.regions.iter().filter(|region| **region > after);
        let regions: Vec<String> = regions.take(first).cloned().collect();
        let budgets = session.state.desk.region_budgets(&session.caller.account, &regions).await?;
        Ok(budgets.into_iter().map(RegionBudget::from).collect())
    }
}
