//! The people that rows may refer to: the known ones, and those who were erased and must not come back.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect as _};

use super::{Row, warehouse};
use crate::{
    domain::erased::ErasedPeople,
    storage::{entity::agent, erased_people, warehouse::Warehouse},
};

/// How an import treats the people of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Known,
    /// A person was erased: the row is skipped.
    Erased,
    Unknown,
}

/// The ids of all known people, and the erased people.
#[derive(Clone, Debug, Default)]
pub struct People {
    known: HashSet<String>,
    erased: ErasedPeople,
}

impl People {
    /// Loads the ids of all people and the list of erased people.
    pub async fn load(db: &impl ConnectionTrait, warehouse: Option<&Warehouse>) -> anyhow::Result<Self> {
        let erased = erased_people::load(db).await?;
        if let Some(warehouse) = warehouse {
            return Ok(Self { known: warehouse::people(warehouse).await?.collect(), erased });
        }
        let known: Vec<String> =
            agent::Entity::find().select_only().column(agent::Column::AgentId).into_tuple().all(db).await?;
        Ok(Self { known: known.into_iter().collect(), erased })
    }

    /// The standing of the people of a row: `Erased` if the row adds or is about an erased person, `Unknown` if it is
    /// about an unknown one, `Known` otherwise.
    #[must_use]
    pub fn standing_of(&self, row: &impl Row) -> Standing {
        let unknown = || row.refers_to().into_iter().flatten().filter(|id| !self.known.contains(*id));
        if row.introduces().into_iter().chain(unknown()).any(|id| self.erased.contains(id)) {
            Standing::Erased
        } else if unknown().next().is_some() {
            Standing::Unknown
        } else {
            Standing::Known
        }
    }

    /// Adds people that an import has stored, or that a dry run would have stored.
    pub fn add(&mut self, ids: impl IntoIterator<Item = String>) {
        self.known.extend(ids);
    }
}
