//! `agents`: the people in the data.

use clap::{Args, Subcommand};

use super::config::Database;
use crate::{
    domain::clock::{Clock as _, SystemClock},
    ingest::erasure,
};

/// Erase a person.
#[derive(Args)]
#[command(after_help = "\
Example:
  agents forget 7f3a
Remove the person from your files as well: importing the files again restores the person.")]
pub(super) struct Agents {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Erase a person from all raw and derived tables; published releases stay unchanged. This cannot be undone.
    /// Importing files that still contain the person restores them.
    Forget {
        /// The person's id, as imported.
        id: String,
    },
}

impl Agents {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::Forget { id } = self.action;
        let db = super::open(&self.database).await?;
        let erased = erasure::erase(&db, &id, SystemClock.now()).await?;
        say!(
            "erased with {} visits and {} ties; no later release contains anything of this person",
            erased.visits,
            erased.ties
        );
        Ok(())
    }
}
