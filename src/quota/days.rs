//! What an account used today, from what the request log adds up: a restart forgets nothing of a day.

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};

/// Knows the days.
#[async_trait]
pub trait Days: Send + Sync {
    /// Requests and points of an account since the day began.
    ///
    /// # Errors
    /// As the database says.
    async fn used(&self, account: &str, day: i64) -> Result<(u64, u64), DbErr>;
}

/// Nothing was used.
pub struct NoDays;

#[async_trait]
impl Days for NoDays {
    async fn used(&self, _account: &str, _day: i64) -> Result<(u64, u64), DbErr> {
        Ok((0, 0))
    }
}

/// Reads the table of days beside the request log.
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
