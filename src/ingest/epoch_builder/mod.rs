//! The epoch builder (`epoch build`): reduces the raw rows to one row of integers per person and window.
//!
//! A build runs in one transaction, so a build that fails leaves no epoch. It reads all visits, reduces them to what
//! the windows need (module `people`), then adds the ties, and then writes. Two more connections read, on the same
//! snapshot.

use anyhow::{Context as _, bail, ensure};
use sea_orm::{
    ActiveValue::Set, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel as _,
    PaginatorTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::progress::Progress;
use crate::{
    domain::{
        clock::{format_time, monday, week_number},
        epoch::{READABLE_AFTER, Vocabulary, epoch_name, epoch_number},
    },
    privacy::ledger,
    storage::{
        audit::{self, Action},
        db,
        entity::{epoch, epoch_term},
        epochs,
        warehouse::Warehouse,
    },
};
use people::People;
use readers::Readers;
use summaries::SummaryWriter;
use vocabulary::Counts;

mod completeness;
mod movers;
mod people;
mod readers;
mod summaries;
mod ties;
mod visits;
mod vocabulary;
mod warehouse;

pub use completeness::{NewestWeek, newest_filled_week};
pub use vocabulary::MIN_PEOPLE_PER_TERM;

/// The number of epochs that are kept. A build deletes older ones.
const MAX_EPOCHS: u64 = 2;

/// The result of a build.
#[derive(Debug)]
pub struct Built {
    pub epoch_id: i32,
    /// Unix seconds.
    pub ends_at: i64,
    /// The number of people who are counted in at least one window.
    pub agents: i64,
    /// False if the epoch already existed. An existing epoch is never changed.
    pub is_new: bool,
}

/// The options of a build.
#[derive(Clone, Copy, Debug)]
pub struct BuildOptions<'a> {
    /// Fixed lists of interests and categories: the vocabulary then does not depend on the data and reveals nothing
    /// about people. `None` = the values that at least [`MIN_PEOPLE_PER_TERM`] people share.
    pub lists: Option<&'a Vocabulary>,
    /// Build although an import is unfinished, or although the figures fall sharply against the last epoch.
    pub force: bool,
    pub progress: Progress,
    /// Where the rows of people are; `None` = in the database.
    pub warehouse: Option<&'a Warehouse>,
}

impl BuildOptions<'_> {
    /// The vocabulary of the data, all checks, and no progress.
    pub const DEFAULT: Self = Self { lists: None, force: false, progress: Progress::Hidden, warehouse: None };
}

/// Builds the epoch that ends at the Monday 00:00 UTC at or before `as_of` (Unix seconds), with default options.
///
/// # Errors
/// As [`build_with`].
pub async fn build(db: &DatabaseConnection, as_of: i64, now: i64, progress: Progress) -> anyhow::Result<Built> {
    build_with(db, as_of, now, BuildOptions { progress, ..BuildOptions::DEFAULT }).await
}

/// Builds the epoch that ends at the Monday 00:00 UTC at or before `as_of` (Unix seconds).
///
/// # Errors
/// If the week ended less than 72 hours before `now`, newer epochs already fill the number that is kept, no person
/// qualifies, a person has more than [`TIE_CAP`](crate::privacy::contribution::TIE_CAP) kept ties, an import is
/// unfinished, the figures fall sharply against the last epoch, or the database fails. The transaction is rolled back.
pub async fn build_with(
    db: &DatabaseConnection,
    as_of: i64,
    now: i64,
    options: BuildOptions<'_>,
) -> anyhow::Result<Built> {
    let ends_at = monday(as_of);
    if ends_at + READABLE_AFTER > now {
        bail!(
            "the week that ends at {} may still get late events: it can be built from {} on",
            format_time(ends_at),
            format_time(ends_at + READABLE_AFTER)
        );
    }
    movers::mark(db, options.warehouse, now).await?;
    // Visits and ties must come from one snapshot, also while an import runs.
    let transaction = db::begin_snapshot(db).await?;
    if options.warehouse.is_some() {
        // A warehouse has no snapshots, so imports and erasures must wait.
        db::lock_people(&transaction).await?;
    }
    db::lock_epochs(&transaction).await?;
    if let Some(existing) = epochs::find_ending_at(&transaction, ends_at).await? {
        // The accounts are missing if the ledger was recreated.
        let epoch_id = existing.epoch_id;
        let vocabulary = epochs::vocabulary(&transaction, epoch_id).await?;
        ledger::open_regions(&transaction, vocabulary.regions.iter().map(String::as_str)).await?;
        transaction.commit().await?;
        return Ok(Built { epoch_id, ends_at: existing.ends_at, agents: existing.agents, is_new: false });
    }
    if !options.force {
        completeness::require_finished_imports(&transaction).await?;
    }
    let week = week_number(ends_at);
    let epoch_id = epoch_number(week, epochs::count_dropped(&transaction, week).await?);
    let newer = epoch::Entity::find().filter(epoch::COLUMN.ends_at.gt(ends_at)).count(&transaction).await?;
    if newer >= MAX_EPOCHS {
        bail!("{newer} newer epochs exist and {MAX_EPOCHS} epochs are kept: an older one would be dropped at once");
    }
    let mut row = epoch::Model { epoch_id, ends_at, built_at: now, agents: 0, build_id: None };
    let counts = match options.warehouse {
        None => write_rows(db, &transaction, &row, options.progress).await?,
        Some(warehouse) => {
            let build = warehouse::Build::new(warehouse, ends_at, movers::latest_counted(now))?;
            row.build_id = Some(build.number);
            warehouse::remove_all_but(warehouse, &epochs::builds(&transaction).await?).await?;
            let bar = options.progress.bar("buckets", build.steps());
            build.run(&bar).await?;
            bar.finish();
            epoch::Entity::insert(row.clone().into_active_model()).exec_without_returning(&transaction).await?;
            build.counts().await?
        }
    };
    write_vocabulary(&transaction, &row, &counts, options.lists).await?;
    if !options.force {
        completeness::require_no_sharp_fall(&transaction, options.warehouse, &row).await?;
    }
    epoch::Entity::update_many()
        .col_expr(epoch::Column::Agents, counts.people.into())
        .filter(epoch::COLUMN.epoch_id.eq(epoch_id))
        .exec(&transaction)
        .await?;
    drop_old_epochs(&transaction).await?;
    transaction.commit().await?;
    if let Some(warehouse) = options.warehouse {
        clean(db, warehouse).await;
    }
    Ok(Built { epoch_id, ends_at, agents: counts.people, is_new: true })
}

/// Reads the rows of people in the database, and writes the epoch and its rows there.
async fn write_rows(
    db: &DatabaseConnection,
    transaction: &DatabaseTransaction,
    epoch: &epoch::Model,
    progress: Progress,
) -> anyhow::Result<Counts> {
    let readers = Readers::open(db, transaction).await?;
    let candidates = people::candidates(readers.one(), epoch.built_at).await?;
    let bar = progress.bar("people", candidates.len() as u64);
    let people = People::read(&readers, candidates, epoch.ends_at, &bar).await?;
    bar.finish();
    epoch::Entity::insert(epoch.clone().into_active_model()).exec_without_returning(transaction).await?;
    let mut writer = SummaryWriter::new(epoch.epoch_id, epoch.built_at);
    writer.write(transaction, &readers, &people).await?;
    Ok(writer.counts)
}

/// Writes the vocabulary of an epoch, and opens the accounts of its regions.
async fn write_vocabulary(
    transaction: &DatabaseTransaction,
    epoch: &epoch::Model,
    counts: &Counts,
    lists: Option<&Vocabulary>,
) -> anyhow::Result<()> {
    ensure!(
        counts.people > 0,
        "no epoch was built: no adult with consent, region and complete profile has a visit in the 84 days before {}",
        format_time(epoch.ends_at)
    );
    let vocabulary = counts.vocabulary(lists);
    let terms = vocabulary.terms().map(|(kind, term)| epoch_term::ActiveModel {
        epoch_id: Set(epoch.epoch_id),
        kind: Set(kind.name().to_owned()),
        term: Set(term.to_owned()),
    });
    epoch_term::Entity::insert_many(terms).exec_without_returning(transaction).await?;
    ledger::open_regions(transaction, vocabulary.regions.iter().map(String::as_str)).await?;
    Ok(())
}

/// Removes the rows in the warehouse that belong to no epoch. If that fails, the next build does it.
async fn clean(db: &DatabaseConnection, warehouse: &Warehouse) {
    let cleaned = async {
        // While no build runs.
        let transaction = db::begin_write(db).await?;
        db::lock_epochs(&transaction).await?;
        warehouse::remove_all_but(warehouse, &epochs::builds(&transaction).await?).await?;
        anyhow::Ok(transaction.commit().await?)
    };
    if let Err(cause) = cleaned.await {
        tracing::warn!(%cause, "rows of older epochs are still in the warehouse; the next build removes them");
    }
}

/// Deletes all but the newest [`MAX_EPOCHS`] epochs.
async fn drop_old_epochs(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    let newest: Vec<i32> = epoch::Entity::find()
        .select_only()
        .column(epoch::Column::EpochId)
        .order_by_desc(epoch::COLUMN.ends_at)
        .limit(MAX_EPOCHS)
        .into_tuple()
        .all(transaction)
        .await?;
    epoch::Entity::delete_many().filter(epoch::COLUMN.epoch_id.is_not_in(newest)).exec(transaction).await?;
    Ok(())
}

/// Removes an epoch, so that the one before it is served again. Its releases stay stored and their charges stand. A new
/// build of the same week is another epoch.
///
/// # Errors
/// There is no such epoch (the error lists those that exist), it is the only one, or the database fails.
pub async fn drop_epoch(
    db: &DatabaseConnection,
    warehouse: Option<&Warehouse>,
    name: &str,
    now: i64,
) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    if warehouse.is_some() {
        db::lock_people(&transaction).await?;
    }
    db::lock_epochs(&transaction).await?;
    let epochs = epochs::list(&transaction).await?;
    let names: Vec<String> = epochs.iter().map(|epoch| epoch_name(epoch.epoch_id)).collect();
    let found = epochs.iter().find(|epoch| epoch_name(epoch.epoch_id).eq_ignore_ascii_case(name));
    let found = found.with_context(|| format!("there is no such epoch; there are: {}", names.join(", ")))?;
    ensure!(epochs.len() > 1, "it is the only epoch, and a server needs one: build another one first");
    epochs::drop_epoch(&transaction, found.epoch_id, now).await?;
    movers::reset(&transaction, warehouse).await?;
    let subject = format!("epoch:{}", epoch_name(found.epoch_id));
    audit::record(&transaction, now, Action::DropEpoch, &subject, String::new()).await?;
    transaction.commit().await?;
    if let Some(warehouse) = warehouse {
        clean(db, warehouse).await;
    }
    Ok(())
}

/// A one-line description of an epoch, for the operator.
#[must_use]
pub fn describe(built: &Built) -> String {
    format!("epoch {} (ends {})", epoch_name(built.epoch_id), format_time(built.ends_at))
}
