//! `segments`: the shared segments, which every partner may use.

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use serde_json::json;

use super::{config::Database, table::Format};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        error::Error,
        segment::{AgeRange, Cohort, Definition, NewSegment, SavedSegment},
    },
    storage::{epochs, segments},
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
        /// The identifier of the segment in queries.
        slug: String,
        /// The display name.
        #[arg(long)]
        name: String,
        /// Home regions, at most three.
        #[arg(long, value_delimiter = ',')]
        regions: Option<Vec<String>>,
        /// Lowest age.
        #[arg(long, value_name = "AGE")]
        age_from: Option<i32>,
        /// Highest age.
        #[arg(long, value_name = "AGE")]
        age_to: Option<i32>,
        /// Interests, at most three; selects people with any of them.
        #[arg(long, value_delimiter = ',')]
        interests: Option<Vec<String>>,
        /// Preferred categories, at most three; selects people with any of them.
        #[arg(long, value_delimiter = ',')]
        categories: Option<Vec<String>>,
        #[command(flatten)]
        format: Format,
    },
    /// List the shared segments.
    List(Format),
    /// Remove a shared segment.
    Remove {
        slug: String,
        #[command(flatten)]
        format: Format,
    },
}

#[derive(Serialize)]
struct SegmentRow {
    slug: String,
    name: String,
    definition: serde_json::Value,
}

impl Segments {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let now = SystemClock.now();
        match self.action {
            Action::Add { slug, name, regions, age_from, age_to, interests, categories, format } => {
                let trimmed = |list: Option<Vec<String>>| {
                    list.map(|list| list.iter().map(|value| value.trim().to_owned()).collect::<Vec<_>>())
                };
                let [regions, interests, categories] = [regions, interests, categories].map(trimmed);
                let age = (age_from.is_some() || age_to.is_some()).then_some(AgeRange { from: age_from, to: age_to });
                let definition = Definition { regions, age, interests, categories };
                let epoch = epochs::load_newest(&db, now).await?;
                let epoch = epoch.context("there is no epoch with a vocabulary: run `epoch build` first")?;
                Cohort::parse(&definition, &epoch.vocabulary).map_err(Error::into_anyhow)?;
                let segment = NewSegment { slug, name, definition };
                let saved = segments::save(&db, None, segment, now).await.map_err(Error::into_anyhow)?;
                let slug = saved.slug;
                format.line(&json!({ "slug": slug, "shared": true }), &format!("{slug} is shared"))?;
            }
            Action::List(format) => {
                let segments = segments::list_shared(&db).await?;
                let row = |segment: SavedSegment| {
                    let definition =
                        serde_json::from_str(&segment.definition).context("a stored definition is invalid")?;
                    anyhow::Ok(SegmentRow { slug: segment.slug, name: segment.name, definition })
                };
                let rows = segments.into_iter().map(row).collect::<anyhow::Result<Vec<_>>>()?;
                format.print(&rows, &["slug", "name", "definition"], |row| {
                    vec![row.slug.clone(), row.name.clone(), row.definition.to_string()]
                })?;
            }
            Action::Remove { slug, format } => {
                if !segments::delete(&db, None, &slug).await? {
                    bail!("there is no shared segment {slug:?}: `segments list` shows them");
                }
                format.line(&json!({ "slug": slug, "removed": true }), &format!("{slug} is removed"))?;
            }
        }
        Ok(())
    }
}
