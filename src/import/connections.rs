//! Ties, and which of them are kept.
//!
//! A tie is kept if both its ends have fewer than theta kept ties when it is first imported: once and for ever. A
//! choice made afresh would let one person's absence change whom many others keep (`docs/privacy.md`, "Kept ties").

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use sea_orm::{Condition, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, QueryFilter, QuerySelect};

use super::{Fields, Kind, Reject, Row, Store};
use crate::{db::Bulk, engine::contribution::TIE_CAP, entity::connection};

/// A line of `connections`.
#[derive(Clone, Debug)]
pub struct ConnectionRow {
    /// The lesser id first.
    pub agents: (String, String),
    /// In [0, 1].
    pub compatibility: f64,
    /// Unix seconds.
    pub created_at: i64,
}

impl Row for ConnectionRow {
    const KIND: Kind = Kind::Connections;
    const REQUIRED: &'static [&'static str] = &["agent_id_1", "agent_id_2", "compatibility", "created_at"];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let (one, two) = (fields.needed("agent_id_1")?, fields.needed("agent_id_2")?);
        if one == two {
            return Err("a tie of an agent with itself".to_owned());
        }
        Ok(Self {
            agents: if one < two { (one, two) } else { (two, one) },
            compatibility: fields.number("compatibility", 0.0, 1.0)?.ok_or("compatibility is empty")?,
            created_at: fields.time("created_at")?,
        })
    }
}

/// Stores ties of known people; one met again is updated, but for whether it is kept.
pub struct Connections {
    known: HashSet<String>,
    /// Kept ties of each person.
    degree: HashMap<String, usize>,
}

impl Connections {
    /// Counts the kept ties that there are.
    ///
    /// # Errors
    /// As the database says.
    pub async fn begin(transaction: &DatabaseTransaction, known: HashSet<String>) -> anyhow::Result<Self> {
        if transaction.get_database_backend() == DbBackend::Postgres {
            // Two imports at a time could each see a free place and both take it.
            transaction.execute_unprepared("lock table ai2ai_connections in share row exclusive mode").await?;
        }
        let kept: Vec<(String, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::AgentId1, connection::Column::AgentId2])
            .filter(connection::COLUMN.kept.eq(true))
            .into_tuple()
            .all(transaction)
            .await?;
        let mut degree = HashMap::new();
        for id in kept.into_iter().flat_map(|(one, two)| [one, two]) {
            *degree.entry(id).or_default() += 1;
        }
        Ok(Self { known, degree })
    }

    /// Whether a new tie is kept; counts it if so.
    fn keep(&mut self, agents: &(String, String)) -> bool {
        let free = |id: &String| self.degree.get(id).is_none_or(|degree| *degree < TIE_CAP);
        let keep = free(&agents.0) && free(&agents.1);
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
        // Bounded by the batch: at most its first ids times their ties.
        let firsts: HashSet<&str> = rows.iter().map(|(_, row)| row.agents.0.as_str()).collect();
        let stored: Vec<(String, String)> = connection::Entity::find()
            .select_only()
            .columns([connection::Column::AgentId1, connection::Column::AgentId2])
            .filter(Condition::all().add(connection::COLUMN.agent_id_1.is_in(firsts)))
            .into_tuple()
            .all(transaction)
            .await?;
        Ok(stored.into_iter().collect())
    }
}

#[async_trait]
impl Store<ConnectionRow> for Connections {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, ConnectionRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let mut rejects = Vec::new();
        let there = Self::stored(transaction, &rows).await?;
        let mut values: HashMap<(String, String), (f64, i64, bool)> = HashMap::new();
        for (line, row) in rows {
            if !self.known.contains(&row.agents.0) || !self.known.contains(&row.agents.1) {
                rejects.push(Reject { line, reason: "an end is not a known agent".to_owned() });
                continue;
            }
            // Within a batch the first line decides the place in the row, the last one the values.
            let kept = match values.get(&row.agents) {
                Some((_, _, kept)) => *kept,
                None => !there.contains(&row.agents) && self.keep(&row.agents),
            };
            values.insert(row.agents, (row.compatibility, row.created_at, kept));
        }
        let bulk = Bulk {
            table: "ai2ai_connections",
            columns: vec!["agent_id_1", "agent_id_2", "compatibility_score", "created_at", "kept"],
            key: &["agent_id_1", "agent_id_2"],
            // Not `kept`: nothing is chosen again.
            update: vec!["compatibility_score", "created_at"],
        };
        let mut values: Vec<_> = values.into_iter().collect();
        values.sort_by(|a, b| a.0.cmp(&b.0));
        let values = values.into_iter().map(|((one, two), (compatibility, created_at, kept))| {
            vec![one.into(), two.into(), compatibility.into(), created_at.into(), kept.into()]
        });
        bulk.write(transaction, values.collect()).await?;
        Ok(rejects)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tie_is_kept_while_both_ends_have_a_free_place() {
        let mut connections = Connections { known: HashSet::new(), degree: HashMap::new() };
        let tie = |number: usize| ("hub".to_owned(), format!("a{number}"));
        let kept: Vec<bool> = (0..12).map(|number| connections.keep(&tie(number))).collect();
        assert_eq!(kept.iter().filter(|kept| **kept).count(), TIE_CAP);
        assert!(kept[..TIE_CAP].iter().all(|kept| *kept));
        assert!(connections.keep(&("a0".to_owned(), "a11".to_owned())), "a refused tie takes nobody's place");
    }
}
