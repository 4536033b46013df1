//! Loads files into the raw tables. A row that is not valid becomes a reject with its line and reason; a file with too
//! many rejects is not stored.
//!
//! A reader thread decompresses and parses a file and sends batches of rows through a bounded channel; `writer` stores
//! them. Generated rows (`demo`) use the same stores.

use std::{
    cmp::Ordering,
    path::Path,
    sync::Arc,
    time::{Instant, UNIX_EPOCH},
};

use anyhow::Context;
use sea_orm::{DatabaseConnection, DatabaseTransaction, DbBackend};
use sha2::{Digest as _, Sha256};
use tokio::{sync::mpsc, task::JoinHandle};

use super::progress::Progress;
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        product::Product,
    },
    storage::{entity::import_run, file_locks, warehouse::Warehouse},
};
use batches::{Batch, Batches};

mod agents;
mod batches;
mod connections;
mod fields;
mod files;
mod kinds;
mod people;
mod personality;
mod products;
mod report;
mod source;
mod value;
mod visits;
mod vocabulary;
mod warehouse;
mod writer;

pub use agents::{AgentRow, Agents};
pub use batches::{ROWS_PER_BATCH, Reject};
pub use connections::{ConnectionRow, Connections};
pub use fields::{Fields, Scale};
pub use files::{Found, Source, find};
pub use kinds::{Kind, Row, Store, Target};
pub use people::{People, Standing};
pub use personality::{PersonalityRow, Profiles};
pub use products::Products;
pub use report::{MaxRejects, Report};
pub use visits::{VisitRow, Visits};
pub use vocabulary::closed_lists;
pub use writer::Writer;

/// The options of an import.
#[derive(Clone, Debug)]
pub struct Options {
    /// Check everything, store nothing.
    pub dry_run: bool,
    pub progress: Progress,
    /// The partner that products belong to; required to load products.
    pub partner: Option<String>,
    /// The number of rejects from which on a file is not stored.
    pub max_rejects: MaxRejects,
    /// The scale of the personality dimensions; `None` = 0 to 1.
    pub scale: Option<Scale>,
    /// Where the rows of people are stored; `None` = in the database.
    pub warehouse: Option<Warehouse>,
}

impl Options {
    /// Store everything, with the default limits, and show no progress.
    pub const DEFAULT: Self = Self {
        dry_run: false,
        progress: Progress::Hidden,
        partner: None,
        max_rejects: MaxRejects::Default,
        scale: None,
        warehouse: None,
    };

    /// The partner of the products.
    ///
    /// # Errors
    /// None was given.
    pub(super) fn require_partner(&self) -> anyhow::Result<&str> {
        self.partner.as_deref().context("products belong to a partner: pass it with --partner")
    }
}

/// Loads one file, or the part files of a folder.
///
/// # Errors
/// The file is missing, damaged or not of this kind, has too many rejects, products have no partner, or the database
/// fails. Nothing of the file is stored then, except on SQLite if storing is interrupted: the next import continues.
pub async fn file(db: &DatabaseConnection, kind: Kind, path: &Path, options: &Options) -> anyhow::Result<Report> {
    let mut reports = Vec::new();
    run(db, &[Source::new(kind, path.to_owned())?], options, &mut reports).await?;
    reports.pop().context("no report")
}

/// Loads every file of a folder that has the name of a kind. Skips products if no partner is given.
///
/// # Errors
/// As [`find`] and [`file()`]. Files that were loaded before the failing one stay stored.
pub async fn folder(db: &DatabaseConnection, folder: &Path, options: &Options) -> anyhow::Result<Vec<Report>> {
    let mut reports = Vec::new();
    run(db, &find(folder)?.sources, options, &mut reports).await?;
    Ok(reports)
}

/// Loads files in this order and adds a report for each to `reports`, also for the one that fails. Skips products if no
/// partner is given and there are other files.
///
/// # Errors
/// As [`file()`]. Files that were loaded before the failing one stay stored.
pub async fn run(
    db: &DatabaseConnection,
    sources: &[Source],
    options: &Options,
    reports: &mut Vec<Report>,
) -> anyhow::Result<()> {
    let _lock = if options.dry_run { None } else { Some(file_locks::lock_imports(db).await?) };
    let mut import = Import { db, options, dry_run_ids: Vec::new() };
    for source in sources {
        if source.kind == Kind::Products && options.partner.is_none() && sources.len() > 1 {
            eprintln!("skipped {}: products belong to a partner, pass it with --partner", source.path.display());
            continue;
        }
        let (started, mut report) = (Instant::now(), Report::new(source.kind, source.path.clone()));
        let loaded = import.source(source, &mut report).await;
        report.elapsed = started.elapsed();
        let is_stored = report.is_stored;
        reports.push(report);
        loaded.with_context(|| {
            let path = source.path.display();
            if is_stored {
                format!("{path} is stored in part: import it again to complete it")
            } else {
                format!("nothing of {path} was stored")
            }
        })?;
    }
    Ok(())
}

/// A running import.
struct Import<'a> {
    db: &'a DatabaseConnection,
    options: &'a Options,
    /// The people that a dry run has read.
    dry_run_ids: Vec<String>,
}

impl Import<'_> {
    async fn source(&mut self, source: &Source, report: &mut Report) -> anyhow::Result<()> {
        match source.kind {
            Kind::Agents => self.load::<AgentRow, Agents>(source, report).await,
            Kind::Personality => self.load::<PersonalityRow, Profiles>(source, report).await,
            Kind::Visits => self.load::<VisitRow, Visits>(source, report).await,
            Kind::Connections => self.load::<ConnectionRow, Connections>(source, report).await,
            Kind::Products => {
                self.options.require_partner()?;
                self.load::<Product, Products>(source, report).await
            }
        }
    }

    async fn load<R: Row, S: Store<R>>(&mut self, source: &Source, report: &mut Report) -> anyhow::Result<()> {
        let in_steps = match (&self.options.warehouse, source.kind) {
            // A catalog is small enough for one transaction. Visits are staged in a warehouse, because reading such a
            // large file twice would take too long.
            (_, Kind::Products) | (Some(_), Kind::Visits) => false,
            (Some(_), _) => true,
            (None, _) => self.db.get_database_backend() == DbBackend::Sqlite,
        };
        if in_steps || self.options.dry_run {
            self.check::<R>(source, report).await?;
        }
        if self.options.dry_run {
            return Ok(());
        }
        *report = Report::new(source.kind, source.path.clone());
        let run = in_steps.then(|| self.unfinished(source)).transpose()?;
        self.store::<R, S>(source, run, report).await
    }

    /// Reads a file and stores nothing.
    async fn check<R: Row>(&mut self, source: &Source, report: &mut Report) -> anyhow::Result<()> {
        let mut people = People::load(self.db, self.options.warehouse.as_ref()).await?;
        people.add(self.dry_run_ids.iter().cloned());
        let (mut receiver, reader) = self.read::<R>(source, Arc::new(people));
        while let Some(mut batch) = receiver.recv().await {
            report.add(&mut batch);
            if self.options.dry_run {
                let ids = batch.rows.iter().filter_map(|(_, row)| row.introduces().map(str::to_owned));
                self.dry_run_ids.extend(ids);
            }
        }
        reader.await.context("the reader thread stopped")??;
        report.check(self.options.max_rejects)
    }

    async fn store<R: Row, S: Store<R>>(
        &self,
        source: &Source,
        run: Option<import_run::Model>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut writer = Writer::begin(self.db, self.options.warehouse.as_ref(), run).await?;
        let stored = self.store_all::<R, S>(source, &mut writer, report).await;
        let finished = match stored {
            Ok(()) => writer.finish().await,
            failed => failed,
        };
        report.is_stored = finished.is_ok() || writer.has_committed;
        finished
    }

    async fn store_all<R: Row, S: Store<R>>(
        &self,
        source: &Source,
        writer: &mut Writer<'_>,
        report: &mut Report,
    ) -> anyhow::Result<()> {
        let mut store = S::begin(writer.target().await?, self.options).await?;
        let before = R::KIND.count(writer.target().await?).await?;
        let done = writer.rows_done().await?;
        let (receiver, reader) = self.read::<R>(source, Arc::clone(&writer.people));
        let stored = receive(receiver, &mut store, writer, report, done).await;
        // Report the reader's error first, because it is the cause: the store only sees that the rows end.
        reader.await.context("the reader thread stopped")??;
        stored?;
        if !writer.is_in_steps() {
            report.check(self.options.max_rejects)?;
        }
        store.finish(writer.target().await?).await?;
        report.new = R::KIND.count(writer.target().await?).await?.saturating_sub(before);
        report.updated = report.read.saturating_sub(report.rejected + report.erased + report.new);
        Ok(())
    }

    /// Starts a thread that reads a file.
    fn read<R: Row>(
        &self,
        source: &Source,
        people: Arc<People>,
    ) -> (mpsc::Receiver<Batch<R>>, JoinHandle<anyhow::Result<()>>) {
        let (batches_ahead, size) =
            if self.options.warehouse.is_some() { (1, warehouse::ROWS_PER_BATCH) } else { (4, ROWS_PER_BATCH) };
        let (sender, receiver) = mpsc::channel(batches_ahead);
        let scale = self.options.scale.filter(|_| R::KIND == Kind::Personality);
        let batches = Batches::new(sender, people, scale, size);
        let (parts, progress) = (source.parts.clone(), self.options.progress);
        (receiver, tokio::task::spawn_blocking(move || source::read::<R>(&parts, progress, batches)))
    }

    /// The record of an import of this file in steps. It identifies the file by name, size and time of change, so that
    /// an import of the same file with the same options continues an interrupted one.
    fn unfinished(&self, source: &Source) -> anyhow::Result<import_run::Model> {
        let mut hash = Sha256::new();
        hash.update(format!("{}\n{:?}\n", source.kind.name(), self.options.scale));
        for part in &source.parts {
            let about = part.metadata().with_context(|| format!("cannot open {}", part.display()))?;
            let changed = about.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            hash.update(format!("{}\n{}\n{changed}\n", part.display(), about.len()));
        }
        Ok(import_run::Model {
            fingerprint: hex::encode(hash.finalize()),
            kind: source.kind.name().to_owned(),
            file: source.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            rows_done: 0,
            started_at: SystemClock.now(),
        })
    }
}

/// Stores the batches of a reader; the first `done` rows are stored already.
async fn receive<R: Row>(
    mut receiver: mpsc::Receiver<Batch<R>>,
    store: &mut impl Store<R>,
    writer: &mut Writer<'_>,
    report: &mut Report,
    done: u64,
) -> anyhow::Result<()> {
    while let Some(mut batch) = receiver.recv().await {
        report.add(&mut batch);
        if report.read <= done {
            continue;
        }
        let mut rows = batch.rows;
        writer.target().await?;
        if writer.is_recheck_needed {
            // A person was erased after the reader had checked the rows.
            let parsed = rows.len();
            rows.retain(|(_, row)| writer.people.standing_of(row) == Standing::Known);
            report.erased += (parsed - rows.len()) as u64;
        }
        let rejects = store.store(writer.target().await?, rows).await?;
        report.reject(rejects);
        writer.step(report.read).await?;
    }
    Ok(())
}

/// Stores generated rows (`demo`, tests) in the same way as the rows of a file.
///
/// # Errors
/// The database fails.
pub async fn rows<R: Row, I: Iterator<Item = R>>(
    transaction: &DatabaseTransaction,
    store: &mut impl Store<R>,
    rows: impl FnOnce() -> I + Send + 'static,
) -> anyhow::Result<()> {
    let (sender, mut receiver) = mpsc::channel(4);
    let generating = tokio::task::spawn_blocking(move || {
        let mut rows = (2..).zip(rows()).peekable();
        while rows.peek().is_some() {
            let batch: Vec<(u64, R)> = rows.by_ref().take(ROWS_PER_BATCH).collect();
            if sender.blocking_send(batch).is_err() {
                break;
            }
        }
    });
    while let Some(batch) = receiver.recv().await {
        store.store(Target::database(transaction), batch).await?;
    }
    generating.await?;
    Ok(())
}

/// Sorts rows by their key, so that they reach the database in its order, and keeps the last of the rows with the same
/// key: a statement must not contain a key twice, and a later line replaces an earlier one.
fn last_of_each<R>(mut rows: Vec<(u64, R)>, compare: impl Fn(&R, &R) -> Ordering) -> Vec<(u64, R)> {
    rows.sort_by(|(_, one), (_, other)| compare(one, other));
    rows.dedup_by(|(line, next), (kept_line, kept)| {
        let is_same = compare(next, kept).is_eq();
        if is_same {
            std::mem::swap(next, kept);
            std::mem::swap(line, kept_line);
        }
        is_same
    });
    rows
}
