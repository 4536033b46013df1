//! The privacy ledger: charges releases to accounts and checks the caps. Noise is sampled only after the charge is
//! committed.
//!
//! Amounts are integer milliunits. An account is charged at most once for a release, and charges are never refunded.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::Context as _;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel as _, QueryFilter,
    QueryOrder, QuerySelect,
    sea_query::{Expr, OnConflict},
};

use super::{
    bundles::{Bundle, units},
    spending::{self, Charge, Shares},
};
use crate::{
    clock::{DAY, day_after},
    db,
    entity::{privacy_account, privacy_charge, privacy_release},
    epoch::Window,
    error::Error,
    mutant::{Mutant, Step},
};

/// The rolling window of `cap_mu`, in seconds.
pub const BUDGET_WINDOW: i64 = 30 * DAY;
/// The rolling window of `cap_year_mu`, in seconds.
pub const YEAR: i64 = 365 * DAY;
/// The default cap of a key in any 30 days, in milliunits.
pub const KEY_CAP_MU: i64 = 20_000;
/// The default cap of a region in any 30 days, in milliunits.
pub const REGION_CAP_MU: i64 = 60_000;
/// The default cap of a region in any 365 days, in milliunits.
pub const REGION_CAP_YEAR_MU: i64 = 240_000;

/// The prefix of the name of a region's account.
pub const REGION: &str = "region:";

/// The name of a region's account.
#[must_use]
pub fn region_subject(region: &str) -> String {
    format!("{REGION}{region}")
}

/// A release that a document requests.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub release_key: String,
    pub bundle: Bundle,
    pub window: Window,
    /// The canonical form of the segment.
    pub segment: String,
    /// The regions that are charged when the release is made.
    pub regions: Vec<String>,
}

/// Opens an account with these caps, in milliunits. An existing account is left unchanged.
pub async fn open_account(
    db: &impl ConnectionTrait,
    subject: &str,
    cap_mu: i64,
    cap_year_mu: Option<i64>,
) -> Result<(), sea_orm::DbErr> {
    let account = privacy_account::ActiveModel {
        subject: Set(subject.to_owned()),
        cap_mu: Set(cap_mu),
        cap_year_mu: Set(cap_year_mu),
    };
    let untouched = OnConflict::column("subject").do_nothing().to_owned();
    privacy_account::Entity::insert(account).on_conflict(untouched).exec_without_returning(db).await?;
    Ok(())
}

/// Sets the 30-day and the 365-day cap of all regions to `cap_mu` milliunits. For synthetic people only.
pub async fn cap_all_regions(db: &impl ConnectionTrait, cap_mu: i64) -> Result<(), DbErr> {
    privacy_account::Entity::update_many()
        .col_expr(privacy_account::Column::CapMu, Expr::value(cap_mu))
        .col_expr(privacy_account::Column::CapYearMu, Expr::value(cap_mu))
        .filter(privacy_account::COLUMN.subject.starts_with(REGION))
        .exec(db)
        .await?;
    Ok(())
}

/// Changes the caps of an existing account, in milliunits; `None` leaves a cap unchanged. Returns a description of the
/// change.
///
/// # Errors
/// If the account does not exist, or the database fails.
pub async fn change_caps(
    transaction: &DatabaseTransaction,
    subject: &str,
    cap_mu: Option<i64>,
    cap_year_mu: Option<i64>,
) -> anyhow::Result<String> {
    let before = privacy_account::Entity::find_by_id(subject).lock_exclusive().one(transaction).await?;
    let before = before.context("no epoch has had people of that region; `regions list` shows the known regions")?;
    let mut after = before.clone();
    after.cap_mu = cap_mu.unwrap_or(before.cap_mu);
    after.cap_year_mu = cap_year_mu.or(before.cap_year_mu);
    let detail = format!("from {} to {}", caps(&before), caps(&after));
    after.into_active_model().reset_all().update(transaction).await?;
    Ok(detail)
}

fn caps(account: &privacy_account::Model) -> String {
    let year = account.cap_year_mu.map_or_else(String::new, |cap| format!(" and {} in 365", units(cap)));
    format!("{} units in 30 days{year}", units(account.cap_mu))
}

/// The subset of `releases` that a subject has been charged for.
pub async fn paid(db: &impl ConnectionTrait, subject: &str, releases: &[String]) -> Result<HashSet<String>, Error> {
    let keys: Vec<String> = privacy_charge::Entity::find()
        .select_only()
        .column(privacy_charge::Column::ReleaseKey)
        .filter(privacy_charge::COLUMN.subject.eq(subject))
        .filter(privacy_charge::COLUMN.release_key.is_in(releases))
        .into_tuple()
        .all(db)
        .await?;
    Ok(keys.into_iter().collect())
}

/// Charges all releases in `now` or none of them, in one transaction. Returns the amount charged to the key, in
/// milliunits.
///
/// `later` lists the releases that the same document needs if the sizes in `now` pass. They are not charged, but they
/// must fit in the budget too, so that a document is rejected as a whole before any data is read.
///
/// # Errors
/// [`Error::PrivacyBudgetExhausted`] if `now` and `later` do not fit in the budget of the key or of a region; no
/// account is charged. [`Error::Internal`] if an account is missing.
pub async fn admit(
    db: &DatabaseConnection,
    payer: &str,
    now: &[Wanted],
    later: &[Wanted],
    at: i64,
) -> Result<i64, Error> {
    let transaction = db::begin_write(db).await?;
    insert_pending(&transaction, now).await?;

    let all = || now.iter().chain(later);
    let mut subjects: BTreeSet<String> = all().flat_map(|wanted| &wanted.regions).map(|r| region_subject(r)).collect();
    subjects.insert(payer.to_owned());
    let accounts = lock(&transaction, &subjects).await?;
    let paid = load_paid(&transaction, &subjects, all()).await?;
    let due = Due::of(payer, now.iter(), &paid);
    let everything = Due::of(payer, all(), &paid);
    // On an error the transaction is dropped and rolled back: nothing is charged, and the pending rows are removed.
    everything.must_fit(&transaction, &accounts, at).await?;

    let paid_mu = due.of_subject(payer);
    let rows: Vec<privacy_charge::ActiveModel> = due
        .charges
        .into_iter()
        .filter(|((subject, _), _)| !(Mutant::Charge.is_on() && subject == payer))
        .map(|((subject, release_key), mu)| privacy_charge::ActiveModel {
            release_key: Set(release_key),
            mu: Set(mu),
            charged_at: Set(at),
            drawn_by: Set((subject != payer).then(|| payer.to_owned())),
            subject: Set(subject),
        })
        .collect();
    if !rows.is_empty() {
        privacy_charge::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    }
    Step::Charging.reach().await;
    transaction.commit().await?;
    Step::Charged.reach().await;
    Ok(paid_mu)
}

/// Locks the accounts of `subjects`, always in ascending order, so that two documents cannot deadlock. SQLite holds its
/// only write lock from the start of the transaction and ignores the locking clause.
///
/// # Errors
/// [`Error::Internal`] if one of the accounts does not exist.
pub(super) async fn lock(
    transaction: &DatabaseTransaction,
    subjects: &BTreeSet<String>,
) -> Result<Vec<privacy_account::Model>, Error> {
    let accounts = privacy_account::Entity::find()
        .filter(privacy_account::COLUMN.subject.is_in(subjects))
        .order_by_asc(privacy_account::COLUMN.subject)
        .lock_exclusive()
        .all(transaction)
        .await?;
    if accounts.len() != subjects.len() {
        return Err(Error::internal("a privacy account is missing"));
    }
    Ok(accounts)
}

/// The existing charges of `subjects` for the releases in `wanted`, as (subject, release key).
async fn load_paid(
    db: &impl ConnectionTrait,
    subjects: &BTreeSet<String>,
    wanted: impl Iterator<Item = &Wanted>,
) -> Result<HashSet<(String, String)>, Error> {
    let releases: Vec<&str> = wanted.map(|wanted| wanted.release_key.as_str()).collect();
    let charges = privacy_charge::Entity::find()
        .filter(privacy_charge::COLUMN.subject.is_in(subjects))
        .filter(privacy_charge::COLUMN.release_key.is_in(releases))
        .all(db)
        .await?;
    Ok(charges.into_iter().map(|charge| (charge.subject, charge.release_key)).collect())
}

/// The charges that a document needs.
struct Due<'a> {
    payer: &'a str,
    /// (subject, release key) -> milliunits.
    charges: BTreeMap<(String, String), i64>,
    /// Region account -> milliunits that the payer is charged for its first views of releases that cover the region.
    views: HashMap<String, i64>,
}

impl<'a> Due<'a> {
    fn of<'b>(payer: &'a str, wanted: impl Iterator<Item = &'b Wanted>, paid: &HashSet<(String, String)>) -> Self {
        let (mut charges, mut views) = (BTreeMap::new(), HashMap::<String, i64>::new());
        for wanted in wanted {
            let mu = wanted.bundle.price_mu();
            let entry = (payer.to_owned(), wanted.release_key.clone());
            let viewed_first = !paid.contains(&entry) && charges.insert(entry, mu).is_none();
            for subject in wanted.regions.iter().map(|region| region_subject(region)) {
                if viewed_first {
                    *views.entry(subject.clone()).or_default() += mu;
                }
                let entry = (subject, wanted.release_key.clone());
                if !paid.contains(&entry) {
                    charges.insert(entry, mu);
                }
            }
        }
        Self { payer, charges, views }
    }

    fn of_subject(&self, subject: &str) -> i64 {
        self.charges.iter().filter(|((charged, _), _)| charged == subject).map(|(_, mu)| mu).sum()
    }

    /// Checks the charges against the caps of all accounts.
    ///
    /// # Errors
    /// [`Error::PrivacyBudgetExhausted`] for the first cap that would be exceeded.
    async fn must_fit(
        &self,
        transaction: &DatabaseTransaction,
        accounts: &[privacy_account::Model],
        at: i64,
    ) -> Result<(), Error> {
        let subjects: BTreeSet<&str> = accounts.iter().map(|account| account.subject.as_str()).collect();
        let spent = spending::load(transaction, &subjects, at - YEAR).await?;
        let of = |subject: &str| spent.get(subject).map_or(&[][..], Vec::as_slice);
        let own = of(self.payer);
        for account in accounts {
            let windows = [(Some(account.cap_mu), BUDGET_WINDOW), (account.cap_year_mu, YEAR)];
            for (cap, window) in windows.into_iter().filter_map(|(cap, window)| Some((cap?, window))) {
                if account.subject == self.payer {
                    let cost = self.of_subject(self.payer);
                    let fits = if cost > 0 { spending::fits(own, cap, cost, at, window) } else { Ok(()) };
                    fits.map_err(|returns_at| Error::PrivacyBudgetExhausted { region: None, returns_at })?;
                } else {
                    let spent = (of(&account.subject), own);
                    self.region_must_fit(transaction, &account.subject, spent, (cap, window), at).await?;
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
    async fn region_must_fit(
        &self,
        transaction: &DatabaseTransaction,
        region: &str,
        (spent, own): (&[Charge], &[Charge]),
        (cap, window): (i64, i64),
        at: i64,
    ) -> Result<(), Error> {
        let Some(&view) = self.views.get(region) else { return Ok(()) };
        // Rounded up to the end of the day: the exact second would reveal the time of another key's charge.
        let refused = |returns_at: i64| Error::PrivacyBudgetExhausted {
            region: region.strip_prefix(REGION).map(str::to_owned),
            returns_at: day_after(returns_at),
        };
        let drawn = spending::sum(spent, at, window);
        if drawn + spending::sum(own, at, window) + view <= cap / 2 {
            // An upper bound of the use fits in one half of the cap, and the other half covers all guaranteed parts.
            return Ok(());
        }
        let since = at - window;
        let looks = spending::load_looks(transaction, self.payer, region, since).await?;
        let viewed: i64 = looks.iter().map(|(_, mu)| mu).sum();
        let measured = spending::load_of_others(transaction, self.payer, region, since).await?;
        let measured: Vec<Charge> = spending::merged(measured, looks);
        spending::fits(&measured, cap, view, at, window).map_err(refused)?;
        let active = spending::load_active(transaction, self.payer, at).await?;
        // Without an upper limit in time, so that charges by a server whose clock is ahead count too.
        let draws = spending::load_drawn(transaction, &[region.to_owned()], since, i64::MAX).await?;
        let shares = Shares::new(cap, &active, draws.get(region));
        if viewed + view <= shares.each {
            return Ok(());
        }
        let over = shares.held_by_others(self.payer) + viewed + view - cap;
        // The budget suffices once charges of the missing amount have left the window.
        let all = spending::sum(&measured, at, window);
        if over > 0 { spending::fits(&measured, all - over, 0, at, window).map_err(refused) } else { Ok(()) }
    }
}

async fn insert_pending(db: &impl ConnectionTrait, wanted: &[Wanted]) -> Result<(), Error> {
    // Always in ascending order of the keys: two documents that insert the same new releases may wait for each other's
    // commit, but cannot deadlock.
    let wanted: BTreeMap<&str, &Wanted> = wanted.iter().map(|wanted| (wanted.release_key.as_str(), wanted)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let rows = wanted.into_values().map(|wanted| privacy_release::ActiveModel {
        release_key: Set(wanted.release_key.clone()),
        bundle: Set(wanted.bundle.name().to_owned()),
        segment: Set(wanted.segment.clone()),
        window_days: Set(wanted.window.length.days()),
        epoch_id: Set(wanted.window.epoch_id),
        status: Set("pending".to_owned()),
        payload: Set(None),
        rho: Set(wanted.bundle.rho()),
        delta: Set(wanted.bundle.delta()),
        lease_token: Set(None),
        lease_until: Set(None),
        published_at: Set(None),
    });
    let there = OnConflict::column("release_key").do_nothing().to_owned();
    privacy_release::Entity::insert_many(rows).on_conflict(there).exec_without_returning(db).await?;
    Ok(())
}
