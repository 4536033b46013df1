//! `regions`: the privacy caps of a region, which apply to all keys together.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use serde_json::json;

use super::{config::Database, table::Format, units};
use crate::{
    domain::clock::{Clock as _, SystemClock},
    privacy::{
        ledger,
        report::{RegionRow, Report},
    },
    storage::{
        accounts::region_subject,
        audit::{self, Action as AuditAction},
        db,
    },
};

/// List the regions and their privacy caps, or change a cap.
#[derive(Args)]
#[command(after_help = "\
Examples:
  regions list
  regions limit us-nyc --units 60 --units-per-year 240")]
pub(super) struct Regions {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the regions with their caps and the units spent.
    List(Format),
    /// Change the privacy caps of a region for all keys together; takes effect at once on every server.
    #[command(mut_group("cap_flags", |group| group.required(true)))]
    Limit {
        region: String,
        #[command(flatten)]
        caps: CapFlags,
        #[command(flatten)]
        format: Format,
    },
}

/// Caps that were passed on the command line; the others stay unchanged.
#[derive(Args)]
#[group(id = "cap_flags", multiple = true)]
struct CapFlags {
    /// Units in any 30 days (initially 60).
    #[arg(long, value_name = "N", value_parser = units::parse, allow_negative_numbers = true)]
    units: Option<i64>,
    /// Units in any 365 days (initially 240).
    #[arg(long, value_name = "N", value_parser = units::parse, allow_negative_numbers = true)]
    units_per_year: Option<i64>,
}

impl Regions {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = super::open(&self.database).await?;
        let now = SystemClock.now();
        match self.action {
            Action::List(format) => super::privacy::print_regions(format, &Report::load(&db, now).await?)?,
            Action::Limit { region, caps, format } => {
                let subject = region_subject(&region);
                let transaction = db::begin_write(&db).await?;
                let detail = ledger::change_caps(&transaction, &subject, caps.units, caps.units_per_year).await?;
                let detail =
                    detail.context("no epoch has had people of that region: `regions list` shows the known regions")?;
                audit::record(&transaction, now, AuditAction::ChangeLimits, &subject, detail.clone()).await?;
                transaction.commit().await?;
                format.line(&json!({ "region": region, "change": detail }), &format!("{region}: {detail}"))?;
                let report = Report::load(&db, now).await?;
                for warning in report.regions.iter().filter(|row| row.region == region).flat_map(RegionRow::warnings) {
                    eprintln!("{warning}");
                }
            }
        }
        Ok(())
    }
}
