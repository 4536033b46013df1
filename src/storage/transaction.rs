//! Transactions that write, and the queue of the writers of an SQLite file.

use std::{
    collections::HashMap,
    ops::Deref,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use sea_orm::{
    ConnAcquireErr, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, ExecResult,
    IsolationLevel, QueryResult, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait as _,
};
use tokio::sync::OwnedMutexGuard;

use super::connection::WRITE_LOCK_TIMEOUT;

/// A transaction that writes. It is rolled back when it is dropped.
pub struct WriteTransaction {
    transaction: DatabaseTransaction,
    // Released after the transaction, because fields are dropped in this order.
    _turn: Option<OwnedMutexGuard<()>>,
}

impl WriteTransaction {
    /// Commits the transaction.
    ///
    /// # Errors
    /// The database fails. Whether the transaction was committed is not known then.
    pub async fn commit(self) -> Result<(), DbErr> {
        self.transaction.commit().await
    }

    /// Rolls the transaction back.
    ///
    /// # Errors
    /// The database fails.
    pub async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await
    }
}

impl Deref for WriteTransaction {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

#[async_trait::async_trait]
impl ConnectionTrait for WriteTransaction {
    fn get_database_backend(&self) -> DbBackend {
        self.transaction.get_database_backend()
    }

    async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
        self.transaction.execute_raw(statement).await
    }

    async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
        self.transaction.execute_unprepared(sql).await
    }

    async fn query_one_raw(&self, statement: Statement) -> Result<Option<QueryResult>, DbErr> {
        self.transaction.query_one_raw(statement).await
    }

    async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        self.transaction.query_all_raw(statement).await
    }
}

/// Begins a transaction that will write. On SQLite it takes the write lock at once, so that no later statement fails
/// for lack of it.
///
/// The isolation level is READ COMMITTED, whatever the server's default: the ledger reads the units spent after it has
/// waited for its locks, and a snapshot from before the wait would let several requests spend the same units.
///
/// # Errors
/// The database is unavailable, or SQLite's write lock was not released within 10 s.
pub async fn begin_write(db: &DatabaseConnection) -> Result<WriteTransaction, DbErr> {
    begin(db, IsolationLevel::ReadCommitted).await
}

/// Begins a transaction that will write and sees the data as of its start, regardless of concurrent writes.
///
/// # Errors
/// As [`begin_write`].
pub async fn begin_snapshot(db: &DatabaseConnection) -> Result<WriteTransaction, DbErr> {
    begin(db, IsolationLevel::RepeatableRead).await
}

async fn begin(db: &DatabaseConnection, isolation: IsolationLevel) -> Result<WriteTransaction, DbErr> {
    // SQLite has no isolation levels: its single writer sees a snapshot in any case.
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    let turn = if sqlite { Some(sqlite_turn(db).await?) } else { None };
    let options = TransactionOptions {
        isolation_level: (!sqlite).then_some(isolation),
        access_mode: None,
        sqlite_transaction_mode: sqlite.then_some(SqliteTransactionMode::Immediate),
    };
    Ok(WriteTransaction { transaction: db.begin_with_options(options).await?, _turn: turn })
}

/// Waits for the turn to write to an SQLite file, among the writers of this process.
///
/// Without it they would poll for the lock of the file, up to 100 ms apart: the lock is free while all of them sleep,
/// and chance decides which of them gets it next. This queue is first come, first served, and a waiting writer holds no
/// connection. The lock of the file still protects against other processes.
async fn sqlite_turn(db: &DatabaseConnection) -> Result<OwnedMutexGuard<()>, DbErr> {
    static QUEUES: LazyLock<Mutex<HashMap<PathBuf, Arc<tokio::sync::Mutex<()>>>>> = LazyLock::new(Mutex::default);
    let file = db.get_sqlite_connection_pool().connect_options().get_filename().to_owned();
    let queue = Arc::clone(QUEUES.lock().unwrap_or_else(PoisonError::into_inner).entry(file).or_default());
    let turn = tokio::time::timeout(WRITE_LOCK_TIMEOUT, queue.lock_owned()).await;
    turn.map_err(|_| DbErr::ConnectionAcquire(ConnAcquireErr::Timeout))
}
