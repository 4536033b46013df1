//! The kept ties that an epoch counts.

use std::collections::HashMap;

use anyhow::Context as _;
use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DeriveIden, FromQueryResult,
    sea_query::{Expr, ExprTrait as _, Query},
};

use super::{movers, temporary_table};
use crate::{domain::clock::WEEK, privacy::contribution::Tie};

/// The temporary table of ties.
#[derive(DeriveIden)]
enum EpochTies {
    Table,
    AgentId,
    Compatibility,
    MadeAt,
    FollowedAt,
}

#[derive(FromQueryResult)]
struct TieRow {
    agent_id: String,
    compatibility: f64,
    made_at: i64,
    followed_at: Option<i64>,
}

/// Creates the temporary table `epoch_ties`: the kept ties between people of one region, one row for each end of a tie.
/// The table of first visits exists ([`first_visits`](super::first_visits)).
///
/// The work is split into steps with keyed tables. For a single query, the planner could choose to join all visitors of
/// a popular spot with each other.
pub(super) async fn prepare(transaction: &DatabaseTransaction, ends_at: i64, now: i64) -> anyhow::Result<()> {
    let counted = movers::latest_counted(now);
    let starts_at = ends_at - 12 * WEEK;
    let people = format!(
        "select agent_id, region from agents
         where consent and region is not null and (age is null or age >= 18)
             and (atom_since is null or atom_since <= {counted})"
    );
    let columns = "agent_id text primary key, region text not null";
    temporary_table::create(transaction, "epoch_people", columns, &people).await?;
    let steps = [
        format!(
            "create temporary table epoch_ties as
             select tie.agent_id, tie.compatibility, tie.made_at, (
                 select max(other.first_at) from epoch_first_visits other
                 join epoch_first_visits own on own.agent_id = tie.agent_id and own.spot_id = other.spot_id
                     and own.first_at < other.first_at
                 where other.agent_id = tie.other_id and other.first_at >= {starts_at}
             ) as followed_at
             from (
                 select agent_id_1 as agent_id, agent_id_2 as other_id, compatibility_score as compatibility,
                     created_at as made_at
                 from ai2ai_connections where kept and created_at < {ends_at}
                 union all
                 select agent_id_2, agent_id_1, compatibility_score, created_at
                 from ai2ai_connections where kept and created_at < {ends_at}
             ) tie
             join epoch_people own on own.agent_id = tie.agent_id
             join epoch_people other on other.agent_id = tie.other_id and other.region = own.region"
        ),
        "create index epoch_ties_by_agent on epoch_ties (agent_id)".to_owned(),
    ];
    for step in steps {
        transaction.execute_unprepared(&step).await.context("cannot prepare the ties")?;
    }
    Ok(())
}

/// The ties of the people whose ids are `first` to `last`, by person.
pub(super) async fn load(
    transaction: &DatabaseTransaction,
    first: &str,
    last: &str,
) -> anyhow::Result<HashMap<String, Vec<Tie>>> {
    let select = Query::select()
        .columns([EpochTies::AgentId, EpochTies::Compatibility, EpochTies::MadeAt, EpochTies::FollowedAt])
        .from(EpochTies::Table)
        .and_where(Expr::col(EpochTies::AgentId).between(first, last))
        .to_owned();
    let statement = transaction.get_database_backend().build(&select);
    let mut ties: HashMap<String, Vec<Tie>> = HashMap::new();
    for row in TieRow::find_by_statement(statement).all(transaction).await? {
        let tie = Tie { compatibility: row.compatibility, made_at: row.made_at, followed_at: row.followed_at };
        ties.entry(row.agent_id).or_default().push(tie);
    }
    Ok(ties)
}
