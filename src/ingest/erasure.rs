//! Erases a person from the raw tables and from the kept epochs, so that no later release contains anything of the
//! person. Published releases stay unchanged, because recomputing them would reveal the difference.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, ExprTrait as _, QueryFilter, Statement};

use crate::{
    domain::error::Error,
    storage::{
        audit::{self, Action},
        db,
        entity::{agent, agent_summary, connection, personality_profile, user_action},
        erased_people,
        warehouse::{Warehouse, quoted},
    },
};

/// The tables with data of a person.
const TABLES: &str = "agents, user_actions, personality_profiles, ai2ai_connections, agent_rollup";

/// The numbers of rows that were erased with a person.
#[derive(Debug, PartialEq, Eq)]
pub struct Erased {
    pub visits: u64,
    pub ties: u64,
}

/// Erases one person in one transaction, adds a salted hash of the id to the list that imports skip, writes a row to
/// `audit_events` that does not identify the person, and clears the space of the deleted rows.
///
/// # Errors
/// The id is unknown, or the database fails before the commit: then nothing is changed. If clearing the space fails,
/// the person is erased nevertheless, and the error says so.
pub async fn erase(
    db: &DatabaseConnection,
    warehouse: Option<&Warehouse>,
    agent_id: &str,
    now: i64,
) -> anyhow::Result<Erased> {
    if let Some(warehouse) = warehouse {
        return erase_from_warehouse(db, warehouse, agent_id, now).await;
    }
    let sqlite = db.get_database_backend() == DbBackend::Sqlite;
    let transaction = db::begin_write(db).await.context(
        "nothing was erased: another process writes to the database, such as an import; try again when it has ended",
    )?;
    // An import that has already read the known agents would restore visits of this person, and a build that has read
    // its people would keep them. The locks make both end before the erasure, or begin after it. On SQLite an import
    // checks in each of its transactions whether a person was erased.
    db::lock_people(&transaction).await?;
    db::lock_epochs(&transaction).await?;
    let agents = agent::Entity::delete_many().filter(agent::COLUMN.agent_id.eq(agent_id));
    let visits = user_action::Entity::delete_many().filter(user_action::COLUMN.agent_id.eq(agent_id));
    let profiles = personality_profile::Entity::delete_many().filter(personality_profile::COLUMN.agent_id.eq(agent_id));
    let is_end = connection::COLUMN.agent_id_1.eq(agent_id).or(connection::COLUMN.agent_id_2.eq(agent_id));
    let ties = connection::Entity::delete_many().filter(is_end);
    let summaries = agent_summary::Entity::delete_many().filter(agent_summary::COLUMN.agent_id.eq(agent_id));
    let deleted = [
        agents.exec(&transaction).await?,
        profiles.exec(&transaction).await?,
        summaries.exec(&transaction).await?,
        visits.exec(&transaction).await?,
        ties.exec(&transaction).await?,
    ]
    .map(|result| result.rows_affected);
    ensure!(deleted.iter().sum::<u64>() > 0, "no person in the data has this id");
    let [.., visits, ties] = deleted;
    erased_people::add(&transaction, agent_id, now).await.map_err(Error::into_anyhow)?;
    audit::record(&transaction, now, Action::Erase, "", String::new()).await?;
    transaction.commit().await?;
    clear_deleted(db, sqlite).await.context("the person was erased, but the space of the rows could not be cleared")?;
    Ok(Erased { visits, ties })
}

/// Erases one person from a warehouse, which has no transactions. First the person is added to the list that imports
/// skip, then the rows are deleted; if that fails, the same command goes on with it.
async fn erase_from_warehouse(
    db: &DatabaseConnection,
    warehouse: &Warehouse,
    agent_id: &str,
    now: i64,
) -> anyhow::Result<Erased> {
    let transaction = db::begin_write(db).await?;
    db::lock_people(&transaction).await?;
    let is_person = format!("agent_id = {}", quoted(agent_id));
    let count = |table: &str| {
        let statement =
            format!("SELECT toString(count()) FROM {}.{table} FINAL WHERE {is_person}", warehouse.database());
        async move {
            let rows = warehouse.read::<1>(&statement).await?;
            let [[count]] = &rows[..] else { bail!("the warehouse does not count its rows") };
            Ok(count.parse::<u64>()?)
        }
    };
    let (people, visits, ties) =
        (count("agents").await?, count("user_actions").await?, count("ai2ai_connections").await?);
    let is_listed = erased_people::load(&transaction).await?.contains(agent_id);
    ensure!(people + visits + ties > 0 || is_listed, "no person in the data has this id");
    erased_people::add(&transaction, agent_id, now).await.map_err(Error::into_anyhow)?;
    transaction.commit().await?;
    delete_from_warehouse(db, warehouse, agent_id, now).await.context(
        "the person is on the list that imports skip, but not all rows are deleted yet: run the same command again",
    )?;
    Ok(Erased { visits, ties })
}

async fn delete_from_warehouse(
    db: &DatabaseConnection,
    warehouse: &Warehouse,
    agent_id: &str,
    now: i64,
) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    db::lock_people(&transaction).await?;
    db::lock_epochs(&transaction).await?;
    let id = quoted(agent_id);
    // An import that was interrupted leaves staged rows.
    warehouse.discard("user_actions").await?;
    for table in ["agents", "personality_profiles", "user_actions", "agent_rollup"] {
        warehouse.delete(table, &format!("agent_id = {id}")).await?;
    }
    warehouse.delete("ai2ai_connections", &format!("agent_id = {id} OR other_id = {id}")).await?;
    audit::record(&transaction, now, Action::Erase, "", String::new()).await?;
    Ok(transaction.commit().await?)
}

/// Removes a person from the list of erased people, so that the next import may load the person again. Nothing that was
/// erased comes back by itself.
///
/// # Errors
/// The person is not in the list, or the database fails.
pub async fn restore(db: &DatabaseConnection, agent_id: &str, now: i64) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    ensure!(erased_people::restore(&transaction, agent_id, now).await?, "no erased person has this id");
    audit::record(&transaction, now, Action::Restore, "", String::new()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Clears the space of rows that were deleted now or with earlier epochs; otherwise ids stay readable in the files of
/// the database.
async fn clear_deleted(db: &DatabaseConnection, sqlite: bool) -> anyhow::Result<()> {
    if !sqlite {
        // This frees the space for other rows and rebuilds the planner's samples. Only `vacuum full` rewrites a table;
        // it locks the table meanwhile, so it is left to the operator.
        db.execute_unprepared(&format!("vacuum (analyze) {TABLES}")).await?;
        return Ok(());
    }
    db.execute_unprepared("vacuum").await?;
    // Readers can keep the write-ahead log in use. A long wait for them would block writers, so each attempt has a
    // short timeout. The pragmas go in one call, because the timeout is a property of a connection.
    for _ in 0..20 {
        let timeout = db::WRITE_LOCK_TIMEOUT.as_millis();
        let truncate =
            format!("pragma busy_timeout = 50; pragma wal_checkpoint(truncate); pragma busy_timeout = {timeout}");
        db.execute_unprepared(&truncate).await?;
        let state = Statement::from_string(DbBackend::Sqlite, "pragma wal_checkpoint(passive)");
        let row = db.query_one_raw(state).await?.context("no answer")?;
        // The columns are: busy, pages in the log, pages that were checkpointed.
        if row.try_get_by_index::<i64>(1)? <= 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    bail!("the write-ahead log is in use by a reader and was not emptied; the next erasure tries again")
}
