//! The command line: one subcommand per file.

use std::io::IsTerminal as _;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::prelude::*;

use crate::config::{Database, LogFormat, Logging};

pub use settings::settings_table;

/// Writes a line to standard output. Unlike `println` it is an error, not a panic, when nobody reads it any more.
macro_rules! say {
    ($($text:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)))?
    };
}

mod agents;
mod bench;
mod demo;
mod epoch;
mod generate;
mod import;
mod keys;
mod migrate;
mod partners;
mod privacy;
mod regions;
mod segments;
mod serve;
mod settings;
mod table;
mod units;

/// What stands below `--help`.
const FIRST_STEPS: &str = "\
A first look, with people who do not exist:
  spots-enrichment demo

From files to a server:
  spots-enrichment import --dir DIR --partner acme    makes the tables, loads
  spots-enrichment epoch build                        the weekly snapshot
  spots-enrichment keys create --partner acme         prints a key, once
  spots-enrichment serve

A flag goes before the environment, which goes before the default.
Lists take --json. Exit codes: 0 done, 1 failed, 2 wrong usage.";

/// A typed GraphQL API by which partners enrich market segments, under a privacy promise that can be checked.
#[derive(Parser)]
#[command(version, about, max_term_width = 100, after_help = FIRST_STEPS)]
pub struct Cli {
    #[command(flatten)]
    logging: Logging,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make a synthetic population (once), build its epoch, create a key and serve: the newcomer's one command.
    Demo(demo::Demo),
    /// Serve the API.
    Serve(serve::Serve),
    /// Build, undo or show the database schema.
    Migrate(migrate::Migrate),
    /// Load files: agents, personality, visits, connections, products.
    Import(import::Import),
    /// Build or list the weekly snapshots.
    Epoch(epoch::Epoch),
    /// Create, list, show, rotate, limit or revoke API keys, and see what they used.
    Keys(keys::Keys),
    /// Add, list or remove the segments that every partner may use.
    Segments(segments::Segments),
    /// List the partners.
    Partners(partners::Partners),
    /// List the regions and their privacy caps, or change a cap.
    Regions(regions::Regions),
    /// What was spent, what was published, and what may be promised.
    Privacy(privacy::Privacy),
    /// Erase a person.
    Agents(agents::Agents),
    /// Write a synthetic population as import files.
    Generate(generate::Generate),
    /// Measure how fast a server answers on this machine.
    Bench(bench::Bench),
    /// Print the GraphQL schema.
    Schema,
    /// Print what makes a shell complete this program's commands and flags.
    #[command(after_help = "\
For bash:  spots-enrichment completions bash > ~/.local/share/bash-completion/completions/spots-enrichment
For zsh:   spots-enrichment completions zsh > a folder of $fpath, as _spots-enrichment
For fish:  spots-enrichment completions fish > ~/.config/fish/completions/spots-enrichment.fish")]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

/// Runs what the command line asks for.
///
/// # Errors
/// Says what was wrong and how to mend it.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    start_logging(&cli.logging);
    match cli.command {
        Command::Demo(command) => command.run().await,
        Command::Serve(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Epoch(command) => command.run().await,
        Command::Keys(command) => command.run().await,
        Command::Segments(command) => command.run().await,
        Command::Partners(command) => command.run().await,
        Command::Regions(command) => command.run().await,
        Command::Privacy(command) => command.run().await,
        Command::Agents(command) => command.run().await,
        Command::Generate(command) => command.run(),
        Command::Bench(command) => command.run().await,
        Command::Schema => {
            say!("{}", crate::schema::sdl().trim_end());
            Ok(())
        }
        Command::Completions { shell } => {
            let mut text = Vec::new();
            let mut command = Cli::command();
            let name = command.get_name().to_owned();
            clap_complete::generate(shell, &mut command, name, &mut text);
            std::io::Write::write_all(&mut std::io::stdout(), &text)?;
            Ok(())
        }
    }
}

fn start_logging(logging: &Logging) {
    // SQL texts hold no values, but they are not for the log either: the driver stays quiet below warnings.
    let filter = tracing_subscriber::filter::Targets::new()
        .with_target("spots_enrichment", logging.log_level)
        .with_default(tracing::level_filters::LevelFilter::WARN.min(logging.log_level));
    let layer = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let registry = tracing_subscriber::registry().with(filter);
    match logging.log_format {
        LogFormat::Text => registry.with(layer.with_target(false).with_ansi(std::io::stderr().is_terminal())).init(),
        LogFormat::Json => registry.with(layer.json()).init(),
    }
}

/// Opens a database that has all its tables.
async fn open(database: &Database) -> anyhow::Result<sea_orm::DatabaseConnection> {
    let db = crate::db::connect(&database.database_url).await?;
    crate::db::require_migrated(&db).await?;
    Ok(db)
}
