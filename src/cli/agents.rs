//! `agents`: the people in the data.

use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::{
    config::{Database, WarehouseSettings},
    table::Format,
};
use crate::{
    domain::clock::{Clock as _, SystemClock},
    ingest::erasure,
    storage::erased_people,
};

/// Erase a person, or allow an erased person to be imported again.
#[derive(Args)]
#[command(after_help = "\
Examples:
  agents forget 7f3a         erases the person; imports skip rows of the person from then on
  agents restore 7f3a        the next import loads the person again, if the files contain the person
Remove the person from your files as well.")]
pub(super) struct Agents {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    warehouse: WarehouseSettings,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Erase a person from all raw and derived tables; published releases stay unchanged. This cannot be undone.
    /// Imports skip the person's rows, of whom only a salted hash of the id is kept.
    Forget {
        /// The person's id, as imported.
        id: String,
        #[command(flatten)]
        format: Format,
    },
    /// Allow an erased person to be imported again. Nothing comes back before the next import.
    Restore {
        /// The person's id, as it was imported.
        id: String,
        #[command(flatten)]
        format: Format,
    },
}

/// The output of `agents forget`.
#[derive(Serialize)]
struct Forgotten {
    visits: u64,
    ties: u64,
    erased_people: u64,
}

impl Agents {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let warehouse = self.warehouse.open(&self.database).await?;
        match self.action {
            Action::Forget { id, format } => {
                let erased = erasure::erase(&db, warehouse.as_ref(), &id, SystemClock.now()).await?;
                let erased_people = erased_people::count(&db).await?;
                let forgotten = Forgotten { visits: erased.visits, ties: erased.ties, erased_people };
                format.show(&forgotten, |forgotten| {
                    let Forgotten { visits, ties, .. } = forgotten;
                    say!(
                        "erased with {visits} visits and {ties} ties; no later release contains anything of this person"
                    );
                    Ok(())
                })
            }
            Action::Restore { id, format } => {
                erasure::restore(&db, &id, SystemClock.now()).await?;
                format.line(&json!({ "restored": true }), "the next import may load this person again")
            }
        }
    }
}
