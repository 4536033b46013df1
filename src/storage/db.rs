//! Checks the schema, begins transactions, and writes many rows with few statements.

use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IsolationLevel, Iterable as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sea_query::{LikeExpr, OnConflict},
};

use crate::domain::page::{Page, PageRequest};

pub use super::connection::{DatabaseOptions, WRITE_LOCK_TIMEOUT, connect, open, sqlite_url};

/// Parameters of one statement; both databases limit them.
const MAX_PARAMETERS: usize = 30_000;

/// Checks that all migrations of this program are applied.
///
/// # Errors
/// Migrations are pending (the error names the command that applies them), or the database fails.
pub async fn require_migrated(db: &DatabaseConnection) -> anyhow::Result<()> {
    let pending = Migrator::get_pending_migrations(db).await.context("cannot read the state of the database schema")?;
    if !pending.is_empty() {
        bail!("the database lacks {} migration(s): run `spots-enrichment migrate up` first", pending.len());
    }
    Ok(())
}

/// Creates the tables in a database that has none of them. A database of an older version is not upgraded, because that
/// is the operator's decision (`migrate up`).
///
/// # Errors
/// As [`require_migrated`], or the tables cannot be created.
pub async fn migrate_if_fresh(db: &DatabaseConnection) -> anyhow::Result<()> {
    if Migrator::get_applied_migrations(db).await.context("cannot read the state of the database schema")?.is_empty() {
        Migrator::up(db, None).await.context("cannot create the tables")?;
    }
    require_migrated(db).await
}

/// Begins a transaction that will write. On SQLite it takes the write lock at once, so that no later statement fails
/// for lack of it.
///
/// The isolation level is READ COMMITTED, whatever the server's default: the ledger reads the units spent after it has
/// waited for its locks, and a snapshot from before the wait would let several requests spend the same units.
///
/// # Errors
/// The database is unavailable, or SQLite's write lock was not released within 10 s.
pub async fn begin_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin(db, IsolationLevel::ReadCommitted).await
}

/// Begins a transaction that will write and sees the data as of its start, regardless of concurrent writes.
///
/// # Errors
/// As [`begin_write`].
pub async fn begin_snapshot(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin(db, IsolationLevel::RepeatableRead).await
}

/// Prevents imports and erasures from running at the same time. On SQLite there is only one writer, so nothing is
/// locked.
pub async fn lock_people(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock(transaction, "agents").await
}

/// Prevents epoch builds and erasures from running at the same time. Call it before the transaction reads anything,
/// because a snapshot is taken at the first read.
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
    // SQLite has no isolation levels: its single writer sees a snapshot in any case.
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    db.begin_with_options(TransactionOptions {
        isolation_level: (!sqlite).then_some(isolation),
        access_mode: None,
        sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
    })
    .await
}

/// Returns a LIKE pattern that finds `text` literally, anywhere in a value. It escapes `%` and `_`, which are
/// wildcards; vocabulary values often contain `_`.
#[must_use]
pub fn like(text: &str) -> LikeExpr {
    let text = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{text}%")).escape('\\')
}

/// Reads a page of rows in the order of a unique column, which is also the key of the cursors.
pub async fn page<E: EntityTrait>(
    db: &impl ConnectionTrait,
    rows: Select<E>,
    key: E::Column,
    page: &PageRequest,
) -> Result<Page<E::Model>, DbErr> {
    let rows = match &page.beyond {
        Some(beyond) if page.backward => rows.filter(key.lt(beyond)),
        Some(beyond) => rows.filter(key.gt(beyond)),
        None => rows,
    };
    let rows = if page.backward { rows.order_by_desc(key) } else { rows.order_by_asc(key) };
    Ok(page.cut(rows.limit(page.size + 1).all(db).await?))
}

/// Inserts rows with as few statements as possible; with `on_conflict`, what to do with rows whose key exists. A key
/// must not occur twice in `rows`.
pub async fn insert_all<A>(
    db: &impl ConnectionTrait,
    rows: Vec<A>,
    on_conflict: Option<&OnConflict>,
) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Send,
{
    let columns = <A::Entity as EntityTrait>::Column::iter().count();
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let mut insert = A::Entity::insert_many(rows.by_ref().take(MAX_PARAMETERS / columns.max(1)));
        if let Some(on_conflict) = on_conflict {
            insert = insert.on_conflict(on_conflict.clone());
        }
        insert.exec_without_returning(db).await?;
    }
    Ok(())
}
