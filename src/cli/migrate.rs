//! `migrate`: the database schema.

use std::io::IsTerminal as _;

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use migration::{Migrator, MigratorTrait};
use serde::Serialize;

use super::{
    config::{Database, WarehouseSettings},
    table::Format,
};

/// Create, revert or show the database schema.
#[derive(Args)]
#[command(after_help = "\
Examples:
  migrate            applies all pending migrations
  migrate status     shows the applied and the pending migrations
  migrate down       reverts the newest migration, after a question")]
pub(super) struct Migrate {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    warehouse: WarehouseSettings,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Upgrade the schema to this program's version (the default).
    Up(Format),
    /// Revert the newest migration. Deletes the tables and columns that it created, with their content; asks first.
    Down {
        /// Do not ask.
        #[arg(long)]
        yes: bool,
        #[command(flatten)]
        format: Format,
    },
    /// Show which migrations are applied.
    Status(Format),
}

#[derive(Serialize)]
struct MigrationRow {
    migration: String,
    applied: bool,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = match self.action {
            None | Some(Action::Up(_)) => super::create(&self.database).await?,
            Some(Action::Down { .. } | Action::Status(_)) => super::open_any(&self.database).await?,
        };
        let format = match self.action.unwrap_or(Action::Up(Format::TABLE)) {
            Action::Up(format) => {
                Migrator::up(&db, None).await?;
                if let Some(warehouse) = self.warehouse.connect(&self.database)? {
                    warehouse.migrate().await.context("the tables of the warehouse")?;
                }
                format
            }
            Action::Down { yes, format } => {
                let applied = Migrator::get_applied_migrations(&db).await?;
                let newest = applied.last().context("no migration is applied")?;
                confirm(newest.name(), yes)?;
                Migrator::down(&db, Some(1)).await?;
                format
            }
            Action::Status(format) => format,
        };
        let line = |name: &str, applied| MigrationRow { migration: name.to_owned(), applied };
        let applied = Migrator::get_applied_migrations(&db).await?;
        let pending = Migrator::get_pending_migrations(&db).await?;
        let applied = applied.iter().map(|migration| line(migration.name(), true));
        let lines: Vec<_> = applied.chain(pending.iter().map(|migration| line(migration.name(), false))).collect();
        format.show(&lines, |lines| {
            for line in lines {
                say!("{}  {}", if line.applied { "applied" } else { "pending" }, line.migration);
            }
            Ok(())
        })
    }
}

/// Says what a revert deletes, and asks whether to go on.
fn confirm(migration: &str, yes: bool) -> anyhow::Result<()> {
    eprintln!("reverting {migration} deletes {}", migration::lost_by_reverting(migration));
    if yes {
        return Ok(());
    }
    ensure!(std::io::stdin().is_terminal(), "nothing was reverted: pass --yes to delete it");
    eprint!("Type yes to go on: ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    ensure!(answer.trim() == "yes", "nothing was reverted");
    Ok(())
}
