//! The agents (people).

use async_trait::async_trait;
use sea_orm::{
    ActiveValue::Set,
    sea_query::{Expr, OnConflict, SimpleExpr},
};

use super::{Fields, Kind, Options, Reject, Row, Store, Target, last_of_each, warehouse};
use crate::{
    domain::{erased::ErasedPeople, segment::AGE_BANDS},
    storage::{
        db,
        entity::agent::{ATOM_CHANGE_PENDING, ActiveModel, Column},
        erased_people,
    },
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
#[derive(Default)]
pub struct Agents {
    /// The people who were erased and restored: their region and age band before are not known.
    restored: ErasedPeople,
}

/// When the region or the age band of a counted person changes, `atom_since` is set to [`ATOM_CHANGE_PENDING`]: the
/// epoch builder then leaves the person out for a while. A minor or a person without a region was not counted.
fn atom_since() -> SimpleExpr {
    let band = |table: &str| {
        let mut cases: Vec<String> = (1..)
            .zip(AGE_BANDS)
            .map(|(number, band)| format!("when {table}.age >= {} then {number} ", band.from))
            .collect();
        cases.reverse();
        format!("case when {table}.age is null then 0 {}else -1 end", cases.concat())
    };
    Expr::cust(format!(
        "case when agents.region is not null and (agents.age is null or agents.age >= {adult})
            and (excluded.region is null or excluded.region <> agents.region or {new} <> {old})
            then {ATOM_CHANGE_PENDING} else agents.atom_since end",
        adult = AGE_BANDS[0].from,
        old = band("agents"),
        new = band("excluded"),
    ))
}

#[async_trait]
impl Store<AgentRow> for Agents {
    async fn begin(target: Target<'_>, _options: &Options) -> anyhow::Result<Self> {
        Ok(Self { restored: erased_people::load_restored(target.transaction).await? })
    }

    async fn store(&mut self, target: Target<'_>, rows: Vec<(u64, AgentRow)>) -> anyhow::Result<Vec<Reject>> {
        let rows = last_of_each(rows, |one, other| one.agent_id.cmp(&other.agent_id));
        if let Some(warehouse) = target.warehouse {
            let rows: Vec<AgentRow> = rows.into_iter().map(|(_, row)| row).collect();
            warehouse::store_agents(warehouse, &rows, |id| self.restored.contains(id)).await?;
            return Ok(Vec::new());
        }
        let rows = rows.into_iter().map(|(_, row)| ActiveModel {
            atom_since: Set(self.restored.contains(&row.agent_id).then_some(ATOM_CHANGE_PENDING)),
            agent_id: Set(row.agent_id),
            region: Set(row.region),
            age: Set(row.age),
            interests: Set(row.interests),
            category_preferences: Set(row.categories),
            consent: Set(row.consent),
        });
        let values = [Column::Region, Column::Age, Column::Interests, Column::CategoryPreferences, Column::Consent];
        let update = OnConflict::column(Column::AgentId)
            .update_columns(values)
            .value(Column::AtomSince, atom_since())
            .to_owned();
        db::insert_all(target.transaction, rows.collect(), Some(&update)).await?;
        Ok(Vec::new())
    }
}
