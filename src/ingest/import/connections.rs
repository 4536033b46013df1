//! The ties between people, and the decision which of them are kept.
//!
//! A tie is kept if both its ends have fewer than theta kept ties when it is first imported. The decision is final.
//! Deciding again later would let one person's absence change which ties many others keep (`docs/privacy.md`, "Kept
//! ties").

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect};

use super::{Fields, Kind, Options, Reject, Row, Store, Target, warehouse};
use crate::{
    privacy::contribution::TIE_CAP,
    storage::{
        bulk,
        entity::connection::{self, Column},
    },
};

/// A line of `connections`.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// The two ids, the smaller one first.
    pub agents: (String, String),
    /// In [0, 1].
    pub compatibility: f64,
    /// Unix seconds.
    pub created_at: i64,
}

impl Row for ConnectionRow {
    const KIND: Kind = Kind::Connections;
    const REQUIRED: &'static [&'static str] = &["agent_id_1", "agent_id_2", "compatibility", "created_at"];
    const UNKNOWN_PERSON: &'static str = "agent_id_1 or agent_id_2 is not a known agent";

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let (one, two) = (fields.id("agent_id_1")?, fields.id("agent_id_2")?);
        if one == two {
            return Err("agent_id_1 and agent_id_2 are the same agent".to_owned());
        }
        Ok(Self {
            agents: if one < two { (one, two) } else { (two, one) },
            compatibility: fields.number("compatibility", 0.0, 1.0)?.ok_or("compatibility is empty")?,
            created_at: fields.time("created_at")?,
        })
    }

    fn refers_to(&self) -> [Option<&str>; 2] {
        [Some(&self.agents.0), Some(&self.agents.1)]
    }
}

/// A tie with the decision whether it is kept.
pub(super) struct StoredTie {
    /// The two ids, the smaller one first.
    pub agents: (String, String),
    /// In [0, 1].
    pub compatibility: f64,
    /// Unix seconds.
    pub created_at: i64,
    pub kept: bool,
}

/// Stores ties. A tie that exists is updated, except for whether it is kept.
pub struct Connections {
    /// The number of kept ties of each person.
    degree: HashMap<String, usize>,
}

impl Connections {
    /// Counts the kept ties that are stored. On PostgreSQL it locks the table against other imports.
    pub async fn load(target: Target<'_>) -> anyhow::Result<Self> {
        if let Some(warehouse) = target.warehouse {
            return Ok(Self { degree: warehouse::kept_ties(warehouse).await? });
        }
        let transaction = target.transaction;
        if transaction.get_database_backend() == DbBackend::Postgres {
            // Two concurrent imports could each find an end below the limit and both add a kept tie.
            transaction.execute_unprepared("lock table ai2ai_connections in share row exclusive mode").await?;
        }
        let kept: Vec<(String, String)> = connection::Entity::find()
            .select_only()
            .columns([Column::AgentId1, Column::AgentId2])
            .filter(connection::COLUMN.kept.eq(true))
            .into_tuple()
            .all(transaction)
            .await?;
        let mut degree = HashMap::new();
        for id in kept.into_iter().flat_map(|(one, two)| [one, two]) {
            *degree.entry(id).or_default() += 1;
        }
        Ok(Self { degree })
    }

    /// Decides whether a new tie is kept, and counts it if so.
    fn decide(&mut self, agents: &(String, String)) -> bool {
        let is_below_cap = |id: &String| self.degree.get(id).is_none_or(|degree| *degree < TIE_CAP);
        let keep = is_below_cap(&agents.0) && is_below_cap(&agents.1);
        if keep {
            *self.degree.entry(agents.0.clone()).or_default() += 1;
            *self.degree.entry(agents.1.clone()).or_default() += 1;
        }
        keep
    }

    async fn stored(
        transaction: &DatabaseTransaction,
        rows: &[(u64, ConnectionRow)],
    ) -> anyhow::Result<HashSet<(String, String)>> {
        // The result is bounded by the batch: at most its distinct first ids times their ties.
        let firsts: HashSet<&str> = rows.iter().map(|(_, row)| row.agents.0.as_str()).collect();
        let firsts = firsts.into_iter().map(str::to_owned);
        let stored: Vec<(String, String)> = connection::Entity::find()
            .select_only()
            .columns([Column::AgentId1, Column::AgentId2])
            .filter(bulk::is_any(transaction.get_database_backend(), Column::AgentId1, firsts))
            .into_tuple()
            .all(transaction)
            .await?;
        Ok(stored.into_iter().collect())
    }
}

#[async_trait]
impl Store<ConnectionRow> for Connections {
    async fn begin(target: Target<'_>, _options: &Options) -> anyhow::Result<Self> {
        Self::load(target).await
    }

    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, ConnectionRow)>) -> anyhow::Result<Vec<Reject>> {
        let stored = match target.warehouse {
            Some(warehouse) => warehouse::stored_ties(warehouse, rows.iter().map(|(_, row)| &row.agents)).await?,
            // What is stored stays, whether it is kept or not.
            None => Self::stored(target.transaction, &rows).await?.into_iter().map(|tie| (tie, false)).collect(),
        };
        let mut ties: HashMap<(String, String), StoredTie> = HashMap::new();
        for (_, row) in rows {
            // Within a batch the first line of a tie decides whether it is kept, and the last line sets the values.
            let kept = match (ties.get(&row.agents), stored.get(&row.agents)) {
                (Some(tie), _) => tie.kept,
                (None, Some(kept)) => *kept,
                (None, None) => self.decide(&row.agents),
            };
            let agents = row.agents.clone();
            let tie = StoredTie { agents, compatibility: row.compatibility, created_at: row.created_at, kept };
            ties.insert(row.agents, tie);
        }
        let mut ties: Vec<StoredTie> = ties.into_values().collect();
        ties.sort_by(|a, b| a.agents.cmp(&b.agents));
        if let Some(warehouse) = target.warehouse {
            warehouse::store_ties(warehouse, &ties).await?;
            return Ok(Vec::new());
        }
        let rows = ties.into_iter().map(|tie| {
            let (one, two) = tie.agents;
            vec![one.into(), two.into(), tie.compatibility.into(), tie.created_at.into(), tie.kept.into()]
        });
        let key = [Column::AgentId1, Column::AgentId2];
        let columns = [Column::AgentId1, Column::AgentId2, Column::CompatibilityScore, Column::CreatedAt, Column::Kept];
        // Not `kept`: the decision is final.
        let update = [Column::CompatibilityScore, Column::CreatedAt];
        bulk::insert::<connection::Entity>(target.transaction, &columns, rows.collect(), Some((&key, &update))).await?;
        Ok(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_kept_while_both_ends_are_below_the_cap() {
        let mut connections = Connections { degree: HashMap::new() };
        let tie = |number: usize| ("hub".to_owned(), format!("a{number}"));
        let kept: Vec<bool> = (0..12).map(|number| connections.decide(&tie(number))).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), TIE_CAP);
        assert!(kept[..TIE_CAP].iter().all(|kept| *kept));
        assert!(connections.decide(&("a0".to_owned(), "a11".to_owned())), "a tie that is not kept does not count");
    }
}
