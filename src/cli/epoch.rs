//! `epoch`: the weekly snapshots.

use std::{path::PathBuf, time::Instant};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{config::Database, table::Format};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock, format_time, midnight},
        epoch::epoch_name,
    },
    ingest::{epoch_builder, import, progress::Progress},
    storage::epochs,
};

/// Build or list the weekly snapshots.
#[derive(Args)]
#[command(after_help = "\
Examples:
  epoch build                        the newest week with data on its last day
  epoch build --as-of 2026-06-01     ends on the Monday at or before that date
  epoch list
An epoch can be built 72 hours after its week closed, and is never changed.")]
pub(super) struct Epoch {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Build the snapshot that ends on the Monday at or before a date.
    Build {
        /// The date; default: the end of the newest week with data on its last day.
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<NaiveDate>,
        /// Vocabulary of segment definitions: a CSV file with the columns kind (interest or category) and word;
        /// default: the interests and categories that at least 100 people share, which reveals something of the data.
        #[arg(long, value_name = "FILE")]
        words: Option<PathBuf>,
    },
    /// List the snapshots, newest first.
    List(Format),
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
        match self.action {
            Action::Build { as_of, words } => {
                let started = Instant::now();
                let as_of = match as_of {
                    Some(date) => midnight(date),
                    None => epoch_builder::newest_complete_week(&db, SystemClock.now()).await?,
                };
                let lists = words.as_deref().map(import::closed_lists).transpose()?;
                let now = SystemClock.now();
                let built = epoch_builder::build_with_lists(&db, as_of, now, lists.as_ref(), Progress::Shown).await?;
                let (what, elapsed) = (epoch_builder::describe(&built), started.elapsed().as_secs_f64());
                if built.is_new {
                    say!("{what}: {} people counted, built in {elapsed:.1} s", built.agents);
                } else {
                    say!("{what} was built before; an epoch is never changed");
                }
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
