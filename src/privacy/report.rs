//! The operator's privacy report: the spending of keys and regions, the number of releases, and the privacy guarantee
//! that follows from the caps in force.

use std::collections::BTreeMap;

use sea_orm::DatabaseConnection;
use serde::{Serialize, Serializer};

use super::{
    bundles::{self, Bundle, DELTA, K_MIN, units},
    ledger::{BUDGET_WINDOW, KEY_CAP_MICROUNITS, REGION_CAP_MICROUNITS, REGION_CAP_YEAR_MICROUNITS, YEAR_WINDOW},
    steps::STEPS,
};
use crate::{
    domain::atom::Atom,
    storage::{
        accounts::{self, REGION_PREFIX},
        charges::{self, Spending},
        keys,
        releases::{self, Status},
        views,
    },
};

/// The operator's privacy report. What an account has spent is what it has spent of the atom (region and age band) of
/// which it has spent the most.
#[derive(Serialize)]
pub struct Report {
    pub keys: Vec<KeyRow>,
    pub regions: Vec<RegionRow>,
    pub releases: Vec<BundleRow>,
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
pub struct KeyRow {
    pub keys: Vec<String>,
    pub partner: String,
    /// Whether at least one of the keys is neither revoked nor expired.
    pub active: bool,
    #[serde(rename = "cap_mu", serialize_with = "milliunits")]
    pub cap_microunits: i64,
    #[serde(rename = "spent_mu", serialize_with = "milliunits")]
    pub spent_microunits: i64,
    /// What was spent in 30 days by atom, the most first.
    pub atoms: Vec<AtomRow>,
}

/// What was spent of an age band of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AtomRow {
    pub region: String,
    pub age_band: &'static str,
    pub spent_microunits: i64,
}

#[derive(Serialize)]
pub struct RegionRow {
    pub region: String,
    #[serde(rename = "cap_mu", serialize_with = "milliunits")]
    pub cap_microunits: i64,
    #[serde(rename = "spent_mu", serialize_with = "milliunits")]
    pub spent_microunits: i64,
    #[serde(rename = "cap_year_mu", serialize_with = "optional_milliunits")]
    pub cap_year_microunits: Option<i64>,
    #[serde(rename = "spent_year_mu", serialize_with = "milliunits")]
    pub spent_year_microunits: i64,
    /// What was spent in 30 days by age band, the most first.
    pub atoms: Vec<AtomRow>,
}

#[derive(Serialize)]
pub struct BundleRow {
    pub bundle: String,
    /// Published steps.
    pub ready: u64,
    /// Steps of sizes with which a segment did not pass the size rule.
    pub suppressed: u64,
}

impl Report {
    /// Loads the report from committed rows, as of `now` (Unix seconds).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn load(db: &DatabaseConnection, now: i64) -> anyhow::Result<Self> {
        let accounts = accounts::load_all(db).await?;
        let subjects: Vec<&str> = accounts.iter().map(|account| account.subject.as_str()).collect();
        let since = [now - BUDGET_WINDOW, now - YEAR_WINDOW];
        let spending = charges::spending(db, &subjects, None, None, since, i64::MAX).await?;
        let spent_year = |subject: &str| {
            charges::by_atom(&spending, subject, |row| &row.year).first().map_or(0, |(_, microunits)| *microunits)
        };
        let mut holders = load_holders(db, now).await?;
        let (mut keys, mut regions) = (Vec::new(), Vec::new());
        for account in &accounts {
            let (cap_microunits, atoms) = (account.cap_microunits, atoms_of(&spending, &account.subject));
            let spent_microunits = atoms.first().map_or(0, |atom| atom.spent_microunits);
            if let Some(region) = account.subject.strip_prefix(REGION_PREFIX) {
                regions.push(RegionRow {
                    region: region.to_owned(),
                    cap_microunits,
                    spent_microunits,
                    cap_year_microunits: account.cap_year_microunits,
                    spent_year_microunits: spent_year(&account.subject),
                    atoms,
                });
            } else if let Some(holder) = holders.remove(&account.subject) {
                keys.push(KeyRow { cap_microunits, spent_microunits, atoms, ..holder });
            }
        }
        let releases = load_releases(db).await?;
        let (passed, failed) = releases::count_sizes(db, STEPS).await?;
        let sizes = passed + failed;
        let suppressed_share = (sizes > 0).then(|| failed as f64 / sizes as f64);
        let (mut views, mut views_denied) = (0, 0);
        for (shown, count) in views::count(db).await? {
            views += count;
            views_denied += if shown { 0 } else { count };
        }
        let promise = Promise::of(&keys, &regions);
        Ok(Self { keys, regions, releases, suppressed_share, views, views_denied, promise })
    }
}

/// What an account has spent in 30 days by atom, the most first.
fn atoms_of(spending: &[Spending], subject: &str) -> Vec<AtomRow> {
    let atoms = charges::by_atom(spending, subject, |row| &row.month).into_iter();
    let row = |(atom, spent_microunits): (Atom, i64)| AtomRow {
        age_band: atom.band_name(),
        region: atom.region,
        spent_microunits,
    };
    atoms.map(row).collect()
}

/// Writes microunits as whole milliunits, rounded up.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde demands")]
fn milliunits<S: Serializer>(microunits: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64((microunits + 999).div_euclid(1000))
}

/// As [`milliunits`].
#[expect(clippy::ref_option, reason = "the signature that serde demands")]
fn optional_milliunits<S: Serializer>(microunits: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    microunits.map(|microunits| (microunits + 999).div_euclid(1000)).serialize(serializer)
}

/// The keys of each account.
async fn load_holders(db: &DatabaseConnection, now: i64) -> anyhow::Result<BTreeMap<String, KeyRow>> {
    let mut holders: BTreeMap<String, KeyRow> = BTreeMap::new();
    for key in keys::list(db).await? {
        let is_active = key.is_active(now);
        let holder = holders.entry(key.account).or_default();
        holder.active |= is_active;
        holder.partner = key.partner_id;
        holder.keys.push(key.key_id);
    }
    Ok(holders)
}

async fn load_releases(db: &DatabaseConnection) -> anyhow::Result<Vec<BundleRow>> {
    let counts = releases::count_by_status(db).await?;
    let row = |bundle: Bundle| {
        let of =
            |status: Status| counts.get(&(bundle.name().to_owned(), status.name().to_owned())).copied().unwrap_or(0);
        BundleRow { bundle: bundle.name().to_owned(), ready: of(Status::Ready), suppressed: of(Status::Suppressed) }
    };
    Ok(Bundle::ALL.into_iter().map(row).collect())
}

/// The most that an attacker with arbitrary other knowledge can infer about one person from releases within one privacy
/// budget.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Bound {
    /// The budget, in microunits.
    #[serde(rename = "mu", serialize_with = "milliunits")]
    pub microunits: i64,
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
    pub fn of(microunits: i64) -> Self {
        let rho = bundles::rho_of_microunits(microunits);
        // A loss of rho corresponds to distinguishing N(0, 1) from N(shift, 1). Exchanging a record doubles the shift.
        let shift = (2.0 * rho).sqrt();
        let below = |z: f64| 0.5 * libm::erfc(-z / std::f64::consts::SQRT_2);
        Self {
            microunits,
            rho,
            epsilon: bundles::epsilon(rho, DELTA),
            membership: below(shift / 2.0),
            record: below(shift),
        }
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
    fn of(keys: &[KeyRow], regions: &[RegionRow]) -> Self {
        let mut years =
            regions.iter().map(|region| Some(region.cap_year_microunits?.max(region.spent_year_microunits)));
        // If one region has no yearly cap, there is no yearly bound.
        let largest = |most: i64, cap: Option<i64>| Some(most.max(cap?));
        let year = if regions.is_empty() { Some(REGION_CAP_YEAR_MICROUNITS) } else { years.try_fold(0, largest) };
        let months = regions.iter().map(|region| region.cap_microunits.max(region.spent_microunits));
        // The bound of a month is at most that of a year, and the bound of a key is at most that of its region.
        let month = months.max().unwrap_or(REGION_CAP_MICROUNITS).min(year.unwrap_or(i64::MAX));
        let keys = keys.iter().filter(|key| key.active || key.spent_microunits > 0);
        let key =
            keys.map(|key| key.cap_microunits.max(key.spent_microunits)).max().unwrap_or(KEY_CAP_MICROUNITS).min(month);
        Self { key: Bound::of(key), region: Bound::of(month), year: year.map(Bound::of) }
    }

    /// The guarantee as text for the people in the data (`docs/privacy.md`, "What is promised").
    #[must_use]
    pub fn text(&self) -> String {
        let of_100 = |probability: f64| format!("{:.0}", (probability * 100.0).round());
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

/// A warning if a cap is missing or above the cap that the published promise assumes; `None` otherwise.
#[must_use]
pub fn warning(what: &str, cap_microunits: Option<i64>, promised_microunits: i64, days: i64) -> Option<String> {
    match cap_microunits {
        Some(cap) if cap <= promised_microunits => None,
        Some(cap) => Some(format!(
            "warning: {what} may spend {} units in {days} days; the published promise is made for {}",
            units(cap),
            units(promised_microunits)
        )),
        None => Some(format!(
            "warning: {what} has no cap in {days} days; the published promise is made for {}",
            units(promised_microunits)
        )),
    }
}

impl RegionRow {
    /// Warnings about caps of the region that are above those of the published promise.
    pub fn warnings(&self) -> impl Iterator<Item = String> {
        let what = format!("region {}", self.region);
        let month = warning(&what, Some(self.cap_microunits), REGION_CAP_MICROUNITS, 30);
        month.into_iter().chain(warning(&what, self.cap_year_microunits, REGION_CAP_YEAR_MICROUNITS, 365))
    }
}

impl Report {
    /// Warnings about caps of active keys and of regions that are above those of the published promise.
    #[must_use]
    pub fn warnings(&self) -> Vec<String> {
        let keys = self.keys.iter().filter(|key| key.active);
        let keys = keys.filter_map(|key| {
            warning(&format!("key {}", key.keys.join(", ")), Some(key.cap_microunits), KEY_CAP_MICROUNITS, 30)
        });
        keys.chain(self.regions.iter().flat_map(RegionRow::warnings)).collect()
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

    fn region(cap_microunits: i64, cap_year_microunits: Option<i64>, spent_microunits: i64) -> RegionRow {
        RegionRow {
            region: "r".to_owned(),
            cap_microunits,
            spent_microunits,
            cap_year_microunits,
            spent_year_microunits: spent_microunits,
            atoms: Vec::new(),
        }
    }

    #[test]
    fn the_promise_follows_the_caps_and_what_was_spent() {
        let key = |cap_microunits, active, spent_microunits| KeyRow {
            active,
            cap_microunits,
            spent_microunits,
            ..KeyRow::default()
        };
        let numbers = |keys: &[KeyRow], regions: &[RegionRow]| {
            let promise = Promise::of(keys, regions);
            (promise.key.microunits, promise.region.microunits, promise.year.map(|year| year.microunits))
        };
        let normal = || region(60_000_000, Some(240_000_000), 0);
        assert_eq!(numbers(&[key(20_000_000, true, 0)], &[normal()]), (20_000_000, 60_000_000, Some(240_000_000)));
        assert_eq!(numbers(&[key(90_000_000, true, 0)], &[normal()]), (60_000_000, 60_000_000, Some(240_000_000)));
        assert_eq!(
            numbers(&[key(5_000_000, false, 0)], &[region(300_000_000, Some(240_000_000), 0)]),
            (20_000_000, 240_000_000, Some(240_000_000))
        );
        assert_eq!(
            numbers(&[key(1_000_000, true, 9_000_000)], &[region(5_000_000, Some(5_000_000), 60_000_000)]),
            (9_000_000, 60_000_000, Some(60_000_000))
        );
        assert_eq!(numbers(&[], &[normal(), region(70_000_000, None, 0)]), (20_000_000, 70_000_000, None));
        assert!(Promise::of(&[], &[region(1_000_000, None, 0)]).text().contains("no bound after a year"));
    }

    #[test]
    fn caps_above_the_promise_are_warned_of() {
        assert_eq!(region(60_000_000, Some(240_000_000), 0).warnings().count(), 0);
        assert_eq!(
            region(60_500_000, None, 0).warnings().collect::<Vec<_>>(),
            [
                "warning: region r may spend 60.5 units in 30 days; the published promise is made for 60",
                "warning: region r has no cap in 365 days; the published promise is made for 240"
            ]
        );
    }

    #[test]
    fn guesses_are_those_of_the_specification() {
        for (microunits, membership, record) in [
            (250_000, 0.511, 0.522),
            (1_000_000, 0.522, 0.544),
            (20_000_000, 0.598, 0.691),
            (60_000_000, 0.667, 0.806),
            (240_000_000, 0.806, 0.958),
        ] {
            let bound = Bound::of(microunits);
            assert!((bound.membership - membership).abs() < 1e-3, "{bound:?}");
            assert!((bound.record - record).abs() < 1e-3, "{bound:?}");
        }
    }
}
