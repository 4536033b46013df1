//! The command line: one subcommand per file.

use std::io::IsTerminal as _;

use clap::{CommandFactory as _, Parser, Subcommand};
use tracing_subscriber::prelude::*;

use crate::{
    cli::config::{Database, LogFormat, Logging},
    storage::db,
};

pub use settings::settings_table;

/// Writes a line to standard output. Unlike `println`, it returns an error instead of panicking if the pipe is closed.
macro_rules! say {
    ($($text:tt)*) => {
        std::io::Write::write_fmt(&mut std::io::stdout(), format_args!("{}\n", format_args!($($text)*)))?
    };
}

mod agents;
pub mod config;
mod demo;
mod documents;
mod epoch;
mod error_text;
mod generate;
mod import;
mod key_output;
mod keys;
mod migrate;
mod partners;
mod privacy;
mod private_file;
mod regions;
mod segments;
mod serve;
mod settings;
mod table;
mod units;

pub use error_text::error_text;

/// The text at the end of `--help`.
const FIRST_STEPS: &str = "\
First steps, with synthetic people:
  spots-enrichment demo

From files to a running server:
  spots-enrichment import --dir DIR --partner acme    creates the tables, loads the files
  spots-enrichment epoch build                        builds the weekly snapshot
  spots-enrichment keys create --partner acme         prints a key, once
  spots-enrichment serve

A flag takes precedence over the environment, and the environment over the default.
Commands that print a result accept --json. Exit codes: 0 success, 1 failure, 2 wrong usage.";

/// GraphQL API that answers aggregate questions about market segments under differential privacy.
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
    /// Create a synthetic population (once), build its epoch, create a key and serve. Start here.
    Demo(demo::Demo),
    /// Serve the API.
    Serve(serve::Serve),
    /// Create, revert or show the database schema.
    Migrate(migrate::Migrate),
    /// Load files: agents, personality, visits, connections, products.
    Import(import::Import),
    /// Build or list the weekly snapshots.
    Epoch(epoch::Epoch),
    /// Create, list, show, rotate, limit or revoke API keys, and show their usage.
    Keys(keys::Keys),
    /// Add, list or remove the trusted documents of a partner.
    Documents(documents::Documents),
    /// Add, list or remove the segments that every partner may use.
    Segments(segments::Segments),
    /// List the partners.
    Partners(partners::Partners),
    /// List the regions and their privacy caps, or change a cap.
    Regions(regions::Regions),
    /// Show the units spent, the releases published, and the resulting privacy guarantee.
    Privacy(privacy::Privacy),
    /// Erase a person.
    Agents(agents::Agents),
    /// Write a synthetic population as import files.
    Generate(generate::Generate),
    /// Print the GraphQL schema.
    Schema,
    /// Print shell completions of this program's commands and flags.
    #[command(after_help = "\
For bash:  spots-enrichment completions bash > ~/.local/share/bash-completion/completions/spots-enrichment
For zsh:   spots-enrichment completions zsh > DIR/_spots-enrichment (DIR is a folder of $fpath)
For fish:  spots-enrichment completions fish > ~/.config/fish/completions/spots-enrichment.fish")]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// Runs the subcommand of a parsed command line.
///
/// # Errors
/// The error of the subcommand; its text states the cause and the remedy.
pub async fn run(cli: Cli) -> anyhow::Result<()> {
    start_logging(&cli.logging);
    match cli.command {
        Command::Demo(command) => command.run().await,
        Command::Serve(command) => command.run().await,
        Command::Migrate(command) => command.run().await,
        Command::Import(command) => command.run().await,
        Command::Epoch(command) => command.run().await,
        Command::Keys(command) => command.run().await,
        Command::Documents(command) => command.run().await,
        Command::Segments(command) => command.run().await,
        Command::Partners(command) => command.run().await,
        Command::Regions(command) => command.run().await,
        Command::Privacy(command) => command.run().await,
        Command::Agents(command) => command.run().await,
        Command::Generate(command) => command.run(),
        Command::Schema => {
            say!("{}", crate::graphql::schema::sdl().trim_end());
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
    // SQL statements contain no values, but they do not belong in the log: the driver logs warnings and errors only.
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

/// Opens an existing database and checks that all migrations are applied.
async fn open(database: &Database) -> anyhow::Result<sea_orm::DatabaseConnection> {
    let db = open_any(database).await?;
    db::require_migrated(&db).await?;
    Ok(db)
}

/// Opens an existing database of any version.
async fn open_any(database: &Database) -> anyhow::Result<sea_orm::DatabaseConnection> {
    db::open(&database.options(false)).await
}

/// Opens the database, and creates it if it does not exist.
async fn create(database: &Database) -> anyhow::Result<sea_orm::DatabaseConnection> {
    db::open(&database.options(true)).await
}
