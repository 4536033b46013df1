//! Loads files into the raw tables. A file is loaded completely or not at all; a bad row goes to the rejects with its
//! line and reason.
//!
//! A reader thread decompresses and parses a file and sends batches of rows through a bounded channel; one transaction
//! stores them. Generated rows (`demo`) use the same channel.

use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait, PaginatorTrait, QuerySelect};
use tokio::sync::mpsc;

use super::progress::Progress;
use crate::{
    domain::product::Product,
    storage::{db, entity},
};

mod agents;
mod connections;
mod fields;
mod personality;
mod products;
mod source;
mod visits;
mod vocabulary;

pub use agents::{AgentRow, Agents};
pub use connections::{ConnectionRow, Connections};
pub use fields::Fields;
pub use personality::{PersonalityRow, Profiles};
pub use products::Products;
pub use visits::{VisitRow, Visits};
pub use vocabulary::closed_lists;

/// The number of rows of a batch.
pub const ROWS_PER_BATCH: usize = 4_000;

/// The reason for rejecting a row of an unknown person.
const UNKNOWN_AGENT: &str = "agent_id is not a known agent";

/// The content of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    Agents,
    Personality,
    Visits,
    Connections,
    Products,
}

impl Kind {
    /// All kinds, in the order in which they must be loaded: later ones refer to earlier ones.
    pub const ALL: [Self; 5] = [Self::Agents, Self::Personality, Self::Visits, Self::Connections, Self::Products];

    /// The name of the file, without its ending.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Agents => "agents",
            Self::Personality => "personality",
            Self::Visits => "visits",
            Self::Connections => "connections",
            Self::Products => "products",
        }
    }

    /// Finds the file of this kind in a folder: its name with one of the known endings.
    ///
    /// # Errors
    /// There are several such files, of which all but one would be ignored silently.
    pub fn find_in(self, folder: &Path) -> anyhow::Result<Option<PathBuf>> {
        let files = source::ENDINGS.map(|ending| folder.join(format!("{}.{ending}", self.name())));
        let mut files = files.into_iter().filter(|file| file.is_file());
        let first = files.next();
        if let (Some(first), Some(second)) = (&first, files.next()) {
            bail!("found both {} and {}: keep only one of them", first.display(), second.display());
        }
        Ok(first)
    }
}

impl Kind {
    /// The number of rows of its table.
    async fn count(self, transaction: &DatabaseTransaction) -> Result<u64, DbErr> {
        match self {
            Self::Agents => entity::agent::Entity::find().count(transaction).await,
            Self::Personality => entity::personality_profile::Entity::find().count(transaction).await,
            Self::Visits => entity::user_action::Entity::find().count(transaction).await,
            Self::Connections => entity::connection::Entity::find().count(transaction).await,
            Self::Products => entity::product::Entity::find().count(transaction).await,
        }
    }
}

/// A row that was not stored, and the reason. Lines and rows count from 1; in CSV line 1 is the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    pub line: u64,
    pub reason: String,
}

/// The result of loading a file.
#[derive(Debug)]
pub struct Report {
    pub kind: Kind,
    /// Rows that were read, including rejects.
    pub read: u64,
    /// Rows that were inserted.
    pub new: u64,
    /// Rows that existed before, from an earlier import or an earlier line: their values are now those of the last
    /// line.
    pub updated: u64,
    pub rejects: Vec<Reject>,
    pub elapsed: Duration,
}

/// Parsed rows with their line numbers, and the lines that could not be parsed.
pub struct Batch<R> {
    pub rows: Vec<(u64, R)>,
    pub rejects: Vec<Reject>,
}

/// A kind of row: its columns, and how a line is parsed.
pub trait Row: Sized + Send + 'static {
    const KIND: Kind;
    /// Columns that a file must have.
    const REQUIRED: &'static [&'static str];

    /// Parses a line.
    ///
    /// # Errors
    /// The reason why the line is not a row, as text for the author of the file.
    fn parse(fields: &Fields<'_>) -> Result<Self, String>;
}

/// Stores the rows of one kind in a transaction.
#[async_trait]
pub trait Store<R: Row>: Send {
    /// Stores rows, and returns those that cannot be stored, such as rows of unknown agents.
    ///
    /// # Errors
    /// The database fails; the caller then rolls back the whole file.
    async fn store(&mut self, transaction: &DatabaseTransaction, rows: Vec<(u64, R)>) -> anyhow::Result<Vec<Reject>>;

    /// Called once after the last batch.
    ///
    /// # Errors
    /// As [`Store::store`].
    async fn finish(&mut self, _transaction: &DatabaseTransaction) -> anyhow::Result<()> {
        Ok(())
    }
}

/// The options of an import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Check everything, store nothing.
    pub dry_run: bool,
    pub progress: Progress,
    /// The partner that products belong to; required to load products.
    pub partner: Option<String>,
}

/// Loads one file.
///
/// # Errors
/// The file is missing, damaged or not of this kind, products have no partner, or the database fails. Nothing of the
/// file is stored then.
pub async fn file(db: &DatabaseConnection, kind: Kind, path: &Path, options: &Options) -> anyhow::Result<Report> {
    let started = Instant::now();
    let transaction = db::begin_write(db).await.context("cannot begin to write")?;
    db::lock_people(&transaction).await.context("cannot begin to write")?;
    let report = match kind {
        Kind::Agents => load::<AgentRow>(&transaction, &mut Agents, path, options).await,
        Kind::Personality => {
            let mut profiles = Profiles { known: known_agents(&transaction).await? };
            load::<PersonalityRow>(&transaction, &mut profiles, path, options).await
        }
        Kind::Visits => {
            let mut visits = Visits { known: known_agents(&transaction).await?, needs_derivation: false };
            load::<VisitRow>(&transaction, &mut visits, path, options).await
        }
        Kind::Connections => {
            let mut connections = Connections::begin(&transaction, known_agents(&transaction).await?).await?;
            load::<ConnectionRow>(&transaction, &mut connections, path, options).await
        }
        Kind::Products => {
            let partner = options.partner.clone().context("products belong to a partner: pass it with --partner")?;
            let mut products = Products::begin(&transaction, partner).await?;
            load::<Product>(&transaction, &mut products, path, options).await
        }
    };
    let mut report = report.with_context(|| format!("nothing of {} was stored", path.display()))?;
    if options.dry_run {
        transaction.rollback().await?;
    } else {
        transaction.commit().await?;
    }
    report.elapsed = started.elapsed();
    Ok(report)
}

async fn load<R: Row>(
    transaction: &DatabaseTransaction,
    store: &mut impl Store<R>,
    path: &Path,
    options: &Options,
) -> anyhow::Result<Report> {
    let (sender, receiver) = mpsc::channel(4);
    let (path, progress) = (path.to_owned(), options.progress);
    let reader = tokio::task::spawn_blocking(move || source::read::<R>(&path, progress, &sender));
    let report = consume(transaction, store, receiver).await;
    // Report the reader's error first, because it is the cause: the store only sees that the rows end.
    reader.await.context("the reader thread stopped")??;
    report
}

/// Stores generated rows (`demo`, tests) in the same way as the rows of a file.
///
/// # Errors
/// The database fails.
pub async fn rows<R: Row, I: Iterator<Item = R>>(
    transaction: &DatabaseTransaction,
    store: &mut impl Store<R>,
    rows: impl FnOnce() -> I + Send + 'static,
) -> anyhow::Result<Report> {
    let (sender, receiver) = mpsc::channel(4);
    let generating = tokio::task::spawn_blocking(move || {
        let mut rows = (2..).zip(rows()).peekable();
        while rows.peek().is_some() {
            let batch = Batch { rows: rows.by_ref().take(ROWS_PER_BATCH).collect(), rejects: Vec::new() };
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    let report = consume(transaction, store, receiver).await;
    generating.await?;
    report
}

async fn consume<R: Row>(
    transaction: &DatabaseTransaction,
    store: &mut impl Store<R>,
    mut receiver: mpsc::Receiver<Batch<R>>,
) -> anyhow::Result<Report> {
    let mut report =
        Report { kind: R::KIND, read: 0, new: 0, updated: 0, rejects: Vec::new(), elapsed: Duration::ZERO };
    let before = R::KIND.count(transaction).await?;
    while let Some(batch) = receiver.recv().await {
        report.read += (batch.rows.len() + batch.rejects.len()) as u64;
        report.rejects.extend(batch.rejects);
        report.rejects.extend(store.store(transaction, batch.rows).await?);
    }
    store.finish(transaction).await?;
    report.new = R::KIND.count(transaction).await? - before;
    report.updated = report.read - report.rejects.len() as u64 - report.new;
    report.rejects.sort_by_key(|reject| reject.line);
    Ok(report)
}

/// Loads every file of a folder that has the name of a kind. Skips products if no partner is given.
///
/// # Errors
/// The folder is missing, contains none of the files or two files of one kind, or as [`file()`]. Files that were loaded
/// before the failing one stay stored.
pub async fn folder(db: &DatabaseConnection, folder: &Path, options: &Options) -> anyhow::Result<Vec<Report>> {
    if !folder.is_dir() {
        bail!("there is no folder {}", folder.display());
    }
    let files = Kind::ALL.map(|kind| kind.find_in(folder));
    let files = files.into_iter().collect::<anyhow::Result<Vec<_>>>()?;
    let mut reports = Vec::new();
    for (kind, path) in Kind::ALL.into_iter().zip(&files) {
        let Some(path) = path else { continue };
        if kind == Kind::Products && options.partner.is_none() {
            eprintln!("skipped {}: products belong to a partner, pass it with --partner", path.display());
            continue;
        }
        reports.push(file(db, kind, path, options).await?);
    }
    if reports.is_empty() {
        bail!(
            "{} contains none of agents, personality, visits, connections, products as .{}",
            folder.display(),
            source::ENDINGS.join(", .")
        );
    }
    Ok(reports)
}

/// Returns the ids of all people.
pub async fn known_agents(transaction: &DatabaseTransaction) -> anyhow::Result<HashSet<String>> {
    let ids: Vec<String> = entity::agent::Entity::find()
        .select_only()
        .column(entity::agent::Column::AgentId)
        .into_tuple()
        .all(transaction)
        .await?;
    Ok(ids.into_iter().collect())
}

/// Keeps the last of the rows with the same key, in order: a statement must not contain a key twice, and a later line
/// replaces an earlier one.
fn last_of_each<K: std::hash::Hash + Eq, R>(rows: Vec<(u64, R)>, key: impl Fn(&R) -> K) -> Vec<(u64, R)> {
    let mut seen = HashSet::with_capacity(rows.len());
    let mut kept: Vec<(u64, R)> = rows.into_iter().rev().filter(|(_, row)| seen.insert(key(row))).collect();
    kept.reverse();
    kept
}
