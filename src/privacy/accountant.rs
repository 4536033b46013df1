//! The privacy accountant: which charges a document needs, and whether they fit under the caps.
//!
//! Every cap holds for each atom: for each age band of each region. A person loses what the person's atom loses.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{ConnectionTrait, DbBackend};

use super::SumRequest;
use crate::{
    domain::{
        atom::{Atom, BandSet, ByBand},
        clock::{DAY, day_after},
        epoch::Vocabulary,
        error::Error,
        mutant::Mutant,
    },
    storage::{
        accounts::{REGION_PREFIX, region_subject},
        charges::{self, Charge, NewCharge, Spending},
        db::{self, TextQuery, TextRow},
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
/// The default cap of a key in any 30 days, for each atom.
pub const KEY_CAP_MICROUNITS: i64 = 20_000_000;
/// The default cap of all keys together in any 30 days, for each atom.
pub const REGION_CAP_MICROUNITS: i64 = 60_000_000;
/// The default cap of all keys together in any 365 days, for each atom.
pub const REGION_CAP_YEAR_MICROUNITS: i64 = 240_000_000;

/// A step of a release that a document requests.
#[derive(Clone, Debug)]
pub struct StepRequest {
    pub measured: SumRequest,
    pub step: u8,
    pub release_key: String,
    /// The regions that the segment covers.
    pub regions: Vec<String>,
}

impl StepRequest {
    #[must_use]
    pub fn new(measured: &SumRequest, step: u8, vocabulary: &Vocabulary) -> Self {
        let regions = measured.cohort.regions_charged(vocabulary).into_iter().map(str::to_owned).collect();
        Self { measured: measured.clone(), step, release_key: measured.release_key(step), regions }
    }

    /// What each region is charged for the step: age bands and the amount for each of them. The bands of the segment
    /// are charged the price; the others are charged for NETWORK, whose sums count ties to their people.
    #[must_use]
    pub fn amounts(&self) -> Vec<(BandSet, i64)> {
        let bundle = self.measured.bundle;
        let mut bands = BandSet::of_segment(&self.measured.cohort.bands);
        let others = (bands.complement(), bundle.price_of_step_for_others(self.step));
        if Mutant::Atom.is_on() {
            bands = BandSet::from_bits(bands.bits() & !(1 << 6));
        }
        let amounts = [(bands, bundle.price_of_step(self.step)), others];
        amounts.into_iter().filter(|(bands, amount)| !bands.is_empty() && *amount > 0).collect()
    }

    /// The price, in microunits.
    #[must_use]
    pub fn price(&self) -> i64 {
        self.measured.bundle.price_of_step(self.step)
    }
}

/// Whether an additional `cost` fits under `cap` in the window that ends at `at`. `charges` are sorted by time.
///
/// # Errors
/// The time at which enough charges have left the window; `None` if `cost` is greater than `cap`, and so never fits.
pub fn fits(charges: &[Charge], cap: i64, cost: i64, at: i64, window: i64) -> Result<(), Option<i64>> {
    let inside = || charges.iter().filter(|(charged_at, _)| *charged_at > at - window);
    let mut sum: i64 = inside().map(|(_, microunits)| microunits).sum();
    if sum + cost <= cap {
        return Ok(());
    }
    for (charged_at, microunits) in inside() {
        sum -= microunits;
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

/// The division of an atom's cap among accounts. Half of the cap is divided equally into guaranteed parts; the other
/// half is first come, first served.
///
/// Each account reserves what it has charged to the atom, or its guaranteed part if that is more. While the sum of all
/// reservations stays within the cap, an account that has viewed less than its guaranteed part can use the rest of it,
/// because an account never charges more to the atom than it views. An account whose keys have ended keeps its part
/// until its charges have left the window; otherwise all parts would grow at once while its charges still count.
pub struct CapShares {
    /// The guaranteed part of each account, in microunits.
    pub guaranteed_part: i64,
    /// The amount that each account has charged to the atom, in microunits.
    charged: BTreeMap<String, i64>,
    /// Charges without an account that caused them, in microunits.
    unattributed: i64,
}

impl CapShares {
    /// Divides `cap` among the `active` accounts and those in `charged`, the amounts that accounts have charged to the
    /// atom (the empty account: charges without one).
    #[must_use]
    pub fn new(cap: i64, active: &BTreeSet<String>, charged: &BTreeMap<String, i64>) -> Self {
        let mut all: BTreeMap<String, i64> = active.iter().map(|account| (account.clone(), 0)).collect();
        let nonzero = charged.iter().filter(|(_, microunits)| **microunits > 0);
        all.extend(nonzero.map(|(account, microunits)| (account.clone(), *microunits)));
        let unattributed = all.remove("").unwrap_or(0);
        let accounts = i64::try_from(all.len()).unwrap_or(i64::MAX).max(1);
        Self { guaranteed_part: cap / 2 / accounts, charged: all, unattributed }
    }

    /// The amount that other accounts than `account` reserve, in microunits: for each, the greater of its charges and
    /// its guaranteed part.
    #[must_use]
    pub fn reserved_by_others(&self, account: &str) -> i64 {
        let others = self.charged.iter().filter(|(other, _)| *other != account);
        self.unattributed + others.map(|(_, charged)| *charged.max(&self.guaranteed_part)).sum::<i64>()
    }

    /// The amount that other accounts have charged, in microunits.
    #[must_use]
    pub fn charged_by_others(&self, account: &str) -> i64 {
        let others = self.charged.iter().filter(|(other, _)| *other != account);
        self.unattributed + others.map(|(_, charged)| charged).sum::<i64>()
    }

    /// What must be within the cap for `account`, which has viewed `viewed`, to view `cost` more: both, and what the
    /// other accounts reserve. 0 if both are within the guaranteed part.
    fn needed(&self, account: &str, viewed: i64, cost: i64) -> i64 {
        if viewed + cost <= self.guaranteed_part {
            return 0;
        }
        self.reserved_by_others(account) + viewed + cost
    }
}

/// The charges that a document needs.
pub struct RequiredCharges {
    pub charges: Vec<NewCharge>,
    /// Region -> what the payer is charged for its first views, by age band. An account is measured by its views, as if
    /// no other account had requested the same releases: a limit on charges would reveal which questions others asked.
    pub views: BTreeMap<String, ByBand>,
    /// The price of the first views, in microunits.
    pub price: i64,
}

impl RequiredCharges {
    /// The charges for requested steps, without those in `charged`: (subject, release key).
    pub fn new<'a>(
        payer: &str,
        requests: impl Iterator<Item = &'a StepRequest>,
        charged: &HashSet<(String, String)>,
    ) -> Self {
        let mut required = Self { charges: Vec::new(), views: BTreeMap::new(), price: 0 };
        let mut seen = HashSet::new();
        for request in requests {
            let entry = (payer.to_owned(), request.release_key.clone());
            if charged.contains(&entry) || !seen.insert(entry) {
                continue;
            }
            required.price += request.price();
            for region in &request.regions {
                for (bands, microunits) in request.amounts() {
                    let views = required.views.entry(region.clone()).or_default();
                    bands.iter().for_each(|band| views[band] += microunits);
                    let new = |subject: String, charged_by: Option<String>| NewCharge {
                        subject,
                        release_key: request.release_key.clone(),
                        region: region.clone(),
                        bands,
                        microunits,
                        charged_by,
                    };
                    required.charges.push(new(payer.to_owned(), None));
                    let subject = region_subject(region);
                    if !charged.contains(&(subject.clone(), request.release_key.clone())) {
                        required.charges.push(new(subject, Some(payer.to_owned())));
                    }
                }
            }
        }
        required
    }

    /// The atoms of which something is viewed for the first time, and the cost, in microunits.
    fn atoms(&self) -> impl Iterator<Item = (Atom, i64)> + '_ {
        self.views.iter().flat_map(|(region, by_band)| {
            let costs = by_band.iter().enumerate().filter(|(_, cost)| **cost > 0);
            costs.map(|(band, cost)| (Atom { region: region.clone(), band }, *cost))
        })
    }
}

/// A cap that required charges would exceed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excess {
    pub atom: Atom,
    /// `None`: the cap of the key. Otherwise the cap of all keys in this window, in seconds.
    window: Option<i64>,
    cap: i64,
    cost: i64,
}

/// The caps of a payer and of regions, and what was spent of them at a time.
pub struct Accounts<'a> {
    payer: &'a str,
    at: i64,
    caps: HashMap<String, privacy_account::Model>,
    /// By account that viewed first if `active` is known; otherwise the other accounts are summed.
    spending: Vec<Spending>,
    /// The active accounts; `None` if no cap of a region can be exceeded.
    active: Option<BTreeSet<String>>,
}

impl<'a> Accounts<'a> {
    /// The query of what `subjects`, the payer and regions, have spent for the regions.
    pub fn spending_query(backend: DbBackend, payer: &str, subjects: &BTreeSet<String>, at: i64) -> TextQuery {
        Self::query(backend, subjects, Some(payer), at)
    }

    fn query(backend: DbBackend, subjects: &BTreeSet<String>, account: Option<&str>, at: i64) -> TextQuery {
        let subjects: Vec<&str> = subjects.iter().map(String::as_str).collect();
        let regions: Vec<&str> = subjects.iter().filter_map(|subject| subject.strip_prefix(REGION_PREFIX)).collect();
        // Without an upper limit in time, so that charges by a server whose clock is ahead count too.
        let since = [at - BUDGET_WINDOW, at - YEAR_WINDOW];
        charges::spending_query(backend, &subjects, Some(&regions), account, since, i64::MAX)
    }

    /// What was spent. `accounts` are those of the payer and of the regions, `spending` the rows of
    /// [`Self::spending_query`]; `most` is the most that [`Self::excess`] will be asked for. Reads more if a cap of a
    /// region could be exceeded.
    pub async fn new(
        db: &impl ConnectionTrait,
        payer: &'a str,
        accounts: Vec<privacy_account::Model>,
        spending: Vec<TextRow>,
        most: &RequiredCharges,
        at: i64,
    ) -> Result<Self, Error> {
        let spending = charges::read_spending(spending)?;
        let caps: HashMap<_, _> = accounts.into_iter().map(|account| (account.subject.clone(), account)).collect();
        let subjects: BTreeSet<String> = caps.keys().cloned().collect();
        let mut loaded = Self { payer, at, caps, spending, active: None };
        // The guaranteed parts of all accounts are at most half of a cap. They cannot be short within the other half.
        if most.atoms().any(|(atom, cost)| !loaded.is_within_half(&atom, cost)) {
            let [spending] = db::texts_of(db, [Self::query(db.get_database_backend(), &subjects, None, at)]).await?;
            loaded.spending = charges::read_spending(spending)?;
            loaded.active = Some(load_active(db, payer, at).await?);
        }
        Ok(loaded)
    }

    /// Whether all charges to an atom and the payer's views, with `cost` more, are within half of the caps of all keys.
    fn is_within_half(&self, atom: &Atom, cost: i64) -> bool {
        self.region_caps(atom).all(|(cap, window)| {
            let others = self.shares(atom, cap, window).charged_by_others(self.payer);
            others + self.viewed(atom, window) + cost <= cap / 2
        })
    }

    /// The caps of all keys for an atom, with their windows in seconds. None if the region has no account.
    fn region_caps(&self, atom: &Atom) -> impl Iterator<Item = (i64, i64)> + use<> {
        let account = self.caps.get(&region_subject(&atom.region));
        let caps = account
            .map(|account| [(Some(account.cap_microunits), BUDGET_WINDOW), (account.cap_year_microunits, YEAR_WINDOW)]);
        caps.into_iter().flatten().filter_map(|(cap, window)| Some((cap?, window)))
    }

    fn viewed(&self, atom: &Atom, window: i64) -> i64 {
        viewed(&self.spending, self.payer, atom, window)
    }

    fn shares(&self, atom: &Atom, cap: i64, window: i64) -> CapShares {
        let none = BTreeSet::new();
        shares(&self.spending, self.active.as_ref().unwrap_or(&none), atom, cap, window)
    }

    /// The cap that the required charges exceed; `None` if they fit. The cap of the key comes first, in the atom where
    /// the least is left.
    pub fn excess(&self, required: &RequiredCharges) -> Option<Excess> {
        let key_cap = self.caps.get(self.payer).map_or(0, |account| account.cap_microunits);
        let over = |(atom, cost): &(Atom, i64)| self.viewed(atom, BUDGET_WINDOW) + cost - key_cap;
        let tightest = required.atoms().filter(|entry| over(entry) > 0).max_by_key(over);
        if let Some((atom, cost)) = tightest {
            return Some(Excess { atom, window: None, cap: key_cap, cost });
        }
        self.active.as_ref()?;
        required.atoms().find_map(|(atom, cost)| self.excess_of_region(atom, cost))
    }

    fn excess_of_region(&self, atom: Atom, cost: i64) -> Option<Excess> {
        let exceeded = self.region_caps(&atom).find(|(cap, window)| {
            let (shares, viewed) = (self.shares(&atom, *cap, *window), self.viewed(&atom, *window));
            shares.charged_by_others(self.payer) + viewed + cost > *cap
                || shares.needed(self.payer, viewed, cost) > *cap
        });
        exceeded.map(|(cap, window)| Excess { atom, window: Some(window), cap, cost })
    }

    /// The error for an exceeded cap: when enough units will have returned.
    pub async fn refusal(&self, db: &impl ConnectionTrait, excess: Excess) -> Result<Error, Error> {
        let Excess { atom, window, cap, cost } = excess;
        let own = charges::of_atom(db, self.payer, &atom, self.at - window.unwrap_or(BUDGET_WINDOW), None).await?;
        let Some(window) = window else {
            let returns_at = fits(&own, cap, cost, self.at, BUDGET_WINDOW).err().flatten();
            return Ok(Error::PrivacyBudgetExhausted { of_region: false, atom, returns_at });
        };
        let subject = region_subject(&atom.region);
        let mut measured = charges::of_atom(db, &subject, &atom, self.at - window, Some(self.payer)).await?;
        measured.extend(own);
        measured.sort_unstable();
        let returns_at = if let Err(returns_at) = fits(&measured, cap, cost, self.at, window) {
            returns_at
        } else {
            // The budget suffices once charges of the missing amount have left the window.
            let shares = self.shares(&atom, cap, window);
            let over = shares.needed(self.payer, self.viewed(&atom, window), cost) - cap;
            let all: i64 = measured.iter().map(|(_, microunits)| microunits).sum();
            fits(&measured, all - over, 0, self.at, window).err().flatten()
        };
        // Rounded up to the end of the day: the exact second would reveal the time of another key's charge.
        Ok(Error::PrivacyBudgetExhausted { of_region: true, atom, returns_at: returns_at.map(day_after) })
    }
}

/// What an account has viewed of an atom in a window, in microunits.
pub fn viewed(spending: &[Spending], account: &str, atom: &Atom, window: i64) -> i64 {
    let own = spending.iter().filter(|row| row.subject == account && row.region == atom.region);
    own.map(|row| of_window(row, window)[atom.band]).sum()
}

/// The division of the cap of an atom in a window.
pub fn shares(spending: &[Spending], active: &BTreeSet<String>, atom: &Atom, cap: i64, window: i64) -> CapShares {
    let subject = region_subject(&atom.region);
    let mut charged = BTreeMap::new();
    for row in spending.iter().filter(|row| row.subject == subject) {
        *charged.entry(row.charged_by.clone().unwrap_or_default()).or_default() += of_window(row, window)[atom.band];
    }
    CapShares::new(cap, active, &charged)
}

fn of_window(row: &Spending, window: i64) -> &ByBand {
    if window == YEAR_WINDOW { &row.year } else { &row.month }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::{
        epoch::{Window, WindowLength},
        segment::Cohort,
    };
    use crate::privacy::Bundle;

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
        let charged = [("a", 13_000), ("b", 4_000), ("gone", 500), ("", 100), ("nothing", 0)];
        let charged = charged.map(|(account, microunits)| (account.to_owned(), microunits)).into();
        let shares = CapShares::new(60_000, &active, &charged);
        assert_eq!(shares.guaranteed_part, 7_500, "the account without active keys keeps its part");
        assert_eq!(["a", "b", "d"].map(|but| shares.reserved_by_others(but)), [22_600, 28_100, 35_600]);
        assert_eq!(["a", "d"].map(|but| shares.charged_by_others(but)), [4_600, 17_600]);
    }

    #[test]
    fn a_network_release_is_charged_to_the_other_age_bands_too() {
        let amounts = |bundle, bands: &[i32]| {
            let cohort = Arc::new(Cohort { bands: bands.to_vec(), ..Cohort::default() });
            let window = Window { epoch_id: 1, ends_at: 0, length: WindowLength::Days28 };
            let measured = SumRequest { cohort, window, bundle };
            let request = StepRequest { measured, step: 5, release_key: String::new(), regions: Vec::new() };
            request.amounts().into_iter().map(|(bands, amount)| (bands.bits(), amount)).collect::<Vec<_>>()
        };
        assert_eq!(amounts(Bundle::Network, &[2]), [(4, 225_000), (123, 100_000)]);
        assert_eq!(amounts(Bundle::Network, &[]), [(127, 225_000)]);
        assert_eq!(amounts(Bundle::Behavior, &[2, 3]), [(12, 232_500)]);
    }
}
