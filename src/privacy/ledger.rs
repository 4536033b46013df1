//! Who pays for a release, and how much is left. Nothing is drawn before its charge is committed.
//!
//! Amounts are integer milli-units. A subject pays once for a release and never gets a refund.

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

/// The rolling window of `cap_mu`.
pub const BUDGET_WINDOW: i64 = 30 * DAY;
/// The rolling window of `cap_year_mu`.
pub const YEAR: i64 = 365 * DAY;
/// A key's cap in any 30 days, unless the operator says otherwise.
pub const KEY_CAP_MU: i64 = 20_000;
/// A region's cap in any 30 days.
pub const REGION_CAP_MU: i64 = 60_000;
/// A region's cap in any 365 days.
pub const REGION_CAP_YEAR_MU: i64 = 240_000;

/// What the account of a region begins with.
pub const REGION: &str = "region:";

/// The account of a region.
#[must_use]
pub fn region_subject(region: &str) -> String {
    format!("{REGION}{region}")
}

/// A release that somebody wants to see.
#[derive(Clone, Debug)]
pub struct Wanted {
    pub release_key: String,
    pub bundle: Bundle,
    pub window: Window,
    /// The canonical segment.
    pub segment: String,
    /// The regions that pay when it is drawn.
    pub regions: Vec<String>,
}

/// Opens an account, unless it exists.
///
/// # Errors
/// As the database says.
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

/// Gives all regions one cap, in 30 and in 365 days: for people who do not exist.
///
/// # Errors
/// As the database says.
pub async fn cap_all_regions(db: &impl ConnectionTrait, cap_mu: i64) -> Result<(), DbErr> {
    privacy_account::Entity::update_many()
        .col_expr(privacy_account::Column::CapMu, Expr::value(cap_mu))
        .col_expr(privacy_account::Column::CapYearMu, Expr::value(cap_mu))
        .filter(privacy_account::COLUMN.subject.starts_with(REGION))
        .exec(db)
        .await?;
    Ok(())
}

/// Changes caps of an account that exists, and says what changed.
///
/// # Errors
/// There is no such account.
pub async fn change_caps(
    transaction: &DatabaseTransaction,
    subject: &str,
    cap_mu: Option<i64>,
    cap_year_mu: Option<i64>,
) -> anyhow::Result<String> {
    let before = privacy_account::Entity::find_by_id(subject).lock_exclusive().one(transaction).await?;
    let before = before.context("no epoch has had people of that region: `regions list` shows those that had")?;
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

/// Which of the releases a subject has paid for.
///
/// # Errors
/// As the database says.
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

/// Admits all of `now` or none of it, in one transaction, and returns what the key paid.
///
/// `later` is what the same document will want if `now` turns out well: it is not charged, but it must fit, so that a
/// document is refused whole before any data is read.
///
/// # Errors
/// [`Error::PrivacyBudgetExhausted`], with nothing charged to anybody.
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
    // Dropping the transaction rolls it back: nothing is charged, the pending rows are gone.
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

/// Locks accounts, in one order for everybody, so that two documents cannot wait for each other. SQLite holds its one
/// write lock since the transaction began and ignores the clause.
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

/// Who paid for which of the releases already: subject and release.
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

/// What a document owes.
struct Due<'a> {
    payer: &'a str,
    /// Subject and release -> milli-units.
    charges: BTreeMap<(String, String), i64>,
    /// What the payer owes for releases that hold people of a region, by the region's subject.
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

    /// Checks it against the caps of all accounts.
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

    /// A region's cap is half first come and half shared by the active keys, so that none can take it all.
    ///
    /// What a key looks at is measured as if nobody had drawn it before: a refusal that came only for what is not drawn
    /// yet would tell what others have asked.
    async fn region_must_fit(
        &self,
        transaction: &DatabaseTransaction,
        region: &str,
        (spent, own): (&[Charge], &[Charge]),
        (cap, window): (i64, i64),
        at: i64,
    ) -> Result<(), Error> {
        let Some(&view) = self.views.get(region) else { return Ok(()) };
        // When the day is over, not to the second: whose charge returns then is nobody else's business.
        let refused = |returns_at: i64| Error::PrivacyBudgetExhausted {
            region: region.strip_prefix(REGION).map(str::to_owned),
            returns_at: day_after(returns_at),
        };
        let drawn = spending::sum(spent, at, window);
        if drawn + spending::sum(own, at, window) + view <= cap / 2 {
            // The other half holds all that is kept for the others.
            return Ok(());
        }
        let since = at - window;
        let looks = spending::load_looks(transaction, self.payer, region, since).await?;
        let viewed: i64 = looks.iter().map(|(_, mu)| mu).sum();
        let measured = spending::load_of_others(transaction, self.payer, region, since).await?;
        let measured: Vec<Charge> = spending::merged(measured, looks);
        spending::fits(&measured, cap, view, at, window).map_err(refused)?;
        let active = spending::load_active(transaction, self.payer, at).await?;
        // What a server whose clock is ahead has charged counts too.
        let draws = spending::load_drawn(transaction, &[region.to_owned()], since, i64::MAX).await?;
        let shares = Shares::new(cap, &active, draws.get(region));
        if viewed + view <= shares.each {
            return Ok(());
        }
        let over = shares.held_by_others(self.payer) + viewed + view - cap;
        // When as much has returned as is missing.
        let all = spending::sum(&measured, at, window);
        if over > 0 { spending::fits(&measured, all - over, 0, at, window).map_err(refused) } else { Ok(()) }
    }
}

async fn insert_pending(db: &impl ConnectionTrait, wanted: &[Wanted]) -> Result<(), Error> {
    // One order for everybody here too: two documents that bring the same new releases wait, but never in a circle.
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
