//! What a key used, by day: one question to the request log.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, QueryResult, Statement};

use crate::{
    clock::{DAY, format_time},
    error::Error,
};

/// Days that can be asked for.
pub const MOST_DAYS: i32 = 90;

/// What a key used on a day.
#[derive(Clone, Debug, PartialEq, SimpleObject)]
pub struct UsageDay {
    /// The day, such as `2026-11-23`, UTC.
    pub day: String,
    /// Requests that were admitted.
    pub requests: i64,
    /// Requests that were refused before they ran: over a limit, too costly.
    pub refused: i64,
    /// Points they cost.
    pub points: i64,
    /// Privacy units they paid.
    pub units: f64,
    /// Requests by the code of their first error, most frequent first.
    pub errors: Vec<ErrorCount>,
}

/// How often a code was answered.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct ErrorCount {
    /// The code, as in `extensions.code`.
    pub code: String,
    /// Requests whose first error it was.
    pub count: i64,
}

/// The last days of a key, newest first; days without a request are left out.
///
/// # Errors
/// As the database says.
pub async fn of_key(db: &DatabaseConnection, key_id: &str, now: i64, days: i32) -> Result<Vec<UsageDay>, Error> {
    let since_ms = (now.div_euclid(DAY) + 1 - i64::from(days)) * DAY * 1000;
    let sql = "select received_at_ms / 86400000 as day, coalesce(error_code, '') as code, count(*) as requests,
            cast(sum(case when admitted then 1 else 0 end) as bigint) as admitted,
            cast(sum(points) as bigint) as points, cast(sum(units_mu) as bigint) as units_mu
        from api_request_logs where key_id = $1 and received_at_ms >= $2
        group by 1, 2 order by 1 desc, 3 desc, 2";
    let values = [key_id.into(), since_ms.into()];
    let rows = db.query_all_raw(Statement::from_sql_and_values(db.get_database_backend(), sql, values)).await?;
    let mut usage: BTreeMap<i64, UsageDay> = BTreeMap::new();
    for row in rows {
        add(&mut usage, &row)?;
    }
    Ok(usage.into_values().rev().collect())
}

fn add(usage: &mut BTreeMap<i64, UsageDay>, row: &QueryResult) -> Result<(), DbErr> {
    let count = |column| row.try_get::<i64>("", column);
    let (day, requests, admitted) = (count("day")?, count("requests")?, count("admitted")?);
    let code: String = row.try_get("", "code")?;
    let entry = usage.entry(day).or_insert_with(|| UsageDay {
        day: format_time(day * DAY).chars().take(10).collect(),
        requests: 0,
        refused: 0,
        points: 0,
        units: 0.0,
        errors: Vec::new(),
    });
    entry.requests += admitted;
    entry.refused += requests - admitted;
    entry.points += count("points")?;
    // Units are thousandths: added up as whole numbers, so that 0.1 + 0.2 is 0.3.
    entry.units = ((entry.units * 1000.0).round() + count("units_mu")? as f64) / 1000.0;
    if !code.is_empty() {
        entry.errors.push(ErrorCount { code, count: requests });
    }
    Ok(())
}
