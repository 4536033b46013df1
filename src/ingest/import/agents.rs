//! The agents (people).

use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, DatabaseTransaction, sea_query::OnConflict};

use super::{Fields, Kind, Options, Reject, Row, Store, last_of_each};
use crate::storage::{
    db,
    entity::agent::{ActiveModel, Column},
};

/// A line of `agents`.
#[derive(Clone, Debug)]
pub struct AgentRow {
    pub agent_id: String,
    /// `None` if unknown. Such a person is never counted, because no region's budget could be charged.
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
            agent_id: fields.id("agent_id")?,
            region: fields.term("region")?,
            age,
            interests: fields.terms("interests")?,
            categories: fields.terms("category_preferences")?,
            // An empty value means no consent.
            consent: fields.boolean("consent")?.unwrap_or(false),
        })
    }

    fn introduces(&self) -> Option<&str> {
        Some(&self.agent_id)
    }
}

/// Stores people; a person that exists is updated.
pub struct Agents;

#[async_trait]
impl Store<AgentRow> for Agents {
    async fn begin(_transaction: &DatabaseTransaction, _options: &Options) -> anyhow::Result<Self> {
        Ok(Self)
    }

    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, AgentRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |row| row.agent_id.clone());
        let rows = rows.into_iter().map(|(_, row)| ActiveModel {
            agent_id: Set(row.agent_id),
            region: Set(row.region),
            age: Set(row.age),
            interests: Set(row.interests),
            category_preferences: Set(row.categories),
            consent: Set(row.consent),
        });
        let values = [Column::Region, Column::Age, Column::Interests, Column::CategoryPreferences, Column::Consent];
        let update = OnConflict::column(Column::AgentId).update_columns(values).to_owned();
        db::insert_all(transaction, rows.collect(), Some(&update)).await?;
        Ok(Vec::new())
    }
}
