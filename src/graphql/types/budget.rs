//! The remaining privacy budget of a key and of the regions.

use async_graphql::{ComplexObject, Context, SimpleObject};

use crate::{
    domain::{
        atom::{Atom, BAND_COUNT, band_name},
        clock::format_time,
        error::Error,
        page::{MAX_REGIONS, parse_size},
    },
    graphql::context::RequestContext,
    privacy::{budget, bundles::units, ledger::BUDGET_WINDOW_DAYS},
};

/// The privacy units that this key may spend in any 30 days, and what it has spent in the last 30 days. Units are
/// counted for each age band of each region: a segment costs only the people whom it can contain. A rotated key and its
/// successor share one budget.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct PrivacyBudget {
    /// Units that may be spent for each age band of each region in any window of `windowDays` days.
    units: f64,
    /// Length of the rolling window, in days. The window ends now.
    window_days: i64,
    /// Units spent in the current window for the age band of which the most was spent.
    spent: f64,
    /// Units left in the current window for the age band of which the most was spent, 0 or more.
    left: f64,
    #[graphql(skip)]
    budget: budget::Budget,
}

/// What a key has spent for the people of one age band of one region.
#[derive(Clone, SimpleObject)]
pub struct AtomBudget {
    /// The region.
    region: String,
    /// The age band, such as `25-34`, or `unknown`.
    age_band: String,
    /// Units spent in the current window.
    spent: f64,
    /// Units left in the current window, 0 or more.
    left: f64,
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
/// people of the region is charged once to the age bands of the segment, when the first key views it.
#[derive(SimpleObject)]
pub struct RegionBudget {
    /// The region.
    region: String,
    /// Units that all keys together may spend for each age band of this region in any 30 days.
    units: f64,
    /// Units that all keys together may spend for each age band in any 365 days. Null if there is no yearly cap.
    units_per_year: Option<f64>,
    /// Units of the 30-day cap that are guaranteed to this key: half of `units`, divided equally among the active keys.
    /// The least of all age bands.
    guaranteed: f64,
    /// Guaranteed units left for this key: the smaller of what is left of its 30-day part and of its 365-day part.
    /// Every release that this key views counts against its parts, even if another key caused the charge. The least of
    /// all age bands.
    guaranteed_left: f64,
    /// Units that were available beyond the guaranteed parts, on a first-come basis, at the last midnight UTC, rounded
    /// down to a multiple of 5. The current value is not shown, because it would reveal the queries of other keys. The
    /// least of all age bands.
    first_come_left: f64,
    /// The same by age band, youngest first; the last one is the unknown age.
    age_bands: Vec<BandBudget>,
}

/// The part of the budget of an age band of a region that is available to this key.
#[derive(SimpleObject)]
pub struct BandBudget {
    /// The age band, such as `25-34`, or `unknown`.
    age_band: String,
    /// As in `RegionBudget`.
    guaranteed: f64,
    /// As in `RegionBudget`.
    guaranteed_left: f64,
    /// As in `RegionBudget`.
    first_come_left: f64,
}

impl From<budget::Budget> for PrivacyBudget {
    fn from(budget: budget::Budget) -> Self {
        Self {
            units: units(budget.cap_microunits),
            window_days: BUDGET_WINDOW_DAYS,
            spent: units(budget.most_spent_microunits()),
            left: units(budget.left_microunits()),
            budget,
        }
    }
}

impl AtomBudget {
    fn new(cap_microunits: i64, (atom, spent): &(Atom, i64)) -> Self {
        Self {
            region: atom.region.clone(),
            age_band: atom.band_name().to_owned(),
            spent: units(*spent),
            left: units((cap_microunits - spent).max(0)),
        }
    }
}

impl From<budget::RegionBudget> for RegionBudget {
    fn from(budget: budget::RegionBudget) -> Self {
        let least = |of: fn(&budget::BandBudget) -> i64| units(budget.bands.iter().map(of).min().unwrap_or(0));
        let band = |number: usize| BandBudget {
            age_band: band_name(number).to_owned(),
            guaranteed: units(budget.bands[number].guaranteed_microunits),
            guaranteed_left: units(budget.bands[number].guaranteed_left_microunits),
            first_come_left: units(budget.bands[number].first_come_left_microunits),
        };
        Self {
            guaranteed: least(|band| band.guaranteed_microunits),
            guaranteed_left: least(|band| band.guaranteed_left_microunits),
            first_come_left: least(|band| band.first_come_left_microunits),
            age_bands: (1..BAND_COUNT).chain([0]).map(band).collect(),
            region: budget.region,
            units: units(budget.cap_microunits),
            units_per_year: budget.cap_year_microunits.map(units),
        }
    }
}

#[ComplexObject]
impl PrivacyBudget {
    /// What was spent in the current window by age band and region, the most first. Age bands of which nothing was
    /// spent are omitted. `BAD_USER_INPUT` if `first` is out of range.
    async fn atoms(
        &self,
        #[graphql(desc = "Number of age bands to return, 0 to 100.", default = 20)] first: Option<i32>,
    ) -> Result<Vec<AtomBudget>, Error> {
        let first = parse_size("first", first.unwrap_or(20), MAX_REGIONS)?;
        let spent = self.budget.spent.iter().take(first);
        Ok(spent.map(|spent| AtomBudget::new(self.budget.cap_microunits, spent)).collect())
    }

    /// When units of the age band of which the most was spent become available again, soonest first.
    async fn returns(&self, ctx: &Context<'_>) -> Result<Vec<UnitsReturn>, Error> {
        let context = RequestContext::of(ctx)?;
        let Some((atom, _)) = self.budget.spent.first() else { return Ok(Vec::new()) };
        let returns = context.services.releases.returns(&context.caller.account, atom).await?;
        Ok(returns.into_iter().map(|(at, amount)| UnitsReturn { at: format_time(at), units: units(amount) }).collect())
    }

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
