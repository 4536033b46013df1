//! Checks the schema, locks tables, and reads and writes many rows with few statements.

use std::str::FromStr;

use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait as _, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, Iterable as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select, Value,
    sea_query::{Expr, LikeExpr, OnConflict, Query, SelectStatement, SimpleExpr},
};

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

/// A query whose rows are read as one text.
pub struct TextQuery {
    rows: SelectStatement,
    columns: Vec<&'static str>,
}

impl TextQuery {
    /// The query `rows`, of which these columns are read.
    #[must_use]
    pub fn new(rows: SelectStatement, columns: &[&'static str]) -> Self {
        Self { rows, columns: columns.to_vec() }
    }
}

/// The values of a row as texts; a null is an empty text.
pub type TextRow = Vec<String>;

/// Reads the rows of several queries with one statement, which returns one row with one text per query. SQLite's driver
/// hands each statement and each row from one thread to another, which takes longer than to read it.
pub async fn texts_of<const N: usize>(
    db: &impl ConnectionTrait,
    queries: [TextQuery; N],
) -> Result<[Vec<TextRow>; N], DbErr> {
    let columns = queries.each_ref().map(|query| query.columns.len());
    let mut all = Query::select();
    for query in queries {
        let values: Vec<String> =
            query.columns.iter().map(|column| format!("coalesce(cast({column} as text), '')")).collect();
        let row = values.join(&format!(" || '{END_OF_VALUE}' || "));
        let mut text = Query::select();
        text.expr(Expr::cust(format!("string_agg({row}, '{END_OF_ROW}')"))).from_subquery(query.rows, "texts");
        all.expr(SimpleExpr::SubQuery(None, Box::new(text.into())));
    }
    let row = db.query_one(&all).await?.ok_or_else(|| DbErr::RecordNotFound("no row of texts".to_owned()))?;
    let mut found = std::array::from_fn(|_| Vec::new());
    for (number, rows) in found.iter_mut().enumerate() {
        let text: Option<String> = row.try_get_by_index(number)?;
        for row in text.unwrap_or_default().split_terminator(END_OF_ROW) {
            let values: TextRow = row.split(END_OF_VALUE).map(str::to_owned).collect();
            if values.len() != columns[number] {
                return Err(DbErr::Type("a stored text contains a control character".to_owned()));
            }
            rows.push(values);
        }
    }
    Ok(found)
}

/// The statement that inserts rows, each with one value per column, as a text with the values in it; empty without
/// rows. Several such texts can be executed at once.
#[must_use]
pub fn insert_text<E: EntityTrait>(backend: DbBackend, columns: &[E::Column], rows: Vec<Vec<Value>>) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut insert = Query::insert();
    insert.into_table(E::default()).columns(columns.iter().copied());
    for row in rows {
        insert.values_panic(row.into_iter().map(Expr::from));
    }
    backend.build(&insert).to_string()
}

/// Parses a boolean of [`texts_of`].
#[must_use]
pub fn boolean(text: &str) -> bool {
    matches!(text, "1" | "true")
}

/// Parses a number of [`texts_of`].
pub fn number<T: FromStr>(text: &str) -> Result<T, DbErr> {
    text.parse().map_err(|_| DbErr::Type(format!("{text:?} is not a number in range")))
}

/// Inserts rows with as few statements as possible; with `on_conflict`, what to do with rows whose key exists. A key
/// must not occur twice in `rows`. For many rows, [`bulk`](super::bulk) is faster.
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
