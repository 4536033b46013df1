//! `epoch`: the weekly snapshots.

use std::{path::PathBuf, time::Instant};

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::{EntityTrait, QueryOrder};
use serde::Serialize;

use super::table::Format;
use crate::{
    clock::{Clock as _, SystemClock, format_time, midnight},
    config::Database,
    engine::rollup,
    entity,
    epoch::epoch_name,
    import,
    progress::Progress,
};

/// Build or list the weekly snapshots.
#[derive(Args)]
#[command(after_help = "\
Examples:
  epoch build                        the newest week that the data fills
  epoch build --as-of 2026-06-01     ends at the Monday then or before
  epoch list
An epoch can be read 72 hours after its week closed, and is never changed.")]
pub(super) struct Epoch {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Build the snapshot that ends at the Monday at or before a date.
    Build {
        /// The date; default: the end of the newest week that the data fills.
        #[arg(long, value_name = "YYYY-MM-DD")]
        as_of: Option<NaiveDate>,
        /// Interests and categories that a definition may use: a CSV file with the columns kind (interest or category)
        /// and word; default: those that at least 100 people share, which says something about the data.
        #[arg(long, value_name = "FILE")]
        words: Option<PathBuf>,
    },
    /// List the snapshots, newest first.
    List(Format),
}

#[derive(Serialize)]
struct Line {
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
                    None => rollup::newest_filled_week(&db, SystemClock.now()).await?,
                };
                let words = words.as_deref().map(import::closed_lists).transpose()?;
                let now = SystemClock.now();
                let built = rollup::build_with_words(&db, as_of, now, words.as_ref(), Progress::Shown).await?;
                let (what, elapsed) = (rollup::describe(&built), started.elapsed().as_secs_f64());
                if built.new {
                    say!("{what}: {} people counted, built in {elapsed:.1} s", built.agents);
                } else {
                    say!("{what} was built before; an epoch is never changed");
                }
            }
            Action::List(format) => {
                let epochs =
                    entity::epoch::Entity::find().order_by_desc(entity::epoch::COLUMN.ends_at).all(&db).await?;
                let rows: Vec<_> = epochs
                    .into_iter()
                    .map(|epoch| Line {
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
