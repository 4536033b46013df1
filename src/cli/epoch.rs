//! `epoch`: the weekly snapshots.

use std::time::Instant;

use chrono::NaiveDate;
use clap::{Args, Subcommand};
use sea_orm::{EntityTrait, QueryOrder};

use crate::{
    clock::{Clock as _, SystemClock, format_time, midnight},
    config::Database,
    engine::rollup,
    entity,
    epoch::epoch_name,
    progress::Progress,
};

/// Build or list the weekly snapshots.
#[derive(Args)]
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
    },
    /// List the snapshots, newest first.
    List,
}

impl Epoch {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        match self.action {
            Action::Build { as_of } => {
                let started = Instant::now();
                let as_of = match as_of {
                    Some(date) => midnight(date),
                    None => rollup::newest_filled_week(&db, SystemClock.now()).await?,
                };
                let built = rollup::build(&db, as_of, SystemClock.now(), Progress::Shown).await?;
                let (what, elapsed) = (rollup::describe(&built), started.elapsed().as_secs_f64());
                if built.new {
                    say!("{what}: {} people counted, built in {elapsed:.1} s", built.agents);
                } else {
                    say!("{what} was built before; an epoch is never changed");
                }
            }
            Action::List => {
                let epochs =
                    entity::epoch::Entity::find().order_by_desc(entity::epoch::COLUMN.ends_at).all(&db).await?;
                let rows: Vec<Vec<String>> = epochs
                    .into_iter()
                    .map(|epoch| {
                        vec![
                            epoch_name(epoch.epoch_id),
                            format_time(epoch.ends_at),
                            epoch.agents.to_string(),
                            format_time(epoch.built_at),
                        ]
                    })
                    .collect();
                super::table::print(&["epoch", "ends", "people", "built"], &rows)?;
            }
        }
        Ok(())
    }
}
