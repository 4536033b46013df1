//! When each person first visited each spot: later visits are return visits, and a first visit after that of a tie
//! follows it.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, DbBackend, DeriveIden};

/// The temporary table of first visits.
#[derive(DeriveIden)]
pub(super) enum EpochFirstVisits {
    Table,
    AgentId,
    SpotId,
    FirstAt,
}

/// Creates the temporary table `epoch_first_visits`, from all visits before `ends_at`.
pub(super) async fn prepare(transaction: &DatabaseTransaction, ends_at: i64) -> anyhow::Result<()> {
    let is_sqlite = transaction.get_database_backend() == DbBackend::Sqlite;
    let clustered = if is_sqlite { "without rowid" } else { "" };
    let mut steps = vec![
        format!(
            "create temporary table epoch_first_visits
                (agent_id text not null, spot_id text not null, first_at bigint not null,
                primary key (agent_id, spot_id)) {clustered}"
        ),
        format!(
            "insert into epoch_first_visits select agent_id, spot_id, min(start_time) from user_actions
             where start_time < {ends_at} group by agent_id, spot_id"
        ),
    ];
    if !is_sqlite {
        // PostgreSQL's autovacuum does not analyze temporary tables.
        steps.push("analyze epoch_first_visits".to_owned());
    }
    for step in steps {
        transaction.execute_unprepared(&step).await.context("cannot prepare the first visits")?;
    }
    Ok(())
}

/// Drops the temporary table.
pub(super) async fn drop_table(transaction: &DatabaseTransaction) -> anyhow::Result<()> {
    transaction.execute_unprepared("drop table epoch_first_visits").await?;
    Ok(())
}
