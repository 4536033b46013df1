//! `partners`: the list of partners.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{config::Database, table::Format};
use crate::{domain::clock::format_time, storage::partners};

/// List the partners.
#[derive(Args)]
#[command(after_help = "\
A partner is created with its first key or its first products: keys create --partner acme")]
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
struct PartnerRow {
    partner: String,
    since: String,
}

impl Partners {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::List(format) = self.action;
        let db = super::open(&self.database).await?;
        let rows: Vec<_> = partners::list(&db)
            .await?
            .into_iter()
            .map(|partner| PartnerRow { partner: partner.partner_id, since: format_time(partner.created_at) })
            .collect();
        format.print(&rows, &["partner", "since"], |row| vec![row.partner.clone(), row.since.clone()])
    }
}
