//! `import`: loads files into the raw tables.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;

use super::config::Database;
use crate::{
    ingest::{
        import::{self, Kind, Options, Report},
        progress::Progress,
    },
    storage::db,
};

/// Load files. Loading a file again changes nothing; bad rows go to the rejects file with their line and reason.
#[derive(Args)]
#[command(after_help = "\
Examples:
  import --dir DIR --dry-run                 reads and checks everything, stores nothing
  import --dir DIR --partner acme            all five files; the products are acme's
  import visits week-22.csv.zst              one file; loading it again changes nothing
  import visits week-23.parquet              also .ndjson, .ndjson.gz, .ndjson.zst
Afterwards build the epoch: epoch build")]
#[command(group = clap::ArgGroup::new("source").required(true).multiple(true).args(["dir", "kind"]))]
pub(super) struct Import {
    #[command(flatten)]
    database: Database,
    /// A folder with agents, personality, visits, connections, products as CSV, NDJSON (.gz or .zst, too) or Parquet.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kind", "file"])]
    dir: Option<PathBuf>,
    /// The content of FILE.
    #[arg(value_enum, requires = "file")]
    kind: Option<Kind>,
    /// The file; the ending of its name determines the format.
    file: Option<PathBuf>,
    /// The partner that the products belong to; a new partner is created.
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// Read and check everything, store nothing.
    #[arg(long)]
    dry_run: bool,
    /// Folder of the rejects files; created if there are rejects.
    #[arg(long, value_name = "DIR", default_value = "data/rejects")]
    rejects: PathBuf,
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let db = db::connect(&self.database.database_url).await?;
        db::migrate_if_fresh(&db).await?;
        let options = Options { dry_run: self.dry_run, progress: Progress::Shown, partner: self.partner };
        let reports = match (self.dir, self.kind, self.file) {
            (Some(dir), _, _) => import::folder(&db, &dir, &options).await?,
            (None, Some(kind), Some(file)) => vec![import::file(&db, kind, &file, &options).await?],
            _ => anyhow::bail!("pass a folder with --dir, or a kind and a file"),
        };
        print(&reports)?;
        for report in reports.iter().filter(|report| !report.rejects.is_empty()) {
            let file = self.rejects.join(format!("{}.csv", report.kind.name()));
            write_rejects(report, &file).with_context(|| format!("cannot write {}", file.display()))?;
            say!("{} rejected rows of {}: {}", report.rejects.len(), report.kind.name(), file.display());
        }
        if let Some(report) =
            reports.iter().find(|report| report.read > 0 && report.rejects.len() as u64 == report.read)
        {
            anyhow::bail!("every row of {} was rejected", report.kind.name());
        }
        if options.dry_run {
            say!("dry run: nothing was stored");
        }
        Ok(())
    }
}

/// Prints the totals, one line per file.
fn print(reports: &[Report]) -> std::io::Result<()> {
    let rows: Vec<Vec<String>> = reports
        .iter()
        .map(|report| {
            let rejected = report.rejects.len();
            let mut row = vec![report.kind.name().to_owned()];
            row.extend([report.read, report.new, report.updated].map(|count| count.to_string()));
            row.extend([rejected.to_string(), format!("{:.1} s", report.elapsed.as_secs_f64())]);
            row
        })
        .collect();
    super::table::print(&["file", "rows", "new", "again", "rejected", "elapsed"], &rows)
}

fn write_rejects(report: &Report, file: &std::path::Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut writer = csv::Writer::from_path(file)?;
    writer.write_record(["line", "reason"])?;
    for reject in &report.rejects {
        writer.write_record([reject.line.to_string().as_str(), reject.reason.as_str()])?;
    }
    writer.flush()?;
    Ok(())
}
