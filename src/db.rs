//! Opening the database, and writing many rows at once.

use std::{fmt::Write as _, path::Path, time::Duration};

use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value, sea_query::LikeExpr,
};

/// How long a writer waits for SQLite's one write lock.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Opens a database; for an SQLite file that may be made, makes its folder.
///
/// # Errors
/// The address is not one, or nobody answers there. Never repeats the address: it may hold a password.
pub async fn connect(url: &str) -> anyhow::Result<DatabaseConnection> {
    let sqlite = url.starts_with("sqlite:");
    if !sqlite && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("DATABASE_URL must begin with sqlite:// or postgres://");
    }
    if sqlite && url.contains("mode=rwc") {
        let file = url.trim_start_matches("sqlite:").trim_start_matches("//").split('?').next().unwrap_or_default();
        if let Some(folder) = Path::new(file).parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
    }
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(10))
        // An in-memory SQLite database belongs to its connection: a second one would be empty.
        .max_connections(if url.contains(":memory:") { 1 } else { 16 })
        .map_sqlx_sqlite_opts(|options| {
            options
                // Readers go on while one writes; FULL because a charge that was shown must survive a power cut.
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "FULL")
                .pragma("cache_size", "-65536")
                .busy_timeout(PATIENCE)
        });
    // The driver's text may hold the address, and with it the password: it goes nowhere, not even to the log.
    Database::connect(options).await.map_err(|_| {
        anyhow::anyhow!(
            "cannot open the database of DATABASE_URL: {}",
            if sqlite {
                "the file does not exist or is not an SQLite database (`?mode=rwc` makes a new one)"
            } else {
                "no PostgreSQL server answers there, or it refused the user, password or database name"
            }
        )
    })
}

/// Refuses a database whose tables are not those of this program.
///
/// # Errors
/// Says how to mend it.
pub async fn require_migrated(db: &DatabaseConnection) -> anyhow::Result<()> {
    let pending = Migrator::get_pending_migrations(db).await.context("cannot read the state of the database schema")?;
    if !pending.is_empty() {
        bail!("the database lacks {} migration(s): run `spots-enrichment migrate up` first", pending.len());
    }
    Ok(())
}

/// Builds the tables in a database that has none of them; an older one is left to `migrate up`, which is a decision.
///
/// # Errors
/// As [`require_migrated`], or the tables cannot be built.
pub async fn migrate_if_fresh(db: &DatabaseConnection) -> anyhow::Result<()> {
    if Migrator::get_applied_migrations(db).await.context("cannot read the state of the database schema")?.is_empty() {
        Migrator::up(db, None).await.context("cannot build the tables")?;
    }
    require_migrated(db).await
}

/// A transaction that will write: on SQLite the write lock is taken at once, so that it cannot fail half way.
///
/// READ COMMITTED, whatever the server's default: the ledger reads what was spent after it has waited for its locks, and
/// a snapshot from before the wait would let many requests spend the same units.
///
/// # Errors
/// The database is gone, or its write lock was not to be had for 10 s.
pub async fn begin_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin(db, IsolationLevel::ReadCommitted).await
}

/// A writing transaction that sees the data as they were when it began, whatever others write meanwhile.
///
/// # Errors
/// As [`begin_write`].
pub async fn begin_snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin(db, IsolationLevel::RepeatableRead).await
}

/// Keeps imports and erasures from running at the same time. On SQLite there is one writer anyway.
///
/// # Errors
/// As the database says.
pub async fn lock_people(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock(transaction, "agents").await
}

/// Keeps builds and erasures from running at the same time; before anything is read, because a snapshot is of the
/// moment of its first reading.
///
/// # Errors
/// As the database says.
pub async fn lock_epochs(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock(transaction, "agent_rollup").await
}

async fn lock(transaction: &DatabaseTransaction, table: &str) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared(&format!("lock table {table} in share row exclusive mode")).await?;
    }
    Ok(())
}

async fn begin(db: &DatabaseConnection, isolation: IsolationLevel) -> Result<DatabaseTransaction, DbErr> {
    // SQLite knows no levels: its one writer sees a snapshot anyway.
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    db.begin_with_options(TransactionOptions {
        isolation_level: (!sqlite).then_some(isolation),
        access_mode: None,
        sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
    })
    .await
}

/// The pattern that finds a text anywhere, taken literally: `_` and `%` would match others, and our words are full of
/// the former.
#[must_use]
pub fn like(text: &str) -> LikeExpr {
    let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{text}%")).escape('\\')
}

/// A table as a bulk writer sees it.
#[derive(Default)]
pub struct Bulk {
    pub table: &'static str,
    pub columns: Vec<&'static str>,
    /// Columns that name a row.
    pub key: &'static [&'static str],
    /// Columns that a row met again overwrites.
    pub update: Vec<&'static str>,
}

impl Bulk {
    /// How many rows fit in one statement (both databases bound the parameters of one).
    #[must_use]
    pub fn rows_per_statement(&self) -> usize {
        30_000 / self.columns.len().max(1)
    }

    /// Writes rows; a row whose key exists is updated. No key may come twice in one call.
    ///
    /// # Errors
    /// As the database says.
    pub async fn write(&self, db: &impl ConnectionTrait, rows: Vec<Vec<Value>>) -> Result<(), DbErr> {
        let backend = db.get_database_backend();
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let chunk: Vec<_> = rows.by_ref().take(self.rows_per_statement()).collect();
            let sql = self.statement(backend, chunk.len());
            let values: Vec<Value> = chunk.into_iter().flatten().collect();
            db.execute_raw(Statement::from_sql_and_values(backend, sql, values)).await?;
        }
        Ok(())
    }

    fn statement(&self, backend: DbBackend, rows: usize) -> String {
        let mut sql = format!("insert into {} ({}) values ", self.table, self.columns.join(", "));
        for row in 0..rows {
            sql.push_str(if row == 0 { "(" } else { ", (" });
            for column in 0..self.columns.len() {
                let comma = if column == 0 { "" } else { ", " };
                let number = row * self.columns.len() + column + 1;
                let _ = match backend {
                    DbBackend::Sqlite => write!(sql, "{comma}?"),
                    _ => write!(sql, "{comma}${number}"),
                };
            }
            sql.push(')');
        }
        if !self.key.is_empty() {
            let _ = write!(sql, " on conflict ({}) do ", self.key.join(", "));
            if self.update.is_empty() {
                sql.push_str("nothing");
            } else {
                let sets: Vec<_> = self.update.iter().map(|column| format!("{column} = excluded.{column}")).collect();
                let _ = write!(sql, "update set {}", sets.join(", "));
            }
        }
        sql
    }
}
