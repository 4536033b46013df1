//! Visits and attended events.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseTransaction};

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::db::Bulk;

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
    /// Derived if the file does not say.
    pub is_return_visit: Option<bool>,
}

impl Row for VisitRow {
    const KIND: Kind = Kind::Visits;
    const REQUIRED: &'static [&'static str] =
        &["agent_id", "action_type", "spot_id", "category", "category_group", "start_time", "end_time"];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let (start_time, end_time) = (fields.time("start_time")?, fields.maybe_time("end_time")?);
        if end_time.is_some_and(|end| end < start_time) {
            return Err("end_time is before start_time".to_owned());
        }
        Ok(Self {
            agent_id: fields.needed("agent_id")?,
            action_type: fields.word("action_type")?.ok_or("action_type is empty")?,
            spot_id: fields.needed("spot_id")?,
            category: fields.word("category")?,
            category_group: fields.word("category_group")?,
            start_time,
            end_time,
            is_return_visit: fields.truth("is_return_visit")?,
        })
    }
}

/// Stores visits of known people. One that repeats agent, spot, time and action is the same visit, told again.
pub struct Visits {
    pub known: HashSet<String>,
    /// Whether a row left `is_return_visit` to us.
    pub underived: bool,
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
                rejects.push(Reject { line, reason: "agent_id is not a known agent".to_owned() });
                continue;
            }
            self.underived |= row.is_return_visit.is_none();
            values.push(vec![
                row.agent_id.into(),
                row.spot_id.into(),
                row.start_time.into(),
                row.action_type.into(),
                row.category.into(),
                row.category_group.into(),
                row.end_time.into(),
                row.is_return_visit.unwrap_or(false).into(),
                row.is_return_visit.is_some().into(),
            ]);
        }
        let columns = vec![
            "agent_id",
            "spot_id",
            "start_time",
            "action_type",
            "category",
            "category_group",
            "end_time",
            "is_return_visit",
            "return_given",
        ];
        let bulk = Bulk {
            table: "user_actions",
            update: columns[4..].to_vec(),
            columns,
            key: &["agent_id", "spot_id", "start_time", "action_type"],
        };
        bulk.write(transaction, values).await?;
        Ok(rejects)
    }

    async fn finish(&mut self, transaction: &DatabaseTransaction) -> anyhow::Result<()> {
        if self.underived {
            // Over the whole table: an earlier visit may have come with this file, or long ago.
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
