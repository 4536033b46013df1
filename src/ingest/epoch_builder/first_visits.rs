//! When each person first visited each spot: later visits are return visits, and a first visit after that of a tie
//! follows it.

use sea_orm::{DatabaseTransaction, DeriveIden};

use super::temporary_table;

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
    let columns =
        "agent_id text not null, spot_id text not null, first_at bigint not null, primary key (agent_id, spot_id)";
    let query = format!(
        "select agent_id, spot_id, min(start_time) from user_actions where start_time < {ends_at}
         group by agent_id, spot_id"
    );
    temporary_table::create(transaction, "epoch_first_visits", columns, &query).await
}
