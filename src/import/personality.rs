//! Questionnaires.

use std::collections::HashSet;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, Value};

use super::{Fields, Kind, Reject, Row, Store, last_of_each};
use crate::{db::Bulk, personality::DIMENSIONS};

/// A line of `personality`.
#[derive(Clone, Debug)]
pub struct PersonalityRow {
    pub agent_id: String,
    /// In the order of [`DIMENSIONS`], each in [0, 1].
    pub dimensions: [Option<f64>; 12],
}

impl Row for PersonalityRow {
    const KIND: Kind = Kind::Personality;
    const REQUIRED: &'static [&'static str] = &[
        "agent_id",
        DIMENSIONS[0],
        DIMENSIONS[1],
        DIMENSIONS[2],
        DIMENSIONS[3],
        DIMENSIONS[4],
        DIMENSIONS[5],
        DIMENSIONS[6],
        DIMENSIONS[7],
        DIMENSIONS[8],
        DIMENSIONS[9],
        DIMENSIONS[10],
        DIMENSIONS[11],
    ];

    fn parse(fields: &Fields<'_>) -> Result<Self, String> {
        let mut dimensions = [None; 12];
        for (value, column) in dimensions.iter_mut().zip(DIMENSIONS) {
            *value = fields.number(column, 0.0, 1.0)?;
        }
        Ok(Self { agent_id: fields.needed("agent_id")?, dimensions })
    }
}

/// Stores questionnaires of known people; one met again is updated.
pub struct Profiles {
    pub known: HashSet<String>,
}

#[async_trait]
impl Store<PersonalityRow> for Profiles {
    async fn store(
        &mut self,
        transaction: &DatabaseTransaction,
        rows: Vec<(u64, PersonalityRow)>,
    ) -> anyhow::Result<Vec<Reject>> {
        let mut rejects = Vec::new();
        let rows = last_of_each(rows, |row| row.agent_id.clone());
        let mut values: Vec<Vec<Value>> = Vec::with_capacity(rows.len());
        for (line, row) in rows {
            if self.known.contains(&row.agent_id) {
                let dimensions = row.dimensions.map(Value::from);
                values.push([row.agent_id.into()].into_iter().chain(dimensions).collect());
            } else {
                rejects.push(Reject { line, reason: "agent_id is not a known agent".to_owned() });
            }
        }
        let columns = ["agent_id"].into_iter().chain(DIMENSIONS).collect();
        let bulk = Bulk { table: "personality_profiles", columns, key: &["agent_id"], update: DIMENSIONS.to_vec() };
        bulk.write(transaction, values).await?;
        Ok(rejects)
    }
}
