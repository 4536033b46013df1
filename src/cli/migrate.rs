//! `migrate`: the database schema.

use clap::{Args, Subcommand};
use migration::{Migrator, MigratorTrait};

use crate::{config::Database, db};

/// Build, undo or show the database schema.
#[derive(Args)]
pub(super) struct Migrate {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Bring the schema to this program's version (the default).
    Up,
    /// Undo the newest migration. Deletes the tables it made, with all they hold.
    Down,
    /// Say which migrations the database has.
    Status,
}

impl Migrate {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = db::connect(&self.database.database_url).await?;
        match self.action.unwrap_or(Action::Up) {
            Action::Up => Migrator::up(&db, None).await?,
            Action::Down => Migrator::down(&db, Some(1)).await?,
            Action::Status => {}
        }
        for migration in Migrator::get_applied_migrations(&db).await? {
            say!("applied  {}", migration.name());
        }
        for migration in Migrator::get_pending_migrations(&db).await? {
            say!("pending  {}", migration.name());
        }
        Ok(())
    }
}
