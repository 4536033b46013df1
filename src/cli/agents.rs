//! `agents`: the people in the data.

use clap::{Args, Subcommand};

use crate::{
    clock::{Clock as _, SystemClock},
    config::Database,
    forget,
};

/// Erase a person.
#[derive(Args)]
#[command(after_help = "\
Example:
  agents forget 7f3a
Take the person out of your files as well: an import of them brings the person back.")]
pub(super) struct Agents {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Erase a person from all raw and derived tables; what was published stays as it is. It cannot be undone, and an
    /// import of files that still hold the person brings them back.
    Forget {
        /// The person's id, as imported.
        id: String,
    },
}

impl Agents {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::Forget { id } = self.action;
        let db = super::open(&self.database).await?;
        let gone = forget::forget(&db, &id, SystemClock.now()).await?;
        say!(
            "erased with {} visits and {} ties; no release that is drawn from now on holds anything of them",
            gone.visits,
            gone.ties
        );
        Ok(())
    }
}
