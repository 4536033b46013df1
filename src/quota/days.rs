//! Usage of an account today, from the daily totals of the request log, so that a restart does not reset a daily limit.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

/// Source of daily usage.
#[async_trait]
pub trait Days: Send + Sync {
    /// Returns the requests and points of an account since the beginning of `day` (days since 1970-01-01 UTC).
    async fn used(&self, account: &str, day: i64) -> Result<(u64, u64), DbErr>;
}

/// A source without usage.
pub struct NoDays;

#[async_trait]
impl Days for NoDays {
    async fn used(&self, _account: &str, _day: i64) -> Result<(u64, u64), DbErr> {
        Ok((0, 0))
    }
}

/// Reads the daily totals of the request log (`api_usage_days`).
pub struct LoggedDays(pub DatabaseConnection);

#[async_trait]
impl Days for LoggedDays {
    async fn used(&self, account: &str, day: i64) -> Result<(u64, u64), DbErr> {
        let sql = "select cast(coalesce(sum(admitted), 0) as bigint) as requests,
                cast(coalesce(sum(points), 0) as bigint) as points
            from api_usage_days
            where day >= $1 and key_id in (select key_id from api_keys where privacy_subject = $2)";
        let values = [day.into(), account.into()];
        let statement = Statement::from_sql_and_values(self.0.get_database_backend(), sql, values);
        let Some(row) = self.0.query_one_raw(statement).await? else { return Ok((0, 0)) };
        let count = |column| row.try_get::<i64>("", column).map(i64::unsigned_abs);
        Ok((count("requests")?, count("points")?))
    }
}
