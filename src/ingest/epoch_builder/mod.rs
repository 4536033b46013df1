//! The epoch builder (`epoch build`): reduces the raw rows to one row of integers per person and window.
//!
//! A build runs in one transaction, so a build that fails leaves no epoch. It reads all visits, reduces them to what
//! the windows need (module `people`), then adds the ties, and then writes. Two more connections read, on the same
//! snapshot.

use anyhow::{Context as _, bail, ensure};
use sea_orm::{
    ActiveValue::Set, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
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
    },
};
use people::People;
use readers::Readers;
use summaries::SummaryWriter;

mod completeness;
mod movers;
mod people;
mod readers;
mod summaries;
mod ties;
mod visits;

pub use completeness::{NewestWeek, newest_filled_week};

/// The minimum number of people who share an interest or category, for it to enter the vocabulary. A segment of a rarer
/// value could only be withheld, and a rare value may identify a person.
pub const MIN_PEOPLE_PER_TERM: u64 = 100;
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
}

impl BuildOptions<'_> {
    /// The vocabulary of the data, all checks, and no progress.
    pub const DEFAULT: Self = Self { lists: None, force: false, progress: Progress::Hidden };
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
    movers::mark(db, now).await?;
    // Visits and ties must come from one snapshot, also while an import runs.
    let transaction = db::begin_snapshot(db).await?;
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
    let row = epoch::ActiveModel { epoch_id: Set(epoch_id), ends_at: Set(ends_at), built_at: Set(now), agents: Set(0) };
    let readers = Readers::open(db, &transaction).await?;
    let candidates = people::candidates(readers.one(), now).await?;
    let bar = options.progress.bar("people", candidates.len() as u64);
    let people = People::read(&readers, candidates, ends_at, &bar).await?;
    bar.finish();
    epoch::Entity::insert(row).exec_without_returning(&transaction).await?;
    let mut writer = SummaryWriter::new(epoch_id, now);
    writer.write(&transaction, &readers, &people).await?;
    drop(readers);
    let counted = write_vocabulary(&transaction, epoch_id, &writer, ends_at, options.lists).await?;
    if !options.force {
        completeness::require_no_sharp_fall(&transaction, epoch_id, ends_at).await?;
    }
    epoch::Entity::update_many()
        .col_expr(epoch::Column::Agents, counted.into())
        .filter(epoch::COLUMN.epoch_id.eq(epoch_id))
        .exec(&transaction)
        .await?;
    drop_old_epochs(&transaction).await?;
    transaction.commit().await?;
    Ok(Built { epoch_id, ends_at, agents: counted, is_new: true })
}

/// Writes the vocabulary of an epoch, and opens the accounts of its regions. Returns the number of people who are
/// counted.
async fn write_vocabulary(
    transaction: &DatabaseTransaction,
    epoch_id: i32,
    writer: &SummaryWriter,
    ends_at: i64,
    lists: Option<&Vocabulary>,
) -> anyhow::Result<i64> {
    ensure!(
        writer.counted > 0,
        "no epoch was built: no adult with consent, region and complete profile has a visit in the 84 days before {}",
        format_time(ends_at)
    );
    let vocabulary = writer.vocabulary(lists);
    let terms = vocabulary.terms().map(|(kind, term)| epoch_term::ActiveModel {
        epoch_id: Set(epoch_id),
        kind: Set(kind.name().to_owned()),
        term: Set(term.to_owned()),
    });
    epoch_term::Entity::insert_many(terms).exec_without_returning(transaction).await?;
    ledger::open_regions(transaction, vocabulary.regions.iter().map(String::as_str)).await?;
    Ok(writer.counted)
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
pub async fn drop_epoch(db: &DatabaseConnection, name: &str, now: i64) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    db::lock_epochs(&transaction).await?;
    let epochs = epochs::list(&transaction).await?;
    let names: Vec<String> = epochs.iter().map(|epoch| epoch_name(epoch.epoch_id)).collect();
    let found = epochs.iter().find(|epoch| epoch_name(epoch.epoch_id).eq_ignore_ascii_case(name));
    let found = found.with_context(|| format!("there is no such epoch; there are: {}", names.join(", ")))?;
    ensure!(epochs.len() > 1, "it is the only epoch, and a server needs one: build another one first");
    epochs::drop_epoch(&transaction, found.epoch_id, now).await?;
    movers::reset(&transaction).await?;
    let subject = format!("epoch:{}", epoch_name(found.epoch_id));
    audit::record(&transaction, now, Action::DropEpoch, &subject, String::new()).await?;
    transaction.commit().await?;
    Ok(())
}

/// A one-line description of an epoch, for the operator.
#[must_use]
pub fn describe(built: &Built) -> String {
    format!("epoch {} (ends {})", epoch_name(built.epoch_id), format_time(built.ends_at))
}
