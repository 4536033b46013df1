//! `partners`: who there is.

use clap::{Args, Subcommand};
use sea_orm::{EntityTrait, QueryOrder};
use serde::Serialize;

use super::table::Format;
use crate::{clock::format_time, config::Database, entity::partner};

/// List the partners.
#[derive(Args)]
#[command(after_help = "\
A partner is made with its first key or its first products: keys create --partner acme")]
pub(super) struct Partners {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List all partners.
    List(Format),
}

#[derive(Serialize)]
struct Line {
    partner: String,
    since: String,
}

impl Partners {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::List(format) = self.action;
        let db = super::open(&self.database).await?;
        let partners = partner::Entity::find().order_by_asc(partner::COLUMN.partner_id).all(&db).await?;
        let rows: Vec<_> = partners
            .into_iter()
            .map(|partner| Line { partner: partner.partner_id, since: format_time(partner.created_at) })
            .collect();
        format.print(&rows, &["partner", "since"], |row| vec![row.partner.clone(), row.since.clone()])
    }
}
