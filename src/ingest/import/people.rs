//! The people that rows may refer to: the known ones, and those who were erased and must not come back.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, EntityTrait, QuerySelect as _};

use super::Row;
use crate::{
    domain::erased::ErasedPeople,
    storage::{entity::agent, erased_people},
};

/// How an import treats a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Known,
    /// The person was erased: rows of the person are skipped.
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
    pub async fn load(db: &impl ConnectionTrait) -> anyhow::Result<Self> {
        let erased = erased_people::load(db).await?;
        let known: Vec<String> =
            agent::Entity::find().select_only().column(agent::Column::AgentId).into_tuple().all(db).await?;
        Ok(Self { known: known.into_iter().collect(), erased })
    }

    /// The standing of a person that a row refers to.
    #[must_use]
    pub fn standing(&self, id: &str) -> Standing {
        if self.known.contains(id) {
            Standing::Known
        } else if self.erased.contains(id) {
            Standing::Erased
        } else {
            Standing::Unknown
        }
    }

    /// Whether a row is about known people only, or adds a person who was not erased.
    #[must_use]
    pub fn allow(&self, row: &impl Row) -> bool {
        let is_known = |id| self.standing(id) == Standing::Known;
        !row.introduces().is_some_and(|id| self.is_erased(id)) && row.refers_to().into_iter().flatten().all(is_known)
    }

    /// Whether a person was erased.
    #[must_use]
    pub fn is_erased(&self, id: &str) -> bool {
        self.erased.contains(id)
    }

    /// Adds people that an import has stored, or that a dry run would have stored.
    pub fn add(&mut self, ids: impl IntoIterator<Item = String>) {
        self.known.extend(ids);
    }

    /// The ids of all known people, sorted.
    #[must_use]
    pub fn sorted(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = self.known.iter().map(String::as_str).collect();
        ids.sort_unstable();
        ids
    }
}
