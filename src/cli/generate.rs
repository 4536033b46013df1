//! `generate`: a synthetic population as import files.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use csv::Writer;
use serde_json::json;

use super::{private_file, table::Format};
use crate::{
    domain::{clock::format_time, product::Product, product_state::PriceBand},
    ingest::{
        generate::{DEMO_AGENTS, Population, VISITS_PER_PERSON},
        import::{AgentRow, ConnectionRow, PersonalityRow, Row as _, VisitRow},
    },
};

/// Write a synthetic population as import files. The same number of people and seed produce the same files.
#[derive(Args)]
#[command(after_help = "\
Example:
  generate --agents 30000 --dir people && import --dir people --partner acme")]
pub(super) struct Generate {
    /// Number of people.
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEMO_AGENTS,
        value_parser = clap::value_parser!(u32).range(1..=5_000_000)
    )]
    agents: u32,
    /// Average number of visits of a person in the twelve weeks; nobody has more than 600.
    #[arg(
        long,
        value_name = "N",
        default_value_t = VISITS_PER_PERSON,
        value_parser = clap::value_parser!(u32).range(1..=200)
    )]
    visits: u32,
    /// The folder of the files; created if it does not exist. Files of the same names are overwritten.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Seed of the population.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[command(flatten)]
    format: Format,
}

impl Generate {
    pub(super) fn run(self) -> anyhow::Result<()> {
        write(Population::new(self.agents, self.seed).with_visits(self.visits), &self.dir)?;
        let (people, dir) = (self.agents, self.dir.display().to_string());
        self.format.line(&json!({ "people": people, "dir": dir }), &format!("{people} people are in {dir}"))
    }
}

/// Writes the five files of a population: agents, personality, visits, connections, products.
///
/// # Errors
/// The folder cannot be created, or a file cannot be written.
pub(super) fn write(population: Population, dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot create the folder {}", dir.display()))?;
    let open = |name: &str, header: &[&str]| -> anyhow::Result<Writer<std::fs::File>> {
        let file = dir.join(name);
        let created = private_file::create(&file).with_context(|| format!("cannot write {}", file.display()))?;
        let mut writer = Writer::from_writer(created);
        writer.write_record(header)?;
        Ok(writer)
    };
    let mut agents = open("agents.csv", AgentRow::REQUIRED)?;
    let mut personality = open("personality.csv", PersonalityRow::REQUIRED)?;
    let mut visits = open("visits.csv", VisitRow::REQUIRED)?;
    let text = |number: Option<f64>| number.map(|number| number.to_string()).unwrap_or_default();
    for person in population.people() {
        let agent = person.agent;
        let age = agent.age.map(|age| age.to_string()).unwrap_or_default();
        let consent = agent.consent.to_string();
        let region = agent.region.unwrap_or_default();
        agents.write_record([&agent.agent_id, &region, &age, &agent.interests, &agent.categories, &consent])?;
        if let Some(profile) = person.personality {
            let dimensions = profile.dimensions.values().map(text);
            personality.write_record([profile.agent_id].iter().chain(&dimensions))?;
        }
        for visit in person.visits {
            visits.write_record([
                visit.agent_id.as_str(),
                &visit.action_type,
                &visit.spot_id,
                visit.category.as_deref().unwrap_or_default(),
                visit.category_group.as_deref().unwrap_or_default(),
                &format_time(visit.start_time),
                &visit.end_time.map(format_time).unwrap_or_default(),
            ])?;
        }
    }
    let mut connections = open("connections.csv", ConnectionRow::REQUIRED)?;
    for tie in population.connections() {
        let (one, two) = &tie.agents;
        connections.write_record([one, two, &tie.compatibility.to_string(), &format_time(tie.created_at)])?;
    }
    let columns = [Product::REQUIRED, &["styles", "features"]].concat();
    let mut products = open("products.csv", &columns)?;
    for product in population.products() {
        let terms = |list: Option<Vec<String>>| list.unwrap_or_default().join("|");
        products.write_record([
            product.id.as_str(),
            &product.title,
            product.category.as_deref().unwrap_or_default(),
            product.subcategory.as_deref().unwrap_or_default(),
            &text(product.price),
            product.currency.as_deref().unwrap_or_default(),
            &text(product.rating),
            &product.rating_count.map(|count| count.to_string()).unwrap_or_default(),
            product.state.price.map(PriceBand::name).unwrap_or_default(),
            &terms(product.state.styles),
            &terms(product.state.features),
        ])?;
    }
    for mut writer in [agents, personality, visits, connections, products] {
        writer.flush()?;
    }
    Ok(())
}
