//! Who pays for a release, and how much is left. Nothing is drawn before its charge is committed.
//!
//! Amounts are integer milli-units. A subject pays once for a release and never gets a refund.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sea_orm::{
    ActiveValue::Set, Condition, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect, sea_query::OnConflict,
};

use super::bundles::Bundle;
use crate::{
    clock::DAY,
    db,
    entity::{privacy_account, privacy_charge, privacy_release},
    epoch::Window,
    error::Error,
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

/// The account of a region.
#[must_use]
pub fn region_subject(region: &str) -> String {
    format!("region:{region}")
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
    // Locked in one order by everybody, so that two documents cannot wait for each other. SQLite holds its one write
    // lock since the transaction began and ignores the clause.
    let accounts = privacy_account::Entity::find()
        .filter(privacy_account::COLUMN.subject.is_in(&subjects))
        .order_by_asc(privacy_account::COLUMN.subject)
        .lock_exclusive()
        .all(&transaction)
        .await?;
    if accounts.len() != subjects.len() {
        return Err(Error::internal("a privacy account is missing"));
    }

    let releases: Vec<&str> = all().map(|wanted| wanted.release_key.as_str()).collect();
    let charges: HashSet<(String, String)> = privacy_charge::Entity::find()
        .filter(privacy_charge::COLUMN.subject.is_in(&subjects))
        .filter(privacy_charge::COLUMN.release_key.is_in(releases))
        .all(&transaction)
        .await?
        .into_iter()
        .map(|charge| (charge.subject, charge.release_key))
        .collect();
    let owed = |wanted: &[Wanted]| {
        let mut owed: BTreeMap<(String, String), i64> = BTreeMap::new();
        for wanted in wanted {
            let payers = wanted.regions.iter().map(|region| region_subject(region)).chain([payer.to_owned()]);
            for subject in payers {
                let entry = (subject, wanted.release_key.clone());
                if !charges.contains(&entry) {
                    owed.insert(entry, wanted.bundle.price_mu());
                }
            }
        }
        owed
    };
    let (due, expected) = (owed(now), owed(later));

    let mut total: HashMap<&str, i64> = HashMap::new();
    for ((subject, _), mu) in due.iter().chain(&expected) {
        *total.entry(subject).or_default() += mu;
    }
    let spent = load_spent(&transaction, &subjects, at).await?;
    for account in &accounts {
        let Some(&cost) = total.get(account.subject.as_str()) else { continue };
        let spent = spent.get(&account.subject).map_or(&[][..], Vec::as_slice);
        let month = fits(spent, account.cap_mu, cost, at, BUDGET_WINDOW);
        let year = account.cap_year_mu.map_or(Ok(()), |cap| fits(spent, cap, cost, at, YEAR));
        if let Err(returns_at) = month.and(year) {
            // Dropping the transaction rolls it back: nothing is charged, the pending rows are gone.
            let whose = if account.subject == payer { "key" } else { "region" };
            return Err(Error::PrivacyBudgetExhausted { whose, returns_at });
        }
    }

    let paid: i64 = due.iter().filter(|((subject, _), _)| subject == payer).map(|(_, mu)| mu).sum();
    if !due.is_empty() {
        let rows = due.into_iter().map(|((subject, release_key), mu)| privacy_charge::ActiveModel {
            subject: Set(subject),
            release_key: Set(release_key),
            mu: Set(mu),
            charged_at: Set(at),
        });
        privacy_charge::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(paid)
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

/// What each subject was charged in the last year: time and amount, oldest first.
async fn load_spent(
    db: &impl ConnectionTrait,
    subjects: &BTreeSet<String>,
    at: i64,
) -> Result<HashMap<String, Vec<(i64, i64)>>, Error> {
    let rows: Vec<(String, i64, i64)> = privacy_charge::Entity::find()
        .select_only()
        .columns([privacy_charge::Column::Subject, privacy_charge::Column::ChargedAt, privacy_charge::Column::Mu])
        .filter(
            Condition::all()
                .add(privacy_charge::COLUMN.subject.is_in(subjects))
                .add(privacy_charge::COLUMN.charged_at.gt(at - YEAR)),
        )
        .order_by_asc(privacy_charge::COLUMN.charged_at)
        .into_tuple()
        .all(db)
        .await?;
    let mut spent: HashMap<String, Vec<(i64, i64)>> = HashMap::new();
    for (subject, charged_at, mu) in rows {
        spent.entry(subject).or_default().push((charged_at, mu));
    }
    Ok(spent)
}

/// Whether `cost` more fits under `cap` in the window that ends at `at`; if not, when enough will have returned
/// (at the latest when everything has: a cost above the whole cap never fits).
fn fits(spent: &[(i64, i64)], cap: i64, cost: i64, at: i64, window: i64) -> Result<(), i64> {
    let mut sum: i64 = spent.iter().filter(|(charged_at, _)| *charged_at > at - window).map(|(_, mu)| mu).sum();
    if sum + cost <= cap {
        return Ok(());
    }
    let mut returns_at = at + window;
    for (charged_at, mu) in spent.iter().filter(|(charged_at, _)| *charged_at > at - window) {
        sum -= mu;
        if sum + cost <= cap {
            returns_at = charged_at + window;
            break;
        }
    }
    Err(returns_at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_charge_counts_for_the_whole_window_and_not_a_second_longer() {
        let spent = [(0, 600), (100, 400)];
        assert_eq!(fits(&spent, 1_000, 1, BUDGET_WINDOW - 1, BUDGET_WINDOW), Err(BUDGET_WINDOW));
        assert_eq!(fits(&spent, 1_000, 600, BUDGET_WINDOW, BUDGET_WINDOW), Ok(()));
        assert_eq!(fits(&spent, 1_000, 601, BUDGET_WINDOW, BUDGET_WINDOW), Err(BUDGET_WINDOW + 100));
        assert_eq!(fits(&[], 1_000, 1_001, 5, BUDGET_WINDOW), Err(5 + BUDGET_WINDOW));
    }
}
