//! Temporary tables with a key, by which a build joins in steps.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend};

/// Creates a table with these columns, one of which or a constraint is the primary key, and fills it from a query.
pub(super) async fn create(
    transaction: &DatabaseTransaction,
    table: &str,
    columns: &str,
    query: &str,
) -> anyhow::Result<()> {
    let is_sqlite = transaction.get_database_backend() == DbBackend::Sqlite;
    let clustered = if is_sqlite { "without rowid" } else { "" };
    let mut steps =
        vec![format!("create temporary table {table} ({columns}) {clustered}"), format!("insert into {table} {query}")];
    if !is_sqlite {
        // PostgreSQL's autovacuum does not analyze temporary tables.
        steps.push(format!("analyze {table}"));
    }
    for step in steps {
        transaction.execute_unprepared(&step).await.with_context(|| format!("cannot prepare {table}"))?;
    }
    Ok(())
}

/// Drops tables.
pub(super) async fn drop_all(transaction: &DatabaseTransaction, tables: &[&str]) -> anyhow::Result<()> {
    for table in tables {
        transaction.execute_unprepared(&format!("drop table {table}")).await?;
    }
    Ok(())
}
