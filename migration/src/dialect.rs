//! The three words in which the SQL of SQLite and PostgreSQL differs for us.

use sea_orm_migration::{prelude::*, sea_orm::DatabaseBackend};

/// Runs the statements of `sql` (separated by `;`) after putting in the words of the database at hand:
///
/// * `{bytes}`: the type of a byte string;
/// * `{serial}`: a primary key that counts by itself;
/// * `{clustered}`: rows stored in the order of the primary key, where the database can do that.
pub async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
    let (bytes, serial, clustered) = if sqlite {
        ("blob", "integer primary key autoincrement", "without rowid")
    } else {
        ("bytea", "bigint generated always as identity primary key", "")
    };
    let sql = sql.replace("{bytes}", bytes).replace("{serial}", serial).replace("{clustered}", clustered);
    let statements: Vec<&str> = sql.split(';').map(str::trim).filter(|statement| !statement.is_empty()).collect();
    each(manager, &statements).await
}

/// Runs the statements of the database at hand.
pub async fn either(manager: &SchemaManager<'_>, sqlite: &[&str], postgres: &[&str]) -> Result<(), DbErr> {
    let is_sqlite = manager.get_database_backend() == DatabaseBackend::Sqlite;
    each(manager, if is_sqlite { sqlite } else { postgres }).await
}

/// Runs statements that are written for one database: a trigger holds a `;` of its own.
pub async fn each(manager: &SchemaManager<'_>, statements: &[&str]) -> Result<(), DbErr> {
    for statement in statements {
        manager.get_connection().execute_unprepared(statement).await?;
    }
    Ok(())
}
