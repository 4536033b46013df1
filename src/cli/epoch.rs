//! `epoch`: the weekly snapshots.

use std::{path::PathBuf, time::Instant};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::DatabaseConnection;
use serde::Serialize;
use serde_json::json;

use super::{
    config::{Database, WarehouseSettings},
    table::Format,
};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock, format_time, midnight},
        epoch::epoch_name,
    },
    ingest::{
        epoch_builder::{self, BuildOptions},
        import,
        progress::Progress,
    },
    storage::{epochs, warehouse::Warehouse},
};

/// Build, list or drop the weekly snapshots.
#[derive(Args)]
#[command(after_help = "\
Examples:
  epoch build                        the newest week that the data fill
  epoch build --as-of 2026-06-01     ends on the Monday at or before that date
  epoch list
  epoch drop 2026-W23                removes an epoch; the one before is served again
An epoch can be built 72 hours after its week closed, and is never changed.")]
pub(super) struct Epoch {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    warehouse: WarehouseSettings,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Build the snapshot that ends on the Monday at or before a date.
    Build {
        /// The date; default: the end of the newest week that has, like its last day, a third of the usual visits.
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<NaiveDate>,
        /// Vocabulary of segment definitions: a CSV file with the columns kind (interest or category) and word;
        /// default: the interests and categories that at least 100 people share, which reveals something of the data.
        #[arg(long, value_name = "FILE")]
        words: Option<PathBuf>,
        /// Build although an import is unfinished, or although people or visits fall sharply against the last epoch.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        format: Format,
    },
    /// List the snapshots, newest first.
    List(Format),
    /// Remove a snapshot, so that the one before it is served again within five seconds. Its releases stay stored and
    /// their charges stand; a new build of the same week is another epoch.
    Drop {
        /// The snapshot, as `epoch list` shows it, such as 2026-W23.
        epoch: String,
        #[command(flatten)]
        format: Format,
    },
}

/// The output of `epoch build`.
#[derive(Serialize)]
struct BuiltRow {
    epoch: String,
    ends_at: String,
    people: i64,
    new: bool,
    seconds: f64,
}

#[derive(Serialize)]
struct EpochRow {
    epoch: String,
    ends_at: String,
    people: i64,
    built_at: String,
}

impl Epoch {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let warehouse = match self.action {
            Action::List(_) => None,
            _ => self.warehouse.open(&self.database).await?,
        };
        let warehouse = warehouse.as_ref();
        match self.action {
            Action::Build { as_of, words, force, format } => {
                let started = Instant::now();
                let as_of = match as_of {
                    Some(date) => midnight(date),
                    None => newest_filled_week(&db, warehouse).await?,
                };
                let lists = words.as_deref().map(import::closed_lists).transpose()?;
                let options = BuildOptions { lists: lists.as_ref(), force, progress: Progress::Shown, warehouse };
                let built = epoch_builder::build_with(&db, as_of, SystemClock.now(), options).await?;
                let (what, elapsed) = (epoch_builder::describe(&built), started.elapsed().as_secs_f64());
                let row = BuiltRow {
                    epoch: epoch_name(built.epoch_id),
                    ends_at: format_time(built.ends_at),
                    people: built.agents,
                    new: built.is_new,
                    seconds: (elapsed * 10.0).round() / 10.0,
                };
                format.show(&row, |row| {
                    if row.new {
                        say!("{what}: {} people counted, built in {:.1} s", row.people, row.seconds);
                    } else {
                        say!("{what} was built before; an epoch is never changed");
                    }
                    Ok(())
                })?;
            }
            Action::Drop { epoch, format } => {
                epoch_builder::drop_epoch(&db, warehouse, &epoch, SystemClock.now()).await?;
                format.line(&json!({ "epoch": epoch, "dropped": true }), &format!("{epoch} is dropped"))?;
            }
            Action::List(format) => {
                let rows: Vec<_> = epochs::list(&db)
                    .await?
                    .into_iter()
                    .map(|epoch| EpochRow {
                        epoch: epoch_name(epoch.epoch_id),
                        ends_at: format_time(epoch.ends_at),
                        people: epoch.agents,
                        built_at: format_time(epoch.built_at),
                    })
                    .collect();
                format.print(&rows, &["epoch", "ends", "people", "built"], |row| {
                    vec![row.epoch.clone(), row.ends_at.clone(), row.people.to_string(), row.built_at.clone()]
                })?;
            }
        }
        Ok(())
    }
}

/// The end of the newest week that the data fill, in Unix seconds. Prints which later weeks are not filled.
async fn newest_filled_week(db: &DatabaseConnection, warehouse: Option<&Warehouse>) -> anyhow::Result<i64> {
    let newest = epoch_builder::newest_filled_week(db, warehouse, SystemClock.now()).await?;
    for week in newest.left_out {
        eprintln!("{week}; --as-of builds it nevertheless");
    }
    Ok(newest.ends_at)
}
