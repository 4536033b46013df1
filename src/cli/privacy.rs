//! `privacy`: the units spent, the releases published, and the guarantee that follows from the caps in force.

use clap::{Args, Subcommand};

use super::{
    config::Database,
    table::{self, Format},
    units::show,
};
use crate::{
    domain::clock::{Clock as _, SystemClock},
    privacy::report::{AtomRow, Report},
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
    say!("Keys: units in the last 30 days, for the people of whom most is spent\n");
    let keys: Vec<Vec<String>> = report
        .keys
        .iter()
        .map(|key| {
            let numbers =
                [key.cap_microunits, key.spent_microunits, (key.cap_microunits - key.spent_microunits).max(0)]
                    .map(show);
            let [cap, spent, left] = numbers;
            let state = if key.active { "active" } else { "ended" };
            vec![key.keys.join(" "), key.partner.clone(), state.to_owned(), cap, spent, left, tightest(&key.atoms)]
        })
        .collect();
    table::print(&["key", "partner", "state", "cap", "spent", "left", "where most is spent"], &keys)?;
    say!("\nRegions: units in the last 30 and 365 days\n");
    print_regions(Format::TABLE, report)?;
    say!("\nReleases\n");
    let bundles: Vec<Vec<String>> = report
        .releases
        .iter()
        .map(|bundle| {
            let [published, suppressed] = [bundle.ready, bundle.suppressed].map(|number| number.to_string());
            vec![bundle.bundle.clone(), published, suppressed]
        })
        .collect();
    table::print(&["bundle", "published steps", "suppressed steps"], &bundles)?;
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

/// The region and age band of which the most is spent.
fn tightest(atoms: &[AtomRow]) -> String {
    atoms.first().map_or_else(String::new, |atom| format!("{} {}", atom.region, atom.age_band))
}

/// Prints the regions with their caps and the units spent of the age band of which the most is spent.
pub(super) fn print_regions(format: Format, report: &Report) -> anyhow::Result<()> {
    format.print(&report.regions, &["region", "cap", "spent", "cap a year", "spent in a year", "age band"], |region| {
        let cap_year = region.cap_year_microunits.map_or_else(|| "none".to_owned(), show);
        let spent_year = show(region.spent_year_microunits);
        let band = region.atoms.first().map_or("", |atom| atom.age_band);
        let (cap, spent) = (show(region.cap_microunits), show(region.spent_microunits));
        vec![region.region.clone(), cap, spent, cap_year, spent_year, band.to_owned()]
    })
}
