//! `migrate`: the database schema.

use clap::{Args, Subcommand};
use migration::{Migrator, MigratorTrait};
use serde::Serialize;

use super::{config::Database, table::Format};
use crate::storage::db;

/// Create, revert or show the database schema.
#[derive(Args)]
#[command(after_help = "\
Examples:
  migrate            applies all pending migrations
  migrate status     shows the applied and the pending migrations")]
pub(super) struct Migrate {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Upgrade the schema to this program's version (the default).
    Up,
    /// Revert the newest migration. Deletes the tables and columns that it created, with their content.
    Down,
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
        let db = db::connect(&self.database.database_url).await?;
        let format = match self.action.unwrap_or(Action::Up) {
            Action::Up => {
                Migrator::up(&db, None).await?;
                Format::TABLE
            }
            Action::Down => {
                Migrator::down(&db, Some(1)).await?;
                Format::TABLE
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
