//! `privacy`: the units spent, the releases published, and the guarantee that follows from the caps in force.

use clap::{Args, Subcommand};

use super::{
    config::Database,
    table::{self, Format},
    units::show,
};
use crate::{
    domain::clock::{Clock as _, SystemClock},
    privacy::report::Report,
};

/// Show the units spent, the releases published, and the resulting privacy guarantee.
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
    /// Show the units spent by key and region, releases by bundle, the share that was suppressed, and the guarantee
    /// with the caps in force.
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
            let numbers =
                [key.cap_milliunits, key.spent_milliunits, (key.cap_milliunits - key.spent_milliunits).max(0)]
                    .map(show);
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
    say!("views denied as overlapping {} of {}", report.views_denied, report.views);
    say!("\nThe guarantee with the caps in force\n\n{}", report.promise.text());
    for warning in report.warnings() {
        say!("\n{warning}");
    }
    Ok(())
}

/// Prints the regions with their caps and the units spent.
pub(super) fn print_regions(format: Format, report: &Report) -> anyhow::Result<()> {
    format.print(&report.regions, &["region", "cap", "spent", "cap a year", "spent in a year"], |region| {
        let cap_year = region.cap_year_milliunits.map_or_else(|| "none".to_owned(), show);
        let spent_year = show(region.spent_year_milliunits);
        vec![region.region.clone(), show(region.cap_milliunits), show(region.spent_milliunits), cap_year, spent_year]
    })
}
