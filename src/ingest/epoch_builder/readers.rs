//! Connections that read in parallel what the transaction of a build sees.

use anyhow::Context as _;
use futures_util::{
    FutureExt as _,
    future::{BoxFuture, try_join_all},
};
use sea_orm::{
    ConnectionTrait as _, DatabaseConnection, DatabaseTransaction, DbBackend, IsolationLevel, Statement,
    TransactionTrait as _,
};

/// The number of connections that read, if the pool has one more for the transaction of the build.
const READERS: u32 = 2;

/// The connections; if there are none, the transaction of the build reads too.
pub(super) struct Readers<'a> {
    build: &'a DatabaseTransaction,
    others: Vec<DatabaseTransaction>,
}

impl<'a> Readers<'a> {
    /// Opens connections that see the same committed rows as `build`, a transaction that holds SQLite's write lock, or
    /// has a snapshot on PostgreSQL. They do not see what `build` writes.
    pub async fn open(db: &DatabaseConnection, build: &'a DatabaseTransaction) -> anyhow::Result<Self> {
        let is_postgres = db.get_database_backend() == DbBackend::Postgres;
        let available = if is_postgres {
            db.get_postgres_connection_pool().options().get_max_connections()
        } else {
            db.get_sqlite_connection_pool().options().get_max_connections()
        };
        let mut others = Vec::new();
        if available <= READERS {
            return Ok(Self { build, others });
        }
        let mut attach = None;
        if is_postgres {
            let export = Statement::from_string(DbBackend::Postgres, "select pg_export_snapshot()");
            let row = build.query_one_raw(export).await?.context("no snapshot")?;
            // The name consists of hexadecimal digits and hyphens.
            attach = Some(format!("set transaction snapshot '{}'", row.try_get_by_index::<String>(0)?));
        }
        for _ in 0..READERS {
            let isolation = is_postgres.then_some(IsolationLevel::RepeatableRead);
            let reader = db.begin_with_config(isolation, None).await?;
            if let Some(attach) = &attach {
                reader.execute_unprepared(attach).await?;
            }
            others.push(reader);
        }
        Ok(Self { build, others })
    }

    /// Reads pages, several at once. Returns the results in the order of the pages.
    pub fn read<'r, P, T: Send + 'r>(
        &'r self,
        pages: &'r [P],
        read: impl Fn(&'r DatabaseTransaction, &'r P) -> BoxFuture<'r, anyhow::Result<T>>,
    ) -> BoxFuture<'r, anyhow::Result<Vec<T>>> {
        let connections: Vec<&DatabaseTransaction> =
            if self.others.is_empty() { vec![self.build] } else { self.others.iter().collect() };
        let mut lanes: Vec<Vec<_>> = connections.iter().map(|_| Vec::new()).collect();
        for (number, page) in pages.iter().enumerate() {
            let lane = number % lanes.len();
            lanes[lane].push((number, read(connections[lane], page)));
        }
        async move {
            let lanes = try_join_all(lanes.into_iter().map(in_turn)).await?;
            let mut results: Vec<(usize, T)> = lanes.into_iter().flatten().collect();
            results.sort_by_key(|(number, _)| *number);
            Ok(results.into_iter().map(|(_, result)| result).collect())
        }
        .boxed()
    }

    /// A connection for reads while the transaction of the build writes; that transaction if there is no other.
    pub fn one(&self) -> &DatabaseTransaction {
        self.others.first().unwrap_or(self.build)
    }
}

/// Awaits numbered futures one after the other.
async fn in_turn<T>(futures: Vec<(usize, BoxFuture<'_, anyhow::Result<T>>)>) -> anyhow::Result<Vec<(usize, T)>> {
    let mut results = Vec::new();
    for (number, future) in futures {
        results.push((number, future.await?));
    }
    Ok(results)
}
