//! Inserts of many rows, in the fastest way that each database has.

use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbBackend, DbErr, EntityTrait, IdenStatic, SqlErr, Statement, Value,
    sea_query::{ArrayType, ColumnType, Expr, SimpleExpr},
};

/// Parameters of one statement on SQLite, which allows 32,766.
const MAX_PARAMETERS: usize = 30_000;

/// What to do with rows whose key exists: the columns of the key, and those that get the new values.
pub type Update<'a, E> = (&'a [<E as EntityTrait>::Column], &'a [<E as EntityTrait>::Column]);

/// Inserts rows, each with one value per column. Without `update`, no key may exist; a key must not occur twice in
/// `rows`. In a column that allows null, an empty text is stored as null.
///
/// # Errors
/// The database fails, or a column has a type that is not supported.
pub async fn insert<E: EntityTrait>(
    db: &impl ConnectionTrait,
    columns: &[E::Column],
    rows: Vec<Vec<Value>>,
    update: Option<Update<'_, E>>,
) -> Result<(), DbErr> {
    if rows.is_empty() {
        return Ok(());
    }
    let names = |columns: &[E::Column]| columns.iter().map(E::Column::as_str).collect::<Vec<_>>().join(", ");
    let into = format!("insert into {} ({})", E::default().table_name(), names(columns));
    let conflict = update.map_or_else(String::new, |(key, updated)| {
        let set: Vec<String> = updated.iter().map(|column| format!("{0} = excluded.{0}", column.as_str())).collect();
        format!("on conflict ({}) do update set {}", names(key), set.join(", "))
    });
    if db.get_database_backend() == DbBackend::Postgres {
        let (select, values) = arrays::<E>(columns, rows)?;
        return insert_arrays(db, &format!("{into} {select}"), &conflict, values).await;
    }
    // All statements but the last have the same text, so that SQLite prepares it once.
    let row = format!("({})", vec!["?"; columns.len()].join(", "));
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        let chunk: Vec<Vec<Value>> = rows.by_ref().take(MAX_PARAMETERS / columns.len().max(1)).collect();
        let sql = format!("{into} values {} {conflict}", vec![row.as_str(); chunk.len()].join(", "));
        let values = chunk.into_iter().flatten();
        db.execute_raw(Statement::from_sql_and_values(DbBackend::Sqlite, sql, values)).await?;
    }
    Ok(())
}

/// The condition that a text column has one of these values. Its text does not depend on their number, so that the
/// database prepares the statement once.
pub fn is_any(backend: DbBackend, column: impl IdenStatic, values: impl Iterator<Item = String>) -> SimpleExpr {
    let column = column.as_str();
    if backend == DbBackend::Postgres {
        let values = Box::new(values.map(Value::from).collect());
        return Expr::cust_with_values(format!("{column} = any($1)"), [Value::Array(ArrayType::String, Some(values))]);
    }
    let values = serde_json::Value::from(values.collect::<Vec<_>>()).to_string();
    Expr::cust_with_values(format!("{column} in (select value from json_each(?))"), [values])
}

/// Executes an insert on PostgreSQL, where `on conflict` more than doubles its time: it is used only after the insert
/// without it has found an existing key. With a `conflict`, `db` must be a transaction.
async fn insert_arrays(
    db: &impl ConnectionTrait,
    insert: &str,
    conflict: &str,
    values: Vec<Value>,
) -> Result<(), DbErr> {
    let statement = |sql: String| Statement::from_sql_and_values(DbBackend::Postgres, sql, values.clone());
    if !conflict.is_empty() {
        db.execute_unprepared("savepoint bulk_insert").await?;
    }
    let inserted = db.execute_raw(statement(insert.to_owned())).await;
    let key_exists = |cause: &DbErr| matches!(cause.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)));
    if !conflict.is_empty() && inserted.as_ref().is_err_and(key_exists) {
        db.execute_unprepared("rollback to savepoint bulk_insert").await?;
        db.execute_raw(statement(format!("{insert} {conflict}"))).await?;
    } else {
        inserted?;
    }
    if !conflict.is_empty() {
        db.execute_unprepared("release savepoint bulk_insert").await?;
    }
    Ok(())
}

/// The query of the rows for PostgreSQL, and its parameters: an array for each column.
fn arrays<E: EntityTrait>(columns: &[E::Column], rows: Vec<Vec<Value>>) -> Result<(String, Vec<Value>), DbErr> {
    let mut arrays: Vec<Vec<Value>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (array, value) in arrays.iter_mut().zip(row) {
            array.push(value);
        }
    }
    let (mut selected, mut parameters, mut elements) = (Vec::new(), Vec::new(), Vec::new());
    let mut nulls = Vec::new();
    for (number, (column, mut array)) in (1..).zip(columns.iter().zip(arrays)) {
        let definition = column.def();
        let (name, kind, null) = types(definition.get_column_type())?;
        parameters.push(format!("${number}::{name}[]"));
        if definition.is_null() {
            array.iter_mut().filter(|value| **value == value.as_null()).for_each(|value| *value = null.clone());
            nulls.push(null);
            selected.push(format!("nullif(c{number}, ${}::{name})", columns.len() + nulls.len()));
        } else {
            selected.push(format!("c{number}"));
        }
        elements.push(Value::Array(kind, Some(Box::new(array))));
    }
    let names: Vec<String> = (1..=columns.len()).map(|number| format!("c{number}")).collect();
    let (selected, parameters, names) = (selected.join(", "), parameters.join(", "), names.join(", "));
    elements.extend(nulls);
    Ok((format!("select {selected} from unnest({parameters}) as rows ({names})"), elements))
}

/// The SQL name of a type, its array type, and the element that stands for null: the driver has no arrays with nulls.
///
/// # Errors
/// The type is not one of the raw tables, the ledger or the epochs.
pub(super) fn types(column: &ColumnType) -> Result<(&'static str, ArrayType, Value), DbErr> {
    match column {
        ColumnType::Integer => Ok(("integer", ArrayType::Int, i32::MIN.into())),
        ColumnType::BigInteger => Ok(("bigint", ArrayType::BigInt, i64::MIN.into())),
        ColumnType::Double => Ok(("double precision", ArrayType::Double, f64::NAN.into())),
        ColumnType::Boolean => Ok(("boolean", ArrayType::Bool, false.into())),
        ColumnType::String(_) | ColumnType::Text => Ok(("text", ArrayType::String, "".into())),
        other => Err(DbErr::Type(format!("a column of the type {other:?}"))),
    }
}
