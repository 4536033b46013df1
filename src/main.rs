//! Picks the subcommand.

use std::process::ExitCode;

use clap::Parser as _;
use spots_enrichment::cli::{self, Cli};

#[tokio::main]
async fn main() -> ExitCode {
    // clap itself ends with 2 on wrong usage.
    match cli::run(Cli::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
