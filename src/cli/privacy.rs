//! `privacy`: what was spent, what was published, and what may be promised with the caps in force.

use clap::{Args, Subcommand};

use super::{
    table::{self, Format},
    units::show,
};
use crate::{
    clock::{Clock as _, SystemClock},
    config::Database,
    privacy::report::Report,
};

/// What was spent, what was published, and what may be promised.
#[derive(Args)]
#[command(after_help = "\
Examples:
  privacy report
  privacy report --json")]
pub(super) struct Privacy {
    #[command(flatten)]
    database: Database,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Units spent by key and region, releases by bundle, the share that was suppressed, and the promise with the
    /// numbers in force.
    Report(Format),
}

impl Privacy {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let Action::Report(format) = self.action;
        let db = super::open(&self.database).await?;
        format.show(&Report::load(&db, SystemClock.now()).await?, print)
    }
}

fn print(report: &Report) -> anyhow::Result<()> {
    say!("Keys: units in the last 30 days\n");
    let keys: Vec<Vec<String>> = report
        .keys
        .iter()
        .map(|key| {
            let numbers = [key.cap_mu, key.spent_mu, (key.cap_mu - key.spent_mu).max(0)].map(show);
            let [cap, spent, left] = numbers;
            let state = if key.active { "active" } else { "ended" };
            vec![key.keys.join(" "), key.partner.clone(), state.to_owned(), cap, spent, left]
        })
        .collect();
    table::print(&["key", "partner", "state", "cap", "spent", "left"], &keys)?;
    say!("\nRegions: units in the last 30 and 365 days\n");
    print_regions(Format::TABLE, report)?;
    say!("\nReleases\n");
    let bundles: Vec<Vec<String>> = report
        .releases
        .iter()
        .map(|bundle| {
            let numbers = [bundle.ready, bundle.suppressed, bundle.pending].map(|number| number.to_string());
            let [ready, suppressed, pending] = numbers;
            vec![bundle.bundle.clone(), ready, suppressed, pending]
        })
        .collect();
    table::print(&["bundle", "published", "suppressed", "pending"], &bundles)?;
    let share =
        report.suppressed_share.map_or_else(|| "none yet".to_owned(), |share| format!("{:.1} %", share * 100.0));
    say!("\nsizes below the threshold   {share}");
    say!("views denied as too near    {} of {}", report.views_denied, report.views);
    say!("\nThe promise with the caps in force\n\n{}", report.promise.text());
    for warning in report.warnings() {
        say!("\n{warning}");
    }
    Ok(())
}

/// The regions' caps and what was spent of them.
pub(super) fn print_regions(format: Format, report: &Report) -> anyhow::Result<()> {
    format.print(&report.regions, &["region", "cap", "spent", "cap a year", "spent in a year"], |region| {
        let cap_year = region.cap_year_mu.map_or_else(|| "none".to_owned(), show);
        let spent_year = show(region.spent_year_mu);
        vec![region.region.clone(), show(region.cap_mu), show(region.spent_mu), cap_year, spent_year]
    })
}
