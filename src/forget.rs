//! Erases a person: from the raw tables and from the epochs that are kept, so that no later release holds anything of
//! them. What was published stays as it is; computing it anew would show the difference.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait, ExprTrait as _, QueryFilter, Statement};

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
    let transaction = db::begin_write(db).await.context(
        "nothing is erased: somebody else writes to the database, such as an import; try again when it is done",
    )?;
    // An import that has read who there is would bring visits back: it ends first, or begins afterwards. So does a build
    // that has read its people.
    db::lock_people(&transaction).await?;
    db::lock_epochs(&transaction).await?;
    let agents = agent::Entity::delete_many().filter(agent::COLUMN.agent_id.eq(agent_id));
    let visits = user_action::Entity::delete_many().filter(user_action::COLUMN.agent_id.eq(agent_id));
    let profiles = personality_profile::Entity::delete_many().filter(personality_profile::COLUMN.agent_id.eq(agent_id));
    let either = connection::COLUMN.agent_id_1.eq(agent_id).or(connection::COLUMN.agent_id_2.eq(agent_id));
    let ties = connection::Entity::delete_many().filter(either);
    let rollups = agent_rollup::Entity::delete_many().filter(agent_rollup::COLUMN.agent_id.eq(agent_id));
    let gone = [
        agents.exec(&transaction).await?,
        profiles.exec(&transaction).await?,
        rollups.exec(&transaction).await?,
        visits.exec(&transaction).await?,
        ties.exec(&transaction).await?,
    ]
    .map(|deleted| deleted.rows_affected);
    ensure!(gone.iter().sum::<u64>() > 0, "nobody in the data has this id");
    let [.., visits, ties] = gone;
    audit::record(&transaction, now, "forget", "", String::new()).await?;
    transaction.commit().await?;
    clear(db, sqlite).await.context("the person is erased, but the space they took could not be cleared")?;
    Ok(Forgotten { visits, ties })
}

/// Clears the space of what was deleted, now and with epochs before: else ids stay readable in the database's files.
async fn clear(db: &DatabaseConnection, sqlite: bool) -> anyhow::Result<()> {
    if !sqlite {
        // The space is free for other rows then, and the planner's samples are made anew. Only `vacuum full` rewrites a table, and locks it meanwhile: that is for
        // the operator to decide.
        db.execute_unprepared(&format!("vacuum (analyze) {TABLES}")).await?;
        return Ok(());
    }
    db.execute_unprepared("vacuum").await?;
    // Readers may hold on to the log of changes. Whoever waits for them long, keeps writers waiting: short tries. All in
    // one call, because the patience belongs to a connection.
    for _ in 0..20 {
        let patience = db::PATIENCE.as_millis();
        let truncate =
            format!("pragma busy_timeout = 50; pragma wal_checkpoint(truncate); pragma busy_timeout = {patience}");
        db.execute_unprepared(&truncate).await?;
        let look = Statement::from_string(DbBackend::Sqlite, "pragma wal_checkpoint(passive)");
        let row = db.query_one_raw(look).await?.context("no answer")?;
        // Busy or not, pages in the log, pages of it in the file.
        if row.try_get_by_index::<i64>(1)? <= 0 {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    bail!("the log of changes is in use: say it again later, or with the server stopped")
}
