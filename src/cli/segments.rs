//! `segments`: the definitions that every partner may use.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use sea_orm::{EntityTrait, QueryFilter, QueryOrder};
use serde::Serialize;

use super::table::Format;
use crate::{
    clock::{Clock as _, SystemClock},
    config::Database,
    entity::market_segment,
    epoch::Epoch,
    error::Error,
    mutation::{self, SaveSegmentInput},
    segment::{AgeRange, Cohort, Definition},
};

/// Add, list or remove the segments that every partner may use.
#[derive(Args)]
#[command(after_help = "\
Examples:
  segments add young-food --name \"18 to 34, fond of food\" --age-from 18 --age-to 34 --interests food
  segments list")]
pub(super) struct Segments {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Add a shared segment, or change one.
    Add {
        /// Its name in queries.
        slug: String,
        /// Its name for people.
        #[arg(long)]
        name: String,
        /// Home regions, at most three.
        #[arg(long, value_delimiter = ',')]
        regions: Option<Vec<String>>,
        /// Youngest age.
        #[arg(long, value_name = "AGE")]
        age_from: Option<i32>,
        /// Oldest age.
        #[arg(long, value_name = "AGE")]
        age_to: Option<i32>,
        /// Interests, at most three: people with any of them.
        #[arg(long, value_delimiter = ',')]
        interests: Option<Vec<String>>,
        /// Preferred categories, at most three: people with any of them.
        #[arg(long, value_delimiter = ',')]
        categories: Option<Vec<String>>,
    },
    /// List the shared segments.
    List(Format),
    /// Remove a shared segment.
    Remove { slug: String },
}

#[derive(Serialize)]
struct Line {
    slug: String,
    name: String,
    definition: serde_json::Value,
}

impl Segments {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let now = SystemClock.now();
        match self.action {
            Action::Add { slug, name, regions, age_from, age_to, interests, categories } => {
                let age = (age_from.is_some() || age_to.is_some()).then_some(AgeRange { from: age_from, to: age_to });
                let definition = Definition { regions, age, interests, categories };
                let epoch = Epoch::load_newest(&db, now).await?;
                let epoch = epoch.context("there is no epoch whose words it could use: run `epoch build` first")?;
                Cohort::parse(&definition, &epoch.vocabulary).map_err(Error::explain)?;
                let input = SaveSegmentInput { slug, name, definition };
                let saved = mutation::save(&db, None, &input, now).await.map_err(Error::explain)?;
                say!("{} is shared", saved.slug);
            }
            Action::List(format) => {
                let rows = market_segment::Entity::find()
                    .filter(market_segment::COLUMN.partner_id.is_null())
                    .order_by_asc(market_segment::COLUMN.slug)
                    .all(&db)
                    .await?;
                let line = |row: market_segment::Model| {
                    anyhow::Ok(Line {
                        slug: row.slug,
                        name: row.name,
                        definition: serde_json::from_str(&row.definition).context("a saved definition is broken")?,
                    })
                };
                let rows = rows.into_iter().map(line).collect::<anyhow::Result<Vec<_>>>()?;
                format.print(&rows, &["slug", "name", "definition"], |row| {
                    vec![row.slug.clone(), row.name.clone(), row.definition.to_string()]
                })?;
            }
            Action::Remove { slug } => {
                let removed = market_segment::Entity::delete_many()
                    .filter(market_segment::COLUMN.partner_id.is_null())
                    .filter(market_segment::COLUMN.slug.eq(&slug))
                    .exec(&db)
                    .await?;
                if removed.rows_affected == 0 {
                    bail!("there is no shared segment {slug:?}: `segments list` shows them");
                }
                say!("{slug} is removed");
            }
        }
        Ok(())
    }
}
