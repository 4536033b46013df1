//! Checks the schema, locks tables, and reads and writes many rows with few statements.

use std::str::FromStr;

use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, ExprTrait as _, Iterable as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::{Expr, Func, LikeExpr, OnConflict, Query, SelectStatement},
};
use serde::Serialize;

use super::bulk;
use crate::domain::page::{Page, PageRequest};

pub use super::{
    connection::{DatabaseOptions, WRITE_LOCK_TIMEOUT, connect, open, sqlite_url},
    transaction::{WriteTransaction, begin_snapshot, begin_write},
};

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

/// Prevents imports and erasures from running at the same time. On SQLite there is only one writer, so nothing is
/// locked.
pub async fn lock_people(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock(transaction, "agents").await
}

/// Prevents imports into a warehouse from running at the same time. They store a file in several transactions, so the
/// lock of people does not keep them apart.
pub async fn lock_imports(transaction: &DatabaseTransaction) -> Result<(), DbErr> {
    lock(transaction, "ai2ai_connections").await
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

/// Separate the rows and the values of rows that are read as one text. Stored texts contain no control characters.
pub const END_OF_ROW: char = '\u{1e}';
pub const END_OF_VALUE: char = '\u{1f}';

/// Reads rows as one row with one text, and returns the values of these columns as texts; a null is an empty text.
/// SQLite's driver hands each row from one thread to another, which takes longer than to read it.
pub async fn texts<const N: usize>(
    db: &impl ConnectionTrait,
    rows: SelectStatement,
    columns: [&str; N],
) -> Result<Vec<[String; N]>, DbErr> {
    let values = columns.map(|column| format!("coalesce(cast({column} as text), '')"));
    let row = values.join(&format!(" || '{END_OF_VALUE}' || "));
    let mut all = Query::select();
    all.expr(Expr::cust(format!("string_agg({row}, '{END_OF_ROW}')"))).from_subquery(rows, "texts");
    let text: Option<String> = db.query_one(&all).await?.map(|row| row.try_get_by_index(0)).transpose()?.flatten();
    let text = text.unwrap_or_default();
    let values = |row: &str| -> Result<[String; N], DbErr> {
        let values: Vec<String> = row.split(END_OF_VALUE).map(str::to_owned).collect();
        values.try_into().map_err(|_| DbErr::Type("a stored text contains a control character".to_owned()))
    };
    text.split_terminator(END_OF_ROW).map(values).collect()
}

/// Parses a number of [`texts`].
pub fn number<T: FromStr>(text: &str) -> Result<T, DbErr> {
    text.parse().map_err(|_| DbErr::Type(format!("{text:?} is not a number in range")))
}

/// Inserts rows with as few statements as possible; with `on_conflict`, what to do with rows whose key exists. A key
/// must not occur twice in `rows`. For rows of many columns: the time of [`insert_rows`] grows with their square.
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

/// Inserts rows with one statement and one parameter: a JSON array of arrays, with the values of `columns` in their
/// order. No key may exist. The text of the statement is the same for every number of rows, so that the database
/// prepares it once; for many rows, [`bulk`] is faster.
///
/// # Errors
/// The database fails, or a row cannot be written as JSON.
pub async fn insert_rows<E: EntityTrait>(
    db: &impl ConnectionTrait,
    columns: &[E::Column],
    rows: &[impl Serialize],
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let json = serde_json::to_string(rows).map_err(|cause| DbErr::Custom(cause.to_string()))?;
    let elements = match db.get_database_backend() {
        DbBackend::Sqlite => Func::cust("json_each").arg(json),
        _ => Func::cust("jsonb_array_elements").arg(Expr::val(json).cast_as("jsonb")),
    };
    let mut select = Query::select();
    for (position, column) in columns.iter().enumerate() {
        let (name, ..) = bulk::types(column.def().get_column_type())?;
        select.expr(Expr::cust(format!("value ->> {position}")).cast_as(name));
    }
    select.from_function(elements, "value");
    let mut insert = Query::insert();
    insert.into_table(E::default()).columns(columns.iter().copied());
    insert.select_from(select).map_err(|cause| DbErr::Custom(cause.to_string()))?;
    db.execute(&insert).await?;
    Ok(())
}
