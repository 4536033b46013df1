//! Visits and attended events.

use async_trait::async_trait;
use sea_orm::Value;

use super::{Fields, Kind, Options, Reject, Row, Store, Target, last_of_each, warehouse};
use crate::storage::{
    bulk,
    entity::user_action::{Column, Entity},
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
    /// If the file does not contain it, an epoch build derives it from earlier visits.
    pub is_return_visit: Option<bool>,
}

impl VisitRow {
    /// The columns that identify a visit.
    fn key(&self) -> (&str, &str, i64, &str) {
        (&self.agent_id, &self.spot_id, self.start_time, &self.action_type)
    }
}

impl Row for VisitRow {
    const KIND: Kind = Kind::Visits;
    const REQUIRED: &'static [&'static str] =
        &["agent_id", "action_type", "spot_id", "category", "category_group", "start_time", "end_time"];
    const OPTIONAL: &'static [&'static str] = &["is_return_visit"];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let (start_time, end_time) = (fields.time("start_time")?, fields.optional_time("end_time")?);
        if end_time.is_some_and(|end| end < start_time) {
            return Err("end_time is before start_time".to_owned());
        }
        Ok(Self {
            agent_id: fields.id("agent_id")?,
            action_type: fields.term("action_type")?.ok_or("action_type is empty")?,
            spot_id: fields.id("spot_id")?,
            category: fields.term("category")?,
            category_group: fields.term("category_group")?,
            start_time,
            end_time,
            is_return_visit: fields.boolean("is_return_visit")?,
        })
    }

    fn refers_to(&self) -> [Option<&str>; 2] {
        [Some(&self.agent_id), None]
    }
}

/// Stores visits. A row with the same agent, spot, start time and action as a stored visit updates it.
#[derive(Default)]
pub struct Visits {
    /// With a warehouse.
    staging: Option<warehouse::VisitStaging>,
}

#[async_trait]
impl Store<VisitRow> for Visits {
    async fn begin(target: Target<'_>, _options: &Options) -> anyhow::Result<Self> {
        let staging = match target.warehouse {
            Some(warehouse) => Some(warehouse::VisitStaging::begin(warehouse).await?),
            None => None,
        };
        Ok(Self { staging })
    }

    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, VisitRow)>) -> anyhow::Result<Vec<Reject>> {
        if let Some(staging) = &mut self.staging {
            staging.store(&rows).await?;
            return Ok(Vec::new());
        }
        let rows = last_of_each(rows, |one, other| one.key().cmp(&other.key()));
        let rows = rows.into_iter().map(|(_, row)| {
            let given = row.is_return_visit.is_some();
            let key: [Value; 4] =
                [row.agent_id.into(), row.spot_id.into(), row.start_time.into(), row.action_type.into()];
            let values: [Value; 3] = [row.category.into(), row.category_group.into(), row.end_time.into()];
            let returning: [Value; 2] = [row.is_return_visit.unwrap_or(false).into(), given.into()];
            key.into_iter().chain(values).chain(returning).collect()
        });
        let key = [Column::AgentId, Column::SpotId, Column::StartTime, Column::ActionType];
        let values =
            [Column::Category, Column::CategoryGroup, Column::EndTime, Column::IsReturnVisit, Column::ReturnGiven];
        let columns = [&key[..], &values[..]].concat();
        bulk::insert::<Entity>(target.transaction, &columns, rows.collect(), Some((&key, &values))).await?;
        Ok(Vec::new())
    }

    async fn finish(&mut self, _target: Target<'_>) -> anyhow::Result<()> {
        match self.staging.take() {
            Some(staging) => staging.publish().await,
            None => Ok(()),
        }
    }
}
