//! The usage of a key by day.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::{
    clock::{DAY, format_time},
    entity::api_usage_day,
    error::Error,
};

/// Maximum number of days that can be requested.
pub const MOST_DAYS: i32 = 90;

/// The usage of a key on one day (UTC).
#[derive(Clone, Debug, PartialEq, Serialize, SimpleObject)]
pub struct UsageDay {
    /// The day in UTC, such as `2026-11-23`.
    pub day: String,
    /// Number of requests that were admitted.
    pub requests: i64,
    /// Number of requests that were rejected before execution because of a rate or cost limit.
    pub refused: i64,
    /// Points charged.
    pub points: i64,
    /// Privacy units charged.
    pub units: f64,
    /// Number of requests by the code of their first error, most frequent first. Requests without an error are not
    /// listed.
    pub errors: Vec<ErrorCount>,
}

/// The number of requests with one error code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, SimpleObject)]
pub struct ErrorCount {
    /// The error code, as in `extensions.code`.
    pub code: String,
    /// Number of requests whose first error had this code.
    pub count: i64,
}

/// The usage of a key in the last `days` days, today included, newest first. Days without requests are omitted.
///
/// # Errors
/// [`Error::Unavailable`] if the database cannot be reached or is locked, [`Error::Internal`] if the query fails.
pub async fn of_key(db: &DatabaseConnection, key_id: &str, now: i64, days: i32) -> Result<Vec<UsageDay>, Error> {
    let since = now.div_euclid(DAY) + 1 - i64::from(days);
    let rows = api_usage_day::Entity::find()
        .filter(api_usage_day::COLUMN.key_id.eq(key_id))
        .filter(api_usage_day::COLUMN.day.gte(since))
        .order_by_desc(api_usage_day::COLUMN.requests)
        .order_by_asc(api_usage_day::COLUMN.error_code)
        .all(db)
        .await?;
    let mut usage: BTreeMap<i64, UsageDay> = BTreeMap::new();
    for row in rows {
        let day = usage.entry(row.day).or_insert_with(|| UsageDay {
            day: format_time(row.day * DAY).chars().take(10).collect(),
            requests: 0,
            refused: 0,
            points: 0,
            units: 0.0,
            errors: Vec::new(),
        });
        day.requests += row.admitted;
        day.refused += row.requests - row.admitted;
        day.points += row.points;
        // Units are added as integer thousandths, so that 0.1 + 0.2 is exactly 0.3.
        day.units = ((day.units * 1000.0).round() + row.units_mu as f64) / 1000.0;
        if !row.error_code.is_empty() {
            day.errors.push(ErrorCount { code: row.error_code, count: row.requests });
        }
    }
    Ok(usage.into_values().rev().collect())
}
