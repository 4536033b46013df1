//! Visits and attended events.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    DatabaseTransaction, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Alias, Expr, OnConflict, Query},
};

use super::{Fields, Kind, Options, Reject, Row, Store, Writer, last_of_each};
use crate::storage::{
    db,
    entity::user_action::{ActiveModel, COLUMN, Column, Entity},
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

/// The number of people whose return visits are derived in one statement.
const PEOPLE_PER_STATEMENT: usize = 500;

/// Stores visits. A row with the same agent, spot, start time and action as a stored visit updates it.
#[derive(Default)]
pub struct Visits {
    /// Whether a row had no `is_return_visit`, so that it must be derived.
    needs_derivation: bool,
    /// The people of the stored rows.
    people: HashSet<String>,
}

#[async_trait]
impl Store<VisitRow> for Visits {
    async fn begin(_transaction: &DatabaseTransaction, _options: &Options) -> anyhow::Result<Self> {
        Ok(Self::default())
    }

    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, VisitRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let key = |row: &VisitRow| (row.agent_id.clone(), row.spot_id.clone(), row.start_time, row.action_type.clone());
        let rows = last_of_each(rows, key);
        let mut values = Vec::with_capacity(rows.len());
        for (_, row) in rows {
            if !self.people.contains(&row.agent_id) {
                self.people.insert(row.agent_id.clone());
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
        Ok(Vec::new())
    }

    /// Derives which visits are return visits, for the people of the file: an earlier visit of theirs may be in this
    /// file or in an earlier import. After an interruption it is done for all people.
    async fn finish(&mut self, writer: &mut Writer<'_>, is_resumed: bool) -> anyhow::Result<()> {
        if !self.needs_derivation && !is_resumed {
            return Ok(());
        }
        let people: Vec<String> = if is_resumed {
            writer.people.sorted().into_iter().map(str::to_owned).collect()
        } else {
            let mut people: Vec<String> = self.people.drain().collect();
            people.sort_unstable();
            people
        };
        for people in people.chunks(PEOPLE_PER_STATEMENT) {
            let earliest = Query::select()
                .expr(Expr::col((Alias::new("first"), Column::StartTime)).min())
                .from_as(Entity, "first")
                .and_where(Expr::col((Alias::new("first"), Column::AgentId)).equals((Entity, Column::AgentId)))
                .and_where(Expr::col((Alias::new("first"), Column::SpotId)).equals((Entity, Column::SpotId)))
                .to_owned();
            let is_later = Expr::col((Entity, Column::StartTime)).gt(Expr::SubQuery(None, Box::new(earliest.into())));
            Entity::update_many()
                .col_expr(Column::IsReturnVisit, Expr::col((Entity, Column::IsReturnVisit)).not())
                .filter(COLUMN.agent_id.is_in(people))
                .filter(COLUMN.return_given.eq(false))
                .filter(Expr::col((Entity, Column::IsReturnVisit)).ne(is_later))
                .exec(writer.transaction().await?)
                .await?;
            writer.step(None).await?;
        }
        Ok(())
    }
}
