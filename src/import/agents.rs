//! People.

use async_trait::async_trait;
use sea_orm::DatabaseTransaction;

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::db::Bulk;

/// A line of `agents`.
#[derive(Clone, Debug)]
pub struct AgentRow {
    pub agent_id: String,
    /// `None`: unknown. No region could pay for such a person, who is therefore never counted.
    pub region: Option<String>,
    pub age: Option<i32>,
    /// Separated by `|`.
    pub interests: String,
    /// Separated by `|`.
    pub categories: String,
    pub consent: bool,
}

impl Row for AgentRow {
    const KIND: Kind = Kind::Agents;
    const REQUIRED: &'static [&'static str] =
        &["agent_id", "region", "age", "interests", "category_preferences", "consent"];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        #[expect(clippy::cast_possible_truncation, reason = "between 0 and 130")]
        let age = fields.number("age", 0.0, 130.0)?.map(|age| age as i32);
        Ok(Self {
            agent_id: fields.needed("agent_id")?,
            region: fields.word("region")?,
            age,
            interests: fields.words("interests")?,
            categories: fields.words("category_preferences")?,
            // Unknown is no consent.
            consent: fields.truth("consent")?.unwrap_or(false),
        })
    }
}

/// Stores people; a person met again is updated.
pub struct Agents(Bulk);

impl Default for Agents {
    fn default() -> Self {
        let columns = vec!["agent_id", "region", "age", "interests", "category_preferences", "consent"];
        Self(Bulk { table: "agents", update: columns[1..].to_vec(), columns, key: &["agent_id"] })
    }
}

#[async_trait]
impl Store<AgentRow> for Agents {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, AgentRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |row| row.agent_id.clone());
        let values = rows.into_iter().map(|(_, row)| {
            vec![
                row.agent_id.into(),
                row.region.into(),
                row.age.into(),
                row.interests.into(),
                row.categories.into(),
                row.consent.into(),
            ]
        });
        let values: Vec<_> = values.collect();
        self.0.write(transaction, values).await?;
        Ok(Vec::new())
    }
}
