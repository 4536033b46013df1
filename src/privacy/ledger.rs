//! The privacy ledger: charges releases to accounts and checks the caps. Noise is sampled only after the charge is
//! committed.
//!
//! Amounts are integer milliunits. An account is charged at most once for a release, and charges are never refunded.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction};

use super::{accountant::RequiredCharges, bundles::units};
use crate::{
    domain::{
        error::Error,
        mutant::{Mutant, Step},
    },
    storage::{
        accounts,
        charges::{self, NewCharge},
        db,
        entity::privacy_account,
        releases::{self, PendingRelease},
    },
};

pub use super::accountant::{
    BUDGET_WINDOW, BUDGET_WINDOW_DAYS, KEY_CAP_MILLIUNITS, REGION_CAP_MILLIUNITS, REGION_CAP_YEAR_MILLIUNITS,
    ReleaseRequest, YEAR_WINDOW,
};

/// Opens the accounts of regions with the default caps. Existing accounts are left unchanged.
pub async fn open_regions(
    db: &impl ConnectionTrait,
    regions: impl Iterator<Item = &str>,
) -> Result<(), sea_orm::DbErr> {
    for region in regions {
        let subject = accounts::region_subject(region);
        accounts::open(db, &subject, REGION_CAP_MILLIUNITS, Some(REGION_CAP_YEAR_MILLIUNITS)).await?;
    }
    Ok(())
}

/// Changes the caps of an existing account, in milliunits; `None` leaves a cap unchanged. Returns a description of the
/// change; `None` if there is no such account.
pub async fn change_caps(
    transaction: &DatabaseTransaction,
    subject: &str,
    cap_milliunits: Option<i64>,
    cap_year_milliunits: Option<i64>,
) -> Result<Option<String>, sea_orm::DbErr> {
    let changed = accounts::change_caps(transaction, subject, cap_milliunits, cap_year_milliunits).await?;
    Ok(changed.map(|(before, after)| format!("from {} to {}", describe(&before), describe(&after))))
}

fn describe(account: &privacy_account::Model) -> String {
    let year = account.cap_year_milliunits.map_or_else(String::new, |cap| format!(" and {} in 365", units(cap)));
    format!("{} units in 30 days{year}", units(account.cap_milliunits))
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
pub async fn charge(
    db: &DatabaseConnection,
    payer: &str,
    now: &[ReleaseRequest],
    later: &[ReleaseRequest],
    at: i64,
) -> Result<i64, Error> {
    let transaction = db::begin_write(db).await?;
    insert_pending(&transaction, now).await?;

    let all = || now.iter().chain(later);
    let regions = all().flat_map(|request| &request.regions);
    let mut subjects: BTreeSet<String> = regions.map(|region| accounts::region_subject(region)).collect();
    subjects.insert(payer.to_owned());
    let accounts = lock(&transaction, &subjects).await?;
    let keys = all().map(|request| request.release_key.as_str());
    let charged = charges::charged_to(&transaction, &subjects, keys).await?;
    // On an error the transaction is dropped and rolled back: nothing is charged, and the pending rows are removed.
    RequiredCharges::new(payer, all(), &charged).check_caps(&transaction, &accounts, at).await?;

    let required = RequiredCharges::new(payer, now.iter(), &charged);
    let charged_milliunits = required.of_subject(payer);
    let new_charges =
        required.charges.into_iter().filter(|((subject, _), _)| !(Mutant::Charge.is_on() && subject == payer)).map(
            |((subject, release_key), milliunits)| NewCharge {
                release_key,
                milliunits,
                charged_by: (subject != payer).then(|| payer.to_owned()),
                subject,
            },
        );
    charges::insert(&transaction, new_charges.collect(), at).await?;
    Step::Charging.reach().await;
    transaction.commit().await?;
    Step::Charged.reach().await;
    Ok(charged_milliunits)
}

/// Locks the accounts of `subjects`, see [`accounts::lock`].
///
/// # Errors
/// [`Error::Internal`] if one of the accounts does not exist.
pub(super) async fn lock(
    transaction: &DatabaseTransaction,
    subjects: &BTreeSet<String>,
) -> Result<Vec<privacy_account::Model>, Error> {
    let accounts = accounts::lock(transaction, subjects).await?;
    if accounts.len() != subjects.len() {
        return Err(Error::internal("a privacy account is missing"));
    }
    Ok(accounts)
}

async fn insert_pending(db: &impl ConnectionTrait, requests: &[ReleaseRequest]) -> Result<(), Error> {
    let by_key: BTreeMap<&str, &ReleaseRequest> =
        requests.iter().map(|request| (request.release_key.as_str(), request)).collect();
    let pending: Vec<PendingRelease> = by_key
        .into_values()
        .map(|request| PendingRelease {
            release_key: &request.release_key,
            bundle: request.bundle.name(),
            segment: &request.segment,
            window_days: request.window.length.days(),
            epoch_id: request.window.epoch_id,
            rho: request.bundle.rho(),
            delta: request.bundle.delta(),
        })
        .collect();
    Ok(releases::insert_pending(db, &pending).await?)
}
