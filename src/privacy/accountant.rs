//! The privacy accountant: which charges a document needs, and whether they fit under the caps.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::bundles::Bundle;
use crate::{
    domain::{
        clock::{DAY, day_after},
        epoch::Window,
        error::Error,
    },
    storage::{
        accounts::{REGION_PREFIX, region_subject},
        charges::{self, Charge},
        entity::privacy_account,
        keys,
    },
};

/// The rolling window of the 30-day caps, in days.
pub const BUDGET_WINDOW_DAYS: i64 = 30;
/// The rolling window of the 30-day caps, in seconds.
pub const BUDGET_WINDOW: i64 = BUDGET_WINDOW_DAYS * DAY;
/// The rolling window of the 365-day caps, in seconds.
pub const YEAR_WINDOW: i64 = 365 * DAY;
/// The default cap of a key in any 30 days.
pub const KEY_CAP_MILLIUNITS: i64 = 20_000;
/// The default cap of a region in any 30 days.
pub const REGION_CAP_MILLIUNITS: i64 = 60_000;
/// The default cap of a region in any 365 days.
pub const REGION_CAP_YEAR_MILLIUNITS: i64 = 240_000;

/// A release that a document requests.
#[derive(Clone, Debug)]
pub struct ReleaseRequest {
    pub release_key: String,
    pub bundle: Bundle,
    pub window: Window,
    /// The canonical form of the segment.
    pub segment: String,
    /// The regions that are charged when the release is made.
    pub regions: Vec<String>,
}

/// The amount charged in the window that ends at `at`.
#[must_use]
pub fn sum(charges: &[Charge], at: i64, window: i64) -> i64 {
    charges.iter().filter(|(charged_at, _)| *charged_at > at - window).map(|(_, milliunits)| milliunits).sum()
}

/// Whether an additional `cost` fits under `cap` in the window that ends at `at`.
///
/// # Errors
/// The time at which enough charges have left the window; `None` if `cost` is greater than `cap`, and so never fits.
pub fn fits(charges: &[Charge], cap: i64, cost: i64, at: i64, window: i64) -> Result<(), Option<i64>> {
    let mut sum = sum(charges, at, window);
    if sum + cost <= cap {
        return Ok(());
    }
    for (charged_at, milliunits) in charges.iter().filter(|(charged_at, _)| *charged_at > at - window) {
        sum -= milliunits;
        if sum + cost <= cap {
            return Err(Some(charged_at + window));
        }
    }
    Err(None)
}

/// The accounts of all keys that are active at `at` and have a scope that reads statistics about people, and the
/// account of the payer.
pub async fn load_active(db: &impl ConnectionTrait, payer: &str, at: i64) -> Result<BTreeSet<String>, Error> {
    let mut active = keys::active_accounts(db, at).await?;
    active.insert(payer.to_owned());
    Ok(active)
}

/// The division of a region's cap among accounts. Half of the cap is divided equally into guaranteed parts; the other
/// half is first come, first served.
///
/// Each account reserves what it has charged to the region, or its guaranteed part if that is more. While the sum of
/// all reservations stays within the cap, an account that has viewed less than its guaranteed part can use the rest of
/// it, because an account never charges more to the region than it views. An account whose keys have ended keeps its
/// part until its charges have left the window; otherwise all parts would grow at once while its charges still count.
pub struct RegionShares {
    /// The guaranteed part of each account, in milliunits.
    pub guaranteed_part: i64,
    /// The amount that each account has charged to the region, in milliunits.
    charged: BTreeMap<String, i64>,
    /// Charges without an account that caused them, in milliunits.
    unattributed: i64,
}

impl RegionShares {
    /// Divides `cap` among the `active` accounts and those in `charged`, the amounts that accounts have charged to the
    /// region.
    #[must_use]
    pub fn new(cap: i64, active: &BTreeSet<String>, charged: Option<&BTreeMap<String, i64>>) -> Self {
        let mut all: BTreeMap<String, i64> = active.iter().map(|account| (account.clone(), 0)).collect();
        all.extend(charged.into_iter().flatten().map(|(account, milliunits)| (account.clone(), *milliunits)));
        let unattributed = all.remove("").unwrap_or(0);
        let accounts = i64::try_from(all.len()).unwrap_or(i64::MAX).max(1);
        Self { guaranteed_part: cap / 2 / accounts, charged: all, unattributed }
    }

    /// The amount that other accounts than `account` reserve, in milliunits: for each, the greater of its charges and
    /// its guaranteed part.
    #[must_use]
    pub fn reserved_by_others(&self, account: &str) -> i64 {
        let others = self.charged.iter().filter(|(other, _)| *other != account);
        self.unattributed + others.map(|(_, charged)| *charged.max(&self.guaranteed_part)).sum::<i64>()
    }
}

/// The charges that a document needs.
pub struct RequiredCharges<'a> {
    payer: &'a str,
    /// (subject, release key) -> milliunits.
    pub charges: BTreeMap<(String, String), i64>,
    /// Region account -> milliunits that the payer is charged for its first views of releases that cover the region.
    views: HashMap<String, i64>,
}

impl<'a> RequiredCharges<'a> {
    /// The charges for requested releases, without those in `charged`: (subject, release key).
    pub fn new<'b>(
        payer: &'a str,
        requests: impl Iterator<Item = &'b ReleaseRequest>,
        charged: &HashSet<(String, String)>,
    ) -> Self {
        let (mut charges, mut views) = (BTreeMap::new(), HashMap::<String, i64>::new());
        for request in requests {
            let milliunits = request.bundle.price_milliunits();
            let entry = (payer.to_owned(), request.release_key.clone());
            let is_first_view = !charged.contains(&entry) && charges.insert(entry, milliunits).is_none();
            for subject in request.regions.iter().map(|region| region_subject(region)) {
                if is_first_view {
                    *views.entry(subject.clone()).or_default() += milliunits;
                }
                let entry = (subject, request.release_key.clone());
                if !charged.contains(&entry) {
                    charges.insert(entry, milliunits);
                }
            }
        }
        Self { payer, charges, views }
    }

    /// The amount charged to a subject, in milliunits.
    pub fn of_subject(&self, subject: &str) -> i64 {
        self.charges.iter().filter(|((charged, _), _)| charged == subject).map(|(_, milliunits)| milliunits).sum()
    }

    /// Checks the charges against the caps of all accounts.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] for the first cap that would be exceeded.
    pub async fn check_caps(
        &self,
        transaction: &DatabaseTransaction,
        accounts: &[privacy_account::Model],
        at: i64,
    ) -> Result<(), Error> {
        let subjects: BTreeSet<&str> = accounts.iter().map(|account| account.subject.as_str()).collect();
        let charged = charges::load(transaction, &subjects, at - YEAR_WINDOW).await?;
        let of = |subject: &str| charged.get(subject).map_or(&[][..], Vec::as_slice);
        let own = of(self.payer);
        for account in accounts {
            let windows = [(Some(account.cap_milliunits), BUDGET_WINDOW), (account.cap_year_milliunits, YEAR_WINDOW)];
            for (cap, window) in windows.into_iter().filter_map(|(cap, window)| Some((cap?, window))) {
                if account.subject == self.payer {
                    let cost = self.of_subject(self.payer);
                    let fits = if cost > 0 { fits(own, cap, cost, at, window) } else { Ok(()) };
                    fits.map_err(|returns_at| Error::PrivacyBudgetExhausted { region: None, returns_at })?;
                } else {
                    let charged = (of(&account.subject), own);
                    self.check_region_cap(transaction, &account.subject, charged, (cap, window), at).await?;
                }
            }
        }
        Ok(())
    }

    /// Checks the charges against a region's cap. Half of the cap is shared equally by the active keys and half is
    /// first come, first served, so that no key can use up the whole cap.
    ///
    /// The use of a key is measured by its views, as if no other key had requested the same releases. If only releases
    /// that are not stored yet were rejected, the rejection would reveal which questions others have asked.
    async fn check_region_cap(
        &self,
        transaction: &DatabaseTransaction,
        region: &str,
        (charged, own): (&[Charge], &[Charge]),
        (cap, window): (i64, i64),
        at: i64,
    ) -> Result<(), Error> {
        let Some(&view) = self.views.get(region) else { return Ok(()) };
        // Rounded up to the end of the day: the exact second would reveal the time of another key's charge.
        let exhausted = |returns_at: Option<i64>| Error::PrivacyBudgetExhausted {
            region: region.strip_prefix(REGION_PREFIX).map(str::to_owned),
            returns_at: returns_at.map(day_after),
        };
        if sum(charged, at, window) + sum(own, at, window) + view <= cap / 2 {
            // An upper bound of the use fits in one half of the cap, and the other half covers all guaranteed parts.
            return Ok(());
        }
        let since = at - window;
        let views = charges::views_of_region(transaction, self.payer, region, since).await?;
        let viewed: i64 = views.iter().map(|(_, milliunits)| milliunits).sum();
        let mut measured = charges::charged_by_others(transaction, self.payer, region, since).await?;
        measured.extend(views);
        measured.sort_unstable();
        fits(&measured, cap, view, at, window).map_err(exhausted)?;
        let active = load_active(transaction, self.payer, at).await?;
        // Without an upper limit in time, so that charges by a server whose clock is ahead count too.
        let by_account = charges::charged_by_account(transaction, &[region.to_owned()], since, i64::MAX).await?;
        let shares = RegionShares::new(cap, &active, by_account.get(region));
        if viewed + view <= shares.guaranteed_part {
            return Ok(());
        }
        let over = shares.reserved_by_others(self.payer) + viewed + view - cap;
        // The budget suffices once charges of the missing amount have left the window.
        let all = sum(&measured, at, window);
        if over > 0 { fits(&measured, all - over, 0, at, window).map_err(exhausted) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_for_the_whole_window_and_not_a_second_longer() {
        let charges = [(0, 600), (100, 400)];
        assert_eq!(fits(&charges, 1_000, 1, BUDGET_WINDOW - 1, BUDGET_WINDOW), Err(Some(BUDGET_WINDOW)));
        assert_eq!(fits(&charges, 1_000, 600, BUDGET_WINDOW, BUDGET_WINDOW), Ok(()));
        assert_eq!(fits(&charges, 1_000, 601, BUDGET_WINDOW, BUDGET_WINDOW), Err(Some(BUDGET_WINDOW + 100)));
        assert_eq!(fits(&[(1, 9)], 1_000, 1_001, 5, BUDGET_WINDOW), Err(None), "more than the whole cap");
    }

    #[test]
    fn half_of_a_cap_is_guaranteed() {
        let active: BTreeSet<String> = ["a", "b", "c"].map(str::to_owned).into();
        let charged = [("a", 13_000), ("b", 4_000), ("gone", 500), ("", 100)];
        let charged = charged.map(|(account, milliunits)| (account.to_owned(), milliunits)).into();
        let shares = RegionShares::new(60_000, &active, Some(&charged));
        assert_eq!(shares.guaranteed_part, 7_500, "the account without active keys keeps its part");
        assert_eq!(["a", "b", "d"].map(|but| shares.reserved_by_others(but)), [22_600, 28_100, 35_600]);
    }
}
