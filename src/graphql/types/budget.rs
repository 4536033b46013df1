//! The remaining privacy budget of a key and of the regions.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    domain::{
        clock::format_time,
        error::Error,
        page::{MAX_REGIONS, parse_size},
    },
    graphql::context::RequestContext,
    privacy::{budget, bundles::units, ledger::BUDGET_WINDOW_DAYS},
};

/// The privacy units that this key may spend in any 30 days, and what it has spent in the last 30 days. A rotated key
/// and its successor share one budget.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PrivacyBudget {
    /// Units that may be spent in any window of `windowDays` days.
    units: f64,
    /// Length of the rolling window, in days. The window ends now.
    window_days: i64,
    /// Units spent in the current window.
    spent: f64,
    /// Units left in the current window, 0 or more.
    left: f64,
    /// When spent units become available again, soonest first.
    returns: Vec<UnitsReturn>,
}

/// Units that become available again.
#[derive(SimpleObject)]
pub struct UnitsReturn {
    /// The time, as RFC 3339 in UTC. Units that return on the same day (UTC) are combined, at the time of the last of
    /// them.
    at: String,
    /// The number of units.
    units: f64,
}

/// The part of a region's privacy budget that is available to this key. Every release of a segment that may contain
/// people of the region is charged to the region once, when the first key views it.
#[derive(SimpleObject)]
pub struct RegionBudget {
    /// The region.
    region: String,
    /// Units that all keys together may spend in this region in any 30 days.
    units: f64,
    /// Units that all keys together may spend in this region in any 365 days. Null if there is no yearly cap.
    units_per_year: Option<f64>,
    /// Units of the 30-day cap that are guaranteed to this key: half of `units`, divided equally among the active keys.
    guaranteed: f64,
    /// Guaranteed units left for this key: the smaller of what is left of its 30-day part and of its 365-day part.
    /// Every release that this key views counts against its parts, even if another key caused the charge.
    guaranteed_left: f64,
    /// Units that were available beyond the guaranteed parts, on a first-come basis, at the last midnight UTC, rounded
    /// down to a multiple of 5. The current value is not shown, because it would reveal the queries of other keys.
    first_come_left: f64,
}

impl From<budget::Budget> for PrivacyBudget {
    fn from(budget: budget::Budget) -> Self {
        let returns = budget
            .returns
            .iter()
            .map(|(at, milliunits)| UnitsReturn { at: format_time(*at), units: units(*milliunits) });
        Self {
            units: units(budget.cap_milliunits),
            window_days: BUDGET_WINDOW_DAYS,
            spent: units(budget.spent_milliunits),
            left: units(budget.left_milliunits()),
            returns: returns.collect(),
        }
    }
}

impl From<budget::RegionBudget> for RegionBudget {
    fn from(budget: budget::RegionBudget) -> Self {
        Self {
            region: budget.region,
            units: units(budget.cap_milliunits),
            units_per_year: budget.cap_year_milliunits.map(units),
            guaranteed: units(budget.guaranteed_milliunits),
            guaranteed_left: units(budget.guaranteed_left_milliunits),
            first_come_left: units(budget.first_come_left_milliunits),
        }
    }
}

#[ComplexObject]
impl PrivacyBudget {
    /// Remaining budgets of the regions of the newest epoch, in order of region name. `BAD_USER_INPUT` if `first` is
    /// out of range.
    async fn regions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of regions to return, 0 to 100.", default = 20)] first: Option<i32>,
        #[graphql(desc = "Return the regions whose names come after this one.")] after: Option<String>,
    ) -> Result<Vec<RegionBudget>, Error> {
        let context = RequestContext::of(ctx)?;
        let first = parse_size("first", first.unwrap_or(20), MAX_REGIONS)?;
        let after = after.unwrap_or_default();
        let regions = context.epoch.vocabulary.regions.iter().filter(|region| **region > after);
        let regions: Vec<String> = regions.take(first).cloned().collect();
        let budgets = context.services.releases.region_budgets(&context.caller.account, &regions).await?;
        Ok(budgets.into_iter().map(RegionBudget::from).collect())
    }
}
