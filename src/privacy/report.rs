//! The operator's privacy report: the spending of keys and regions, the number of releases, and the privacy guarantee
//! that follows from the caps in force.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, QueryOrder,
    sea_query::{Expr, Query},
};
use serde::Serialize;

use super::{
    bundles::{self, Bundle, DELTA, K_MIN, units},
    ledger::{BUDGET_WINDOW, KEY_CAP_MU, REGION, REGION_CAP_MU, REGION_CAP_YEAR_MU, YEAR},
    spending,
};
use crate::{
    entity::{api_key, privacy_account, privacy_release, privacy_view},
    error::Error,
};

/// The operator's privacy report. Amounts are in milliunits.
#[derive(Serialize)]
pub struct Report {
    pub keys: Vec<KeyLine>,
    pub regions: Vec<RegionLine>,
    pub releases: Vec<BundleLine>,
    /// The share of suppressed sizes among all released and suppressed sizes, 0 to 1; `None` if there are none.
    pub suppressed_share: Option<f64>,
    /// The number of stored minimum-difference verdicts: one per account and segment.
    pub views: u64,
    /// The number of these verdicts that withhold the segment.
    pub views_denied: u64,
    pub promise: Promise,
}

/// An account of keys. A rotated key shares its account with the keys that replace it.
#[derive(Default, Serialize)]
pub struct KeyLine {
    pub keys: Vec<String>,
    pub partner: String,
    /// Whether at least one of the keys is neither revoked nor expired.
    pub active: bool,
    pub cap_mu: i64,
    pub spent_mu: i64,
}

#[derive(Serialize)]
pub struct RegionLine {
    pub region: String,
    pub cap_mu: i64,
    pub spent_mu: i64,
    pub cap_year_mu: Option<i64>,
    pub spent_year_mu: i64,
}

#[derive(Serialize)]
pub struct BundleLine {
    pub bundle: String,
    pub ready: u64,
    pub suppressed: u64,
    pub pending: u64,
}

impl Report {
    /// Loads the report from committed rows, as of `now` (Unix seconds).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(db: &DatabaseConnection, now: i64) -> anyhow::Result<Self> {
        let accounts = privacy_account::Entity::find().order_by_asc(privacy_account::COLUMN.subject).all(db).await?;
        let subjects: BTreeSet<&str> = accounts.iter().map(|account| account.subject.as_str()).collect();
        let spent = spending::load(db, &subjects, now - YEAR).await.map_err(Error::explain)?;
        let spent =
            |subject: &str, window: i64| spent.get(subject).map_or(0, |spent| spending::sum(spent, now, window));
        let mut holders: BTreeMap<String, KeyLine> = BTreeMap::new();
        for key in api_key::Entity::find().order_by_asc(api_key::COLUMN.created_at).all(db).await? {
            let holder = holders.entry(key.privacy_subject).or_default();
            holder.active |= key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
            holder.partner = key.partner_id;
            holder.keys.push(key.key_id);
        }
        let (mut keys, mut regions) = (Vec::new(), Vec::new());
        for account in &accounts {
            let spent_mu = spent(&account.subject, BUDGET_WINDOW);
            if let Some(region) = account.subject.strip_prefix(REGION) {
                regions.push(RegionLine {
                    region: region.to_owned(),
                    cap_mu: account.cap_mu,
                    spent_mu,
                    cap_year_mu: account.cap_year_mu,
                    spent_year_mu: spent(&account.subject, YEAR),
                });
            } else if let Some(holder) = holders.remove(&account.subject) {
                keys.push(KeyLine { cap_mu: account.cap_mu, spent_mu, ..holder });
            }
        }
        let releases = load_releases(db).await?;
        let size = releases.iter().find(|line| line.bundle == Bundle::Size.name());
        let drawn = size.map_or(0, |size| size.ready + size.suppressed);
        let suppressed_share = size.filter(|_| drawn > 0).map(|size| size.suppressed as f64 / drawn as f64);
        let (mut views, mut views_denied) = (0, 0);
        for (shown, count) in load_views(db).await? {
            views += count;
            views_denied += if shown { 0 } else { count };
        }
        let promise = Promise::of(&keys, &regions);
        Ok(Self { keys, regions, releases, suppressed_share, views, views_denied, promise })
    }
}

async fn load_releases(db: &DatabaseConnection) -> Result<Vec<BundleLine>, DbErr> {
    let select = Query::select()
        .columns(["bundle", "status"])
        .expr(Expr::cust("count(*)"))
        .from(privacy_release::Entity)
        .add_group_by([Expr::col("bundle"), Expr::col("status")])
        .to_owned();
    let mut counts: BTreeMap<(String, String), u64> = BTreeMap::new();
    for row in db.query_all(&select).await? {
        let count: i64 = row.try_get_by_index(2)?;
        counts.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?), count.unsigned_abs());
    }
    let line = |bundle: Bundle| {
        let of = |status: &str| counts.get(&(bundle.name().to_owned(), status.to_owned())).copied().unwrap_or(0);
        BundleLine {
            bundle: bundle.name().to_owned(),
            ready: of("ready"),
            suppressed: of("suppressed"),
            pending: of("pending"),
        }
    };
    Ok(Bundle::ALL.into_iter().map(line).collect())
}

async fn load_views(db: &DatabaseConnection) -> Result<Vec<(bool, u64)>, DbErr> {
    let select = Query::select()
        .column("shown")
        .expr(Expr::cust("count(*)"))
        .from(privacy_view::Entity)
        .add_group_by([Expr::col("shown")])
        .to_owned();
    let rows = db.query_all(&select).await?;
    rows.iter().map(|row| Ok((row.try_get_by_index(0)?, row.try_get_by_index::<i64>(1)?.unsigned_abs()))).collect()
}

/// The most that an attacker with arbitrary other knowledge can infer about one person from releases within one privacy
/// budget.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// The budget, in milliunits.
    pub mu: i64,
    pub rho: f64,
    /// The epsilon at delta 5e-7.
    pub epsilon: f64,
    /// The maximum probability of a right guess whether a person is in the data, with a prior probability of 0.5.
    pub membership: f64,
    /// The maximum probability of a right guess which of two complete records is in the data, with a prior probability
    /// of 0.5.
    pub record: f64,
}

impl Bound {
    #[must_use]
    pub fn of(mu: i64) -> Self {
        let rho = bundles::rho_of_units(mu);
        // A loss of rho corresponds to distinguishing N(0, 1) from N(shift, 1). Exchanging a record doubles the shift.
        let shift = (2.0 * rho).sqrt();
        let below = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        Self { mu, rho, epsilon: bundles::epsilon(rho, DELTA), membership: below(shift / 2.0), record: below(shift) }
    }
}

/// The privacy guarantee to the people in the data.
#[derive(Serialize)]
pub struct Promise {
    /// For everything that one key can view in 30 days.
    pub key: Bound,
    /// For all releases about a region in 30 days.
    pub region: Bound,
    /// For all releases about a region in 365 days; `None` if a region has no such cap.
    pub year: Option<Bound>,
}

impl Promise {
    /// Computes the guarantee from the caps, or from the amount already spent where a cap was lowered below it. If
    /// there are no accounts of a kind yet, the default cap is used.
    fn of(keys: &[KeyLine], regions: &[RegionLine]) -> Self {
        let mut years = regions.iter().map(|region| Some(region.cap_year_mu?.max(region.spent_year_mu)));
        // If one region has no yearly cap, there is no yearly bound.
        let largest = |most: i64, cap: Option<i64>| Some(most.max(cap?));
        let year = if regions.is_empty() { Some(REGION_CAP_YEAR_MU) } else { years.try_fold(0, largest) };
        let months = regions.iter().map(|region| region.cap_mu.max(region.spent_mu));
        // The bound of a month is at most that of a year, and the bound of a key is at most that of its region.
        let month = months.max().unwrap_or(REGION_CAP_MU).min(year.unwrap_or(i64::MAX));
        let keys = keys.iter().filter(|key| key.active || key.spent_mu > 0);
        let key = keys.map(|key| key.cap_mu.max(key.spent_mu)).max().unwrap_or(KEY_CAP_MU).min(month);
        Self { key: Bound::of(key), region: Bound::of(month), year: year.map(Bound::of) }
    }

    /// The guarantee as text for the people in the data (`docs/privacy.md`, "What is promised").
    #[must_use]
    pub fn text(&self) -> String {
        let of_100 = |chance: f64| format!("{:.0}", (chance * 100.0).round());
        let year = self.year.map_or_else(
            || "no bound after a year".to_owned(),
            |year| format!("{} in 100 after a whole year at the permitted maximum", of_100(year.membership)),
        );
        format!(
            "Partners never see records, only noisy statistics over groups of at least {K_MIN} people (in practice \
             about 300), at least three days old and never finer than the region that the operator has set. The noise \
             is calculated so that whatever a partner asks with one key in any 30 days, and whatever else it knows, it \
             cannot tell whether your data was used at all much better than by tossing a coin: at best {} right \
             guesses in 100. If all partners in your region pooled everything, at best {} in 100 for a month and \
             {year}. These parameters are published with every answer, and queries are refused when the budget is \
             spent.",
            of_100(self.key.membership),
            of_100(self.region.membership),
        )
    }
}

/// A warning if a cap is missing or above the cap that the published promise assumes; `None` otherwise. `cap_mu` and
/// `promised_mu` are in milliunits.
#[must_use]
pub fn warning(what: &str, cap_mu: Option<i64>, promised_mu: i64, days: i64) -> Option<String> {
    match cap_mu {
        Some(cap) if cap <= promised_mu => None,
        Some(cap) => Some(format!(
            "warning: {what} may spend {} units in {days} days; the published promise is made for {}",
            units(cap),
            units(promised_mu)
        )),
        None => Some(format!(
            "warning: {what} has no cap in {days} days; the published promise is made for {}",
            units(promised_mu)
        )),
    }
}

impl RegionLine {
    /// Warnings about caps of the region that are above those of the published promise.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let what = format!("region {}", self.region);
        let month = warning(&what, Some(self.cap_mu), REGION_CAP_MU, 30);
        month.into_iter().chain(warning(&what, self.cap_year_mu, REGION_CAP_YEAR_MU, 365))
    }
}

impl Report {
    /// Warnings about caps of active keys and of regions that are above those of the published promise.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let keys = self.keys.iter().filter(|key| key.active);
        let keys =
            keys.filter_map(|key| warning(&format!("key {}", key.keys.join(", ")), Some(key.cap_mu), KEY_CAP_MU, 30));
        keys.chain(self.regions.iter().flat_map(RegionLine::warnings)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promise_of_the_default_caps_is_the_published_one() {
        let promise = Promise::of(&[], &[]);
        let flat = |text: &str| text.replace("> ", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat(include_str!("../../docs/privacy.md")).contains(&flat(&promise.text())), "{}", promise.text());
    }

    fn region(cap_mu: i64, cap_year_mu: Option<i64>, spent_mu: i64) -> RegionLine {
        RegionLine { region: "r".to_owned(), cap_mu, spent_mu, cap_year_mu, spent_year_mu: spent_mu }
    }

    #[test]
    fn the_promise_follows_the_caps_and_what_was_spent() {
        let key = |cap_mu, active, spent_mu| KeyLine { active, cap_mu, spent_mu, ..KeyLine::default() };
        let numbers = |keys: &[KeyLine], regions: &[RegionLine]| {
            let promise = Promise::of(keys, regions);
            (promise.key.mu, promise.region.mu, promise.year.map(|year| year.mu))
        };
        let normal = || region(60_000, Some(240_000), 0);
        assert_eq!(numbers(&[key(20_000, true, 0)], &[normal()]), (20_000, 60_000, Some(240_000)));
        assert_eq!(numbers(&[key(90_000, true, 0)], &[normal()]), (60_000, 60_000, Some(240_000)));
        assert_eq!(
            numbers(&[key(5_000, false, 0)], &[region(300_000, Some(240_000), 0)]),
            (20_000, 240_000, Some(240_000))
        );
        assert_eq!(
            numbers(&[key(1_000, true, 9_000)], &[region(5_000, Some(5_000), 60_000)]),
            (9_000, 60_000, Some(60_000))
        );
        assert_eq!(numbers(&[], &[normal(), region(70_000, None, 0)]), (20_000, 70_000, None));
        assert!(Promise::of(&[], &[region(1_000, None, 0)]).text().contains("no bound after a year"));
    }

    #[test]
    fn caps_above_the_promise_are_warned_of() {
        assert_eq!(region(60_000, Some(240_000), 0).warnings().count(), 0);
        assert_eq!(
            region(60_500, None, 0).warnings().collect::<Vec<_>>(),
            [
                "warning: region r may spend 60.5 units in 30 days; the published promise is made for 60",
                "warning: region r has no cap in 365 days; the published promise is made for 240"
            ]
        );
    }

    #[test]
    fn guesses_are_those_of_the_specification() {
        for (mu, membership, record) in [
            (250, 0.511, 0.522),
            (1_000, 0.522, 0.544),
            (20_000, 0.598, 0.691),
            (60_000, 0.667, 0.806),
            (240_000, 0.806, 0.958),
        ] {
            let bound = Bound::of(mu);
            assert!((bound.membership - membership).abs() < 1e-3, "{bound:?}");
            assert!((bound.record - record).abs() < 1e-3, "{bound:?}");
        }
    }
}
