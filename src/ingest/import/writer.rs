//! The transactions of an import.
//!
//! On PostgreSQL a file is stored in one transaction. SQLite has a single writer, so one long transaction would keep a
//! running server from charging and publishing; there, a file is checked first and then stored in short transactions,
//! with pauses while a server runs. A warehouse has no transactions, so a file is stored in steps there too. The number
//! of stored rows is recorded, so that an interrupted import continues where it stopped.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use sea_orm::DatabaseConnection;

use super::{kinds::Target, people::People};
use crate::storage::{
    audit,
    db::{self, WriteTransaction},
    entity::import_run::Model,
    file_locks, import_runs,
    warehouse::Warehouse,
};

/// The time after which a short transaction is committed.
const STEP: Duration = Duration::from_millis(300);
/// The pause between two short transactions while a server runs. A waiting writer of another process tries again every
/// 100 ms at the latest.
const PAUSE: Duration = Duration::from_millis(120);

/// The transaction of an import, and in steps the ones that follow it.
pub struct Writer<'a> {
    db: &'a DatabaseConnection,
    warehouse: Option<&'a Warehouse>,
    /// With a warehouse: holds the lock of imports until the file is stored.
    imports: Option<WriteTransaction>,
    transaction: Option<WriteTransaction>,
    began: Instant,
    /// The progress that is recorded; `None` if the whole file is one transaction.
    run: Option<Model>,
    /// The people as of the last transaction.
    pub(super) people: Arc<People>,
    last_erasure: Option<i64>,
    /// Whether a person was erased since the import began, so that rows that were parsed before must be checked again.
    pub(super) is_recheck_needed: bool,
    /// Whether a transaction was committed.
    pub(super) has_committed: bool,
}

impl<'a> Writer<'a> {
    /// Begins the first transaction and loads the known people. With `run`, stores in steps.
    pub(super) async fn begin(
        db: &'a DatabaseConnection,
        warehouse: Option<&'a Warehouse>,
        run: Option<Model>,
    ) -> anyhow::Result<Self> {
        let mut imports = None;
        if warehouse.is_some() {
            let transaction = db::begin_write(db).await.context("cannot begin to write")?;
            db::lock_imports(&transaction).await.context("cannot begin to write")?;
            imports = Some(transaction);
        }
        let transaction = begin(db).await?;
        let people = Arc::new(People::load(&transaction, warehouse).await?);
        let last_erasure = audit::last_erasure(&transaction).await?;
        let began = Instant::now();
        Ok(Self {
            db,
            warehouse,
            imports,
            transaction: Some(transaction),
            began,
            run,
            people,
            last_erasure,
            is_recheck_needed: false,
            has_committed: false,
        })
    }

    /// Whether the file is stored in several transactions.
    pub(super) fn is_in_steps(&self) -> bool {
        self.run.is_some()
    }

    /// The current transaction.
    async fn transaction(&mut self) -> anyhow::Result<&WriteTransaction> {
        if self.transaction.is_none() {
            let transaction = begin(self.db).await?;
            self.began = Instant::now();
            let last_erasure = audit::last_erasure(&transaction).await?;
            if last_erasure != self.last_erasure {
                self.people = Arc::new(People::load(&transaction, self.warehouse).await?);
                (self.last_erasure, self.is_recheck_needed) = (last_erasure, true);
            }
            self.transaction = Some(transaction);
        }
        self.transaction.as_ref().context("no transaction")
    }

    /// Where rows are stored now.
    pub(super) async fn target(&mut self) -> anyhow::Result<Target<'_>> {
        let warehouse = self.warehouse;
        Ok(Target { transaction: self.transaction().await?, warehouse })
    }

    /// The number of rows that an interrupted import of the same file has stored.
    pub(super) async fn rows_done(&mut self) -> anyhow::Result<u64> {
        let Some(run) = self.run.clone() else { return Ok(0) };
        Ok(import_runs::rows_done(self.transaction().await?, &run.fingerprint).await?)
    }

    /// Records that the rows up to `rows` are stored. In steps, commits if the transaction is long enough, and pauses
    /// while a server runs, so that its writers have their turn.
    pub(super) async fn step(&mut self, rows: u64) -> anyhow::Result<()> {
        let Some(run) = self.run.as_mut().filter(|_| self.began.elapsed() >= STEP) else { return Ok(()) };
        run.rows_done = i64::try_from(rows)?;
        if let Some(transaction) = self.transaction.take() {
            import_runs::record(&transaction, run.clone()).await?;
            transaction.commit().await?;
            self.has_committed = true;
            if file_locks::is_served(self.db) {
                tokio::time::sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Commits the last transaction.
    pub(super) async fn finish(&mut self) -> anyhow::Result<()> {
        if let Some(run) = self.run.take() {
            import_runs::finish(self.transaction().await?, &run.kind, run.started_at).await?;
        }
        if let Some(transaction) = self.transaction.take() {
            transaction.commit().await?;
        }
        if let Some(imports) = self.imports.take() {
            imports.commit().await?;
        }
        Ok(())
    }
}

async fn begin(db: &DatabaseConnection) -> anyhow::Result<WriteTransaction> {
    let transaction = db::begin_write(db).await.context("cannot begin to write")?;
    db::lock_people(&transaction).await.context("cannot begin to write")?;
    Ok(transaction)
}
