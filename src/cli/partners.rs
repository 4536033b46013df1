//! `partners`: who there is.

use clap::{Args, Subcommand};
use sea_orm::{EntityTrait, QueryOrder};

use crate::{clock::format_time, config::Database, entity::partner};

/// List the partners.
#[derive(Args)]
pub(super) struct Partners {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List all partners.
    List,
}

impl Partners {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::List = self.action;
        let db = super::open(&self.database).await?;
        let partners = partner::Entity::find().order_by_asc(partner::COLUMN.partner_id).all(&db).await?;
        let rows: Vec<Vec<String>> =
            partners.into_iter().map(|partner| vec![partner.partner_id, format_time(partner.created_at)]).collect();
        super::table::print(&["partner", "since"], &rows)?;
        Ok(())
    }
}
