//! Visits and attended events.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseTransaction, sea_query::OnConflict};

use super::{Fields, Kind, Reject, Row, Store, UNKNOWN_AGENT, last_of_each};
use crate::storage::{
    db,
    entity::user_action::{ActiveModel, Column},
};

/// A line of `visits`.
#[derive(Clone, Debug)]
pub struct VisitRow {
    pub agent_id: String,
    pub action_type: String,
    pub spot_id: String,
    pub category: Option<String>,
    pub category_group: Option<String>,
    /// Unix seconds.
    pub start_time: i64,
    /// Unix seconds.
    pub end_time: Option<i64>,
    /// Derived from earlier visits if the file does not contain it.
    pub is_return_visit: Option<bool>,
}

impl Row for VisitRow {
    const KIND: Kind = Kind::Visits;
    const REQUIRED: &'static [&'static str] =
        &["agent_id", "action_type", "spot_id", "category", "category_group", "start_time", "end_time"];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let (start_time, end_time) = (fields.time("start_time")?, fields.optional_time("end_time")?);
        if end_time.is_some_and(|end| end < start_time) {
            return Err("end_time is before start_time".to_owned());
        }
        Ok(Self {
            agent_id: fields.required_text("agent_id")?,
            action_type: fields.term("action_type")?.ok_or("action_type is empty")?,
            spot_id: fields.required_text("spot_id")?,
            category: fields.term("category")?,
            category_group: fields.term("category_group")?,
            start_time,
            end_time,
            is_return_visit: fields.boolean("is_return_visit")?,
        })
    }
}

/// Stores visits of known people. A row with the same agent, spot, start time and action as a stored visit updates it.
pub struct Visits {
    pub known: HashSet<String>,
    /// Whether a row had no `is_return_visit`, so that it must be derived.
    pub needs_derivation: bool,
}

#[async_trait]
impl Store<VisitRow> for Visits {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, VisitRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let mut rejects = Vec::new();
        let key = |row: &VisitRow| (row.agent_id.clone(), row.spot_id.clone(), row.start_time, row.action_type.clone());
        let rows = last_of_each(rows, key);
        let mut values = Vec::with_capacity(rows.len());
        for (line, row) in rows {
            if !self.known.contains(&row.agent_id) {
                rejects.push(Reject { line, reason: UNKNOWN_AGENT.to_owned() });
                continue;
            }
            self.needs_derivation |= row.is_return_visit.is_none();
            values.push(ActiveModel {
                agent_id: Set(row.agent_id),
                spot_id: Set(row.spot_id),
                start_time: Set(row.start_time),
                action_type: Set(row.action_type),
                category: Set(row.category),
                category_group: Set(row.category_group),
                end_time: Set(row.end_time),
                is_return_visit: Set(row.is_return_visit.unwrap_or(false)),
                return_given: Set(row.is_return_visit.is_some()),
            });
        }
        let key = [Column::AgentId, Column::SpotId, Column::StartTime, Column::ActionType];
        let update =
            [Column::Category, Column::CategoryGroup, Column::EndTime, Column::IsReturnVisit, Column::ReturnGiven];
        let update = OnConflict::columns(key).update_columns(update).to_owned();
        db::insert_all(transaction, values, Some(&update)).await?;
        Ok(rejects)
    }

    async fn finish(&mut self, transaction: &DatabaseTransaction) -> anyhow::Result<()> {
        if self.needs_derivation {
            // Over the whole table, because the earlier visit may be in this file or in an earlier import.
            transaction
                .execute_unprepared(
                    "update user_actions set is_return_visit = not is_return_visit
                     where not return_given and is_return_visit <> (start_time > (
                         select min(first.start_time) from user_actions first
                         where first.agent_id = user_actions.agent_id and first.spot_id = user_actions.spot_id
                     ))",
                )
                .await?;
        }
        Ok(())
    }
}
