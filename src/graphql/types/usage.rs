//! The usage of a key by day.

use async_graphql::SimpleObject;

use crate::{privacy::bundles::units, storage::usage};

/// The usage of a key on one day (UTC).
#[derive(Clone, Debug, PartialEq, SimpleObject)]
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
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct ErrorCount {
    /// The error code, as in `extensions.code`.
    pub code: String,
    /// Number of requests whose first error had this code.
    pub count: i64,
}

impl From<usage::UsageDay> for UsageDay {
    fn from(usage: usage::UsageDay) -> Self {
        Self {
            day: usage.day,
            requests: usage.requests,
            refused: usage.rejected,
            points: usage.points,
            units: units(usage.microunits),
            errors: usage.errors.into_iter().map(|(code, count)| ErrorCount { code, count }).collect(),
        }
    }
}
