//! Erases a person: from the raw tables and from the epochs that are kept, so that no later release holds anything of
//! them. What was published stays as it is; computing it anew would show the difference.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DeleteMany, EntityTrait, ExprTrait as _, QueryFilter, Statement,
};

use crate::{
    audit, db,
    entity::{agent, agent_rollup, connection, personality_profile, user_action},
};

/// The tables that hold something of a person.
const TABLES: &str = "agents, user_actions, personality_profiles, ai2ai_connections, agent_rollup";

/// What was erased.
#[derive(Debug, PartialEq, Eq)]
pub struct Forgotten {
    pub visits: u64,
    pub ties: u64,
}

/// Erases one person in one transaction, and leaves a row in `audit_events` that does not name them.
///
/// # Errors
/// Nobody has this id, or the database fails; nothing is changed then.
pub async fn forget(db: &DatabaseConnection, agent_id: &str, now: i64) -> anyhow::Result<Forgotten> {
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    let transaction = db::begin_write(db).await?;
    if !sqlite {
        // An epoch that is being built has read its people already: it ends first, or begins afterwards.
        transaction.execute_unprepared("lock table agent_rollup in share row exclusive mode").await?;
    }
    let of = |delete: DeleteMany<agent::Entity>| delete.filter(agent::COLUMN.agent_id.eq(agent_id));
    let there = of(agent::Entity::delete_many()).exec(&transaction).await?.rows_affected;
    ensure!(there == 1, "nobody in the data has this id");
    let visits = user_action::Entity::delete_many().filter(user_action::COLUMN.agent_id.eq(agent_id));
    let visits = visits.exec(&transaction).await?.rows_affected;
    personality_profile::Entity::delete_many()
        .filter(personality_profile::COLUMN.agent_id.eq(agent_id))
        .exec(&transaction)
        .await?;
    let either = connection::COLUMN.agent_id_1.eq(agent_id).or(connection::COLUMN.agent_id_2.eq(agent_id));
    let ties = connection::Entity::delete_many().filter(either).exec(&transaction).await?.rows_affected;
    agent_rollup::Entity::delete_many().filter(agent_rollup::COLUMN.agent_id.eq(agent_id)).exec(&transaction).await?;
    audit::record(&transaction, now, "forget", "", String::new()).await?;
    transaction.commit().await?;
    clear(db, sqlite).await.context("the person is erased, but the space they took could not be cleared")?;
    Ok(Forgotten { visits, ties })
}

/// Clears the space of what was deleted, now and with epochs before: else ids stay readable in the database's files.
async fn clear(db: &DatabaseConnection, sqlite: bool) -> anyhow::Result<()> {
    if !sqlite {
        // The space is free for other rows then. Only `vacuum full` rewrites a table, and locks it meanwhile: that is for
        // the operator to decide.
        db.execute_unprepared(&format!("vacuum {TABLES}")).await?;
        return Ok(());
    }
    db.execute_unprepared("vacuum").await?;
    // Readers may hold on to the log of changes for a moment.
    for _ in 0..50 {
        let truncate = Statement::from_string(DbBackend::Sqlite, "pragma wal_checkpoint(truncate)");
        let row = db.query_one_raw(truncate).await?.context("no answer")?;
        if row.try_get_by_index::<i64>(0)? == 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    bail!("the log of changes is in use: run `pragma wal_checkpoint(truncate)` later, or stop the server")
}
