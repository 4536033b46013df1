//! Usage of an account today, from the daily totals of the request log, so that a restart does not reset a daily limit.

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DbErr};

use super::ReserveError;
use crate::storage::usage;

/// Source of daily usage.
#[async_trait]
pub trait DailyUsage: Send + Sync {
    /// Returns the requests and points of an account since the beginning of `day` (days since 1970-01-01 UTC).
    async fn of_account(&self, account: &str, day: i64) -> Result<(u64, u64), DbErr>;
}

/// Reads the usage of an account. An error is logged.
pub(super) async fn load_usage(source: &dyn DailyUsage, account: &str, day: i64) -> Result<(u64, u64), ReserveError> {
    source.of_account(account, day).await.map_err(|cause| {
        tracing::error!(%cause, "cannot read the usage of an account today");
        ReserveError::Unavailable
    })
}

/// A source without usage.
pub struct NoUsage;

#[async_trait]
impl DailyUsage for NoUsage {
    async fn of_account(&self, _account: &str, _day: i64) -> Result<(u64, u64), DbErr> {
        Ok((0, 0))
    }
}

/// Reads the daily totals of the request log.
pub struct LoggedUsage(pub DatabaseConnection);

#[async_trait]
impl DailyUsage for LoggedUsage {
    async fn of_account(&self, account: &str, day: i64) -> Result<(u64, u64), DbErr> {
        usage::of_account(&self.0, account, day).await
    }
}
