//! `import`: loads files into the raw tables.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;

use super::{
    config::{Database, WarehouseSettings},
    private_file,
    table::Format,
};
use crate::{
    ingest::{
        import::{self, Kind, MaxRejects, Options, Report, Scale, Source},
        progress::Progress,
    },
    storage::{db, partners},
};

/// The maximum number of warnings that are printed for a file.
const MAX_PRINTED_WARNINGS: usize = 20;

/// Load files. Loading a file again changes nothing; bad rows go to the rejects file with their line and reason.
#[derive(Args)]
#[command(after_help = "\
Examples:
  import --dir DIR --dry-run                 reads and checks everything, stores nothing
  import --dir DIR --partner acme            all files; the products are acme's
  import visits week-22.csv.zst              one file; loading it again changes nothing
  import visits visits.parquet/              a folder of part files
  import personality answers.csv --scale 1-5 answers on a scale of 1 to 5
Afterwards build the epoch: epoch build")]
#[command(group = clap::ArgGroup::new("source").required(true).multiple(true).args(["dir", "kind"]))]
pub(super) struct Import {
    #[command(flatten)]
    database: Database,
    #[command(flatten)]
    warehouse: WarehouseSettings,
    /// A folder with files whose names begin with agents, personality, visits, connections or products, as CSV, NDJSON
    /// (.gz or .zst, too) or Parquet.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["kind", "file"])]
    dir: Option<PathBuf>,
    /// The content of FILE.
    #[arg(value_enum, requires = "file")]
    kind: Option<Kind>,
    /// The file, or a folder of part files; the ending of a file name determines the format.
    file: Option<PathBuf>,
    /// The partner that the products belong to; a new partner is created.
    #[arg(long, value_name = "PARTNER")]
    partner: Option<String>,
    /// Read and check everything, store nothing.
    #[arg(long)]
    dry_run: bool,
    /// Fail and store nothing of a file with more rejected rows than this number or percentage; default: 5%, at least
    /// 10 rows.
    #[arg(long, value_name = "N|P%")]
    max_rejects: Option<MaxRejects>,
    /// Scale of the personality dimensions in the files, such as 1-5 or 1-7; default: 0-1.
    #[arg(long, value_name = "LOW-HIGH")]
    scale: Option<Scale>,
    /// Folder of the rejects files; created if there are rejects. A dry run writes into its folder dry-run.
    #[arg(long, value_name = "DIR", default_value = "data/rejects")]
    rejects: PathBuf,
    #[command(flatten)]
    format: Format,
}

/// A file in the output of `import`.
#[derive(Serialize)]
struct FileRow {
    kind: &'static str,
    file: String,
    rows: u64,
    new: u64,
    again: u64,
    rejected: u64,
    erased: u64,
    stored: bool,
    seconds: f64,
    warnings: BTreeMap<String, u64>,
}

impl From<&Report> for FileRow {
    fn from(report: &Report) -> Self {
        Self {
            kind: report.kind.name(),
            file: report.path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            rows: report.read,
            new: report.new,
            again: report.updated,
            rejected: report.rejected,
            erased: report.erased,
            stored: report.is_stored,
            seconds: (report.elapsed.as_secs_f64() * 10.0).round() / 10.0,
            warnings: report.warnings.clone(),
        }
    }
}

impl Import {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let sources = match (&self.dir, self.kind, &self.file) {
            (Some(dir), _, _) => {
                let found = import::find(dir)?;
                for name in &found.left_out {
                    eprintln!("left out: {name} (its name does not begin with the name of a kind)");
                }
                found.sources
            }
            (None, Some(kind), Some(file)) => {
                anyhow::ensure!(file.exists(), "cannot open {}: there is no such file", file.display());
                vec![Source::new(kind, file.clone())?]
            }
            _ => anyhow::bail!("pass a folder with --dir, or a kind and a file"),
        };
        if let Some(partner) = &self.partner {
            partners::check_name(partner)?;
        }
        let db = super::create(&self.database).await?;
        db::migrate_if_fresh(&db).await?;
        let warehouse = self.warehouse.open(&self.database).await?;
        let options = Options {
            dry_run: self.dry_run,
            progress: Progress::Shown,
            partner: self.partner.clone(),
            max_rejects: self.max_rejects.unwrap_or_default(),
            scale: self.scale,
            warehouse,
        };
        let mut reports = Vec::new();
        let outcome = import::run(&db, &sources, &options, &mut reports).await;
        // The report also helps if a later file fails.
        self.report(&reports)?;
        outcome?;
        if self.dry_run {
            eprintln!("dry run: nothing was stored");
        }
        Ok(())
    }

    /// Prints the totals and the warnings, and writes the rejects files.
    fn report(&self, reports: &[Report]) -> anyhow::Result<()> {
        let rows: Vec<FileRow> = reports.iter().map(FileRow::from).collect();
        self.format.print(&rows, &["file", "rows", "new", "again", "rejected", "erased", "elapsed"], |row| {
            let counts = [row.rows, row.new, row.again, row.rejected, row.erased].map(|count| count.to_string());
            [row.file.clone()].into_iter().chain(counts).chain([format!("{:.1} s", row.seconds)]).collect()
        })?;
        for row in &rows {
            for (warning, count) in row.warnings.iter().take(MAX_PRINTED_WARNINGS) {
                eprintln!("warning: {}: {warning} (rows: {count})", row.file);
            }
            if let Some(more) = row.warnings.len().checked_sub(MAX_PRINTED_WARNINGS).filter(|more| *more > 0) {
                eprintln!("warning: {}: {more} more warnings; --json lists them", row.file);
            }
        }
        let folder = if self.dry_run { self.rejects.join("dry-run") } else { self.rejects.clone() };
        for kind in Kind::ALL {
            let reports: Vec<&Report> =
                reports.iter().filter(|report| report.kind == kind && report.rejected > 0).collect();
            if reports.is_empty() {
                continue;
            }
            let file = folder.join(format!("{}.csv", kind.name()));
            write_rejects(&reports, &file).with_context(|| format!("cannot write {}", file.display()))?;
            let rejected: u64 = reports.iter().map(|report| report.rejected).sum();
            let rows = if rejected == 1 { "row" } else { "rows" };
            eprintln!("{rejected} rejected {rows} of {}: {}", kind.name(), file.display());
        }
        Ok(())
    }
}

fn write_rejects(reports: &[&Report], file: &Path) -> anyhow::Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut writer = csv::Writer::from_writer(private_file::create(file)?);
    writer.write_record(["file", "line", "reason", "row"])?;
    for reject in reports.iter().flat_map(|report| &report.rejects) {
        writer.write_record([&*reject.file, &reject.line.to_string(), &reject.reason, &reject.row])?;
    }
    writer.flush()?;
    Ok(())
}
