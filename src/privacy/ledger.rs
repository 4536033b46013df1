//! The privacy ledger: checks the caps, charges releases and stores them, in one transaction. Nothing of a release is
//! seen before the transaction is committed.
//!
//! Amounts are integer microunits. An account is charged at most once for a step, and charges are never refunded.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::Arc,
};

use sea_orm::{ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend};

use super::{
    SumRequest,
    accountant::{Accounts, RequiredCharges},
    bundles::units,
    minimum_difference::{self, Shown, Verdicts, ViewedSegment},
    release::{Payload, StepRow},
};
use crate::{
    domain::{
        atom::{self, ByBand},
        epoch::Vocabulary,
        error::Error,
        mutant::{Mutant, Step},
        random::random_hex,
    },
    storage::{
        accounts, charges,
        db::{self, TextRow},
        entity::privacy_account,
        releases::{self, DecoyWrite, NewRelease, Status},
        views,
    },
};

pub use super::accountant::{
    BUDGET_WINDOW, BUDGET_WINDOW_DAYS, KEY_CAP_MICROUNITS, REGION_CAP_MICROUNITS, REGION_CAP_YEAR_MICROUNITS,
    StepRequest, YEAR_WINDOW,
};

/// Opens the accounts of regions with the default caps. Existing accounts are left unchanged.
pub async fn open_regions(
    db: &impl ConnectionTrait,
    regions: impl Iterator<Item = &str>,
) -> Result<(), sea_orm::DbErr> {
    for region in regions {
        let subject = accounts::region_subject(region);
        accounts::open(db, &subject, REGION_CAP_MICROUNITS, Some(REGION_CAP_YEAR_MICROUNITS)).await?;
    }
    Ok(())
}

/// Changes the caps of an existing account, in microunits; `None` leaves a cap unchanged. Returns a description of the
/// change; `None` if there is no such account.
pub async fn change_caps(
    transaction: &DatabaseTransaction,
    subject: &str,
    cap_microunits: Option<i64>,
    cap_year_microunits: Option<i64>,
) -> Result<Option<String>, sea_orm::DbErr> {
    let changed = accounts::change_caps(transaction, subject, cap_microunits, cap_year_microunits).await?;
    Ok(changed.map(|(before, after)| format!("from {} to {}", describe(&before), describe(&after))))
}

fn describe(account: &privacy_account::Model) -> String {
    let year = account.cap_year_microunits.map_or_else(String::new, |cap| format!(" and {} in 365", units(cap)));
    format!("{} units in 30 days{year}", units(account.cap_microunits))
}

/// A step of a release that an account is to be shown.
#[derive(Clone, Debug)]
pub struct StepDraw {
    pub request: StepRequest,
    pub row: Arc<StepRow>,
    /// Whether the step was sampled just now. False: another account has been shown it, and it is stored.
    pub is_new: bool,
}

/// What is to be charged and stored in one transaction.
pub struct Purchase<'a> {
    pub payer: &'a str,
    /// The steps, in the order in which they were found to be needed. If the caps do not allow all rounds, the first
    /// ones that they allow are charged and stored: that a later one is needed is known from the ones before.
    pub rounds: Vec<Vec<StepDraw>>,
    /// Segments for which the minimum difference is decided, if all rounds fit.
    pub undecided: Vec<ViewedSegment>,
    /// Steps of other bundles, of segments whose size is known after all rounds. They are charged and stored together,
    /// if all rounds and they fit; without those of the segments that the account may not be shown.
    pub bundles: Vec<StepDraw>,
    pub vocabulary: &'a Vocabulary,
}

/// What was charged and stored.
#[derive(Default)]
pub struct Committed {
    /// The number of rounds that were charged.
    pub rounds: usize,
    /// The amount charged to the payer, in microunits.
    pub charged_microunits: i64,
    /// Region -> what the payer was charged, by age band, in microunits.
    pub charged: BTreeMap<String, ByBand>,
    /// Why the next round was not charged.
    pub refusal: Option<Error>,
    pub verdicts: Verdicts,
    /// The other bundles that were charged.
    pub bundles: Vec<StepDraw>,
    /// Why the other bundles were not charged.
    pub bundles_refusal: Option<Error>,
    /// Keys of rows that were written in place of the rows of steps that are stored already; to be deleted.
    pub decoys: Vec<String>,
}

/// Checks whether steps fit under the caps, without charging them, so that a document that cannot pay is rejected
/// before any data is read.
///
/// # Errors
/// [`Error::PrivacyBudgetExhausted`] if they do not fit. [`Error::Internal`] if an account is missing.
pub async fn check(db: &DatabaseConnection, payer: &str, steps: &[StepRequest], at: i64) -> Result<(), Error> {
    let (subjects, backend) = (subjects(payer, steps.iter()), db.get_database_backend());
    let queries = [
        accounts::load(backend, subjects.iter().map(String::as_str)),
        Accounts::spending_query(backend, payer, &subjects, at),
    ];
    let [accounts, spending] = db::texts_of(db, queries).await?;
    let accounts = known(accounts.into_iter().map(accounts::account).collect::<Result<_, _>>()?, &subjects)?;
    let required = RequiredCharges::new(payer, steps.iter(), &HashSet::new());
    let accounts = Accounts::new(db, payer, accounts, spending, &required, at).await?;
    match accounts.excess(&required) {
        Some(excess) => Err(accounts.refusal(db, excess).await?),
        None => Ok(()),
    }
}

/// Charges and stores the rounds of a purchase, as many as fit under the caps, and then its other bundles. `None` if
/// another request has stored one of the new steps: nothing was charged or stored, and the samples are discarded.
///
/// # Errors
/// [`Error::Internal`] if an account is missing. [`Error::Unavailable`] if the database is.
pub async fn purchase(db: &DatabaseConnection, purchase: Purchase<'_>, at: i64) -> Result<Option<Committed>, Error> {
    let Purchase { payer, rounds, undecided, mut bundles, vocabulary } = purchase;
    let steps = || rounds.iter().flatten().chain(&bundles);
    let subjects = subjects(payer, steps().map(|step| &step.request));
    let transaction = db::begin_write(db).await?;
    // The lock of the payer also serializes the minimum-difference verdicts of one account.
    let accounts = known(accounts::lock(&transaction, &subjects).await?, &subjects)?;
    Step::Locked.reach().await;
    // All that the decisions need, with one statement after the locks: nobody can change it any more.
    let read = Read::new(&transaction, payer, &subjects, steps(), &undecided, at).await?;
    if read.is_any_stored {
        transaction.rollback().await?;
        return Ok(None);
    }
    let charged = read.charged;
    let most = RequiredCharges::new(payer, steps().map(|step| &step.request), &charged);
    let accounts = Accounts::new(&transaction, payer, accounts, read.spending, &most, at).await?;
    let of_first = |count: usize| {
        let steps = rounds.iter().take(count).flatten();
        RequiredCharges::new(payer, steps.map(|step| &step.request), &charged)
    };
    let mut committed = Committed { rounds: rounds.len(), ..Committed::default() };
    while let Some(excess) = accounts.excess(&of_first(committed.rounds)) {
        committed.rounds -= 1;
        if accounts.excess(&of_first(committed.rounds)).is_none() {
            committed.refusal = Some(accounts.refusal(&transaction, excess).await?);
        }
    }
    let mut write = Write { backend: transaction.get_database_backend(), at, statements: Vec::new() };
    let paid: Vec<&StepDraw> = rounds.iter().take(committed.rounds).flatten().collect();
    write.store(payer, &paid, of_first(committed.rounds), &mut committed)?;
    if committed.refusal.is_none() && !undecided.is_empty() {
        let keys: HashMap<SumRequest, String> =
            undecided.iter().map(|segment| (segment.size.clone(), segment.verdict_key.clone())).collect();
        let (verdicts, new) = minimum_difference::decide(undecided, read.shown, vocabulary);
        write.statements.push(views::insert(write.backend, payer, &new, at));
        committed.verdicts = verdicts;
        Step::Decided.reach().await;
        let is_shown = |key: &String| committed.verdicts.decided.get(key) == Some(&true);
        bundles.retain(|step| keys.get(&step.request.measured.size()).is_none_or(is_shown));
    }
    if committed.refusal.is_none() && !bundles.is_empty() {
        let all = rounds.iter().flatten().chain(&bundles);
        if let Some(excess) = accounts.excess(&RequiredCharges::new(payer, all.map(|step| &step.request), &charged)) {
            committed.bundles_refusal = Some(accounts.refusal(&transaction, excess).await?);
        } else {
            let required = RequiredCharges::new(payer, bundles.iter().map(|step| &step.request), &charged);
            write.store(payer, &bundles.iter().collect::<Vec<_>>(), required, &mut committed)?;
            committed.bundles = bundles;
        }
    }
    write.execute(&transaction).await?;
    transaction.commit().await?;
    Step::Stored.reach().await;
    Ok(Some(committed))
}

/// What a purchase reads.
struct Read {
    /// Whether a step that was sampled just now is stored already.
    is_any_stored: bool,
    /// Which of the steps each account was charged for.
    charged: HashSet<(String, String)>,
    /// Of [`Accounts::spending_query`].
    spending: Vec<TextRow>,
    shown: Shown,
}

impl Read {
    async fn new<'s>(
        transaction: &DatabaseTransaction,
        payer: &str,
        subjects: &BTreeSet<String>,
        steps: impl Iterator<Item = &'s StepDraw> + Clone,
        undecided: &[ViewedSegment],
        at: i64,
    ) -> Result<Self, Error> {
        let backend = transaction.get_database_backend();
        // All transactions that store a release hold the accounts of its regions, so no row can appear after this.
        let new = steps.clone().filter(|step| step.is_new).map(|step| step.request.release_key.as_str());
        let keys = steps.map(|step| step.request.release_key.as_str());
        let [views, sizes, shown] = Shown::queries(backend, payer, undecided);
        let queries = [
            releases::existing(backend, new),
            charges::charged_to(backend, subjects.iter().map(String::as_str), keys),
            Accounts::spending_query(backend, payer, subjects, at),
            views,
            sizes,
            shown,
        ];
        let [existing, charged, spending, views, sizes, shown] = db::texts_of(transaction, queries).await?;
        Ok(Self {
            is_any_stored: !existing.is_empty(),
            charged: charged.into_iter().map(charges::charge_of).collect::<Result<_, _>>()?,
            spending,
            shown: Shown::read(undecided, [views, sizes, shown])?,
        })
    }
}

/// What a purchase writes: statements that are executed together.
struct Write {
    backend: DbBackend,
    at: i64,
    statements: Vec<String>,
}

impl Write {
    /// Stores steps that were found to fit, and their charges. In place of a step that is stored already, another row
    /// is written, so that a first view of it takes as long as publishing one.
    fn store(
        &mut self,
        payer: &str,
        steps: &[&StepDraw],
        required: RequiredCharges,
        committed: &mut Committed,
    ) -> Result<(), Error> {
        let new = steps.iter().filter(|step| step.is_new).map(|step| new_release(step));
        self.statements.push(releases::insert(self.backend, new.collect::<Result<Vec<_>, _>>()?, self.at));
        committed.charged_microunits += required.price;
        for (region, by_band) in required.views {
            atom::add(committed.charged.entry(region).or_default(), &by_band);
        }
        let mut charges = required.charges;
        charges.retain(|charge| !(Mutant::Charge.is_on() && charge.subject == payer));
        self.statements.push(charges::insert(self.backend, &charges, self.at));
        let decoys = decoys(steps.iter().filter(|step| !step.is_new))?;
        self.statements.push(releases::insert_decoys(self.backend, &decoys));
        committed.decoys.extend(decoys.into_iter().map(|decoy| decoy.key));
        Ok(())
    }

    async fn execute(mut self, transaction: &DatabaseTransaction) -> Result<(), Error> {
        self.statements.retain(|statement| !statement.is_empty());
        if !self.statements.is_empty() {
            transaction.execute_unprepared(&self.statements.join(";\n")).await?;
        }
        Step::Written.reach().await;
        Ok(())
    }
}

fn decoys<'a>(steps: impl Iterator<Item = &'a &'a StepDraw>) -> Result<Vec<DecoyWrite>, Error> {
    let token = random_hex(16)?;
    // A noisy sum has about eight digits, so the decoy payload is about as long as a real one.
    let decoy = |(number, step): (usize, &&StepDraw)| DecoyWrite {
        key: format!("{token}-{number}"),
        payload: "00000000,".repeat(step.request.measured.bundle.width()),
    };
    Ok(steps.enumerate().map(decoy).collect())
}

fn new_release(draw: &StepDraw) -> Result<NewRelease, Error> {
    let StepRequest { measured, step, release_key, .. } = &draw.request;
    let payload = draw.row.values.clone().map(|values| serde_json::to_string(&Payload { values }));
    Ok(NewRelease {
        release_key: release_key.clone(),
        bundle: measured.bundle.name(),
        step: *step,
        segment: measured.cohort.canonical(),
        window_days: measured.window.length.days(),
        epoch_id: measured.window.epoch_id,
        status: if draw.row.passed { Status::Ready } else { Status::Suppressed },
        payload: payload.transpose().map_err(Error::internal)?,
        rho: super::bundles::rho_of_microunits(draw.request.price()),
        delta: measured.bundle.delta_of_first(1),
    })
}

/// The accounts that a document touches: that of the payer, and those of the regions.
fn subjects<'a>(payer: &str, steps: impl Iterator<Item = &'a StepRequest>) -> BTreeSet<String> {
    let regions = steps.flat_map(|step| &step.regions);
    let mut subjects: BTreeSet<String> = regions.map(|region| accounts::region_subject(region)).collect();
    subjects.insert(payer.to_owned());
    subjects
}

/// The accounts of `subjects`, all of which must exist.
fn known(
    accounts: Vec<privacy_account::Model>,
    subjects: &BTreeSet<String>,
) -> Result<Vec<privacy_account::Model>, Error> {
    if accounts.len() != subjects.len() {
        return Err(Error::internal("a privacy account is missing"));
    }
    Ok(accounts)
}
