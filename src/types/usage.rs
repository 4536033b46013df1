//! What a key used, by day.

use std::collections::BTreeMap;

use async_graphql::SimpleObject;
use sea_orm::{DatabaseConnection, EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use crate::{
    clock::{DAY, format_time},
    entity::api_usage_day,
    error::Error,
};

/// Days that can be asked for.
pub const MOST_DAYS: i32 = 90;

/// What a key used on a day.
#[derive(Clone, Debug, PartialEq, Serialize, SimpleObject)]
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, SimpleObject)]
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
        // Units are thousandths: added up as whole numbers, so that 0.1 + 0.2 is 0.3.
        day.units = ((day.units * 1000.0).round() + row.units_mu as f64) / 1000.0;
        if !row.error_code.is_empty() {
            day.errors.push(ErrorCount { code: row.error_code, count: row.requests });
        }
    }
    Ok(usage.into_values().rev().collect())
}
