//! `demo`: creates a population, an epoch and a key, and serves; needs no other software.

use std::{
    io::{IsTerminal as _, Write as _},
    net::SocketAddr,
    path::PathBuf,
    time::Instant,
};

use anyhow::Context as _;
use clap::Args;
use migration::{Migrator, MigratorTrait};
use sea_orm::DatabaseConnection;

use super::{
    config::{EngineKind, Server},
    private_file, serve,
};
use crate::{
    domain::{
        clock::{Clock as _, SystemClock},
        error::Error,
        key::{Environment, Limits},
        scope::Scope,
        segment::{AgeRange, Definition, NewSegment},
    },
    gate::auth::{self, ApiKey, Directory, NewKey},
    ingest::{
        epoch_builder,
        generate::{DEMO_AGENTS, ENDS_AT, Population},
        progress::Progress,
    },
    storage::{accounts, db, epochs, segments},
};

/// The demo partner.
const PARTNER: &str = "demo";
/// Privacy caps of the demo, in microunits. They are high because its people are synthetic.
const CAP_MICROUNITS: i64 = 10_000_000_000;

/// Create a synthetic population (once), build its epoch, create a key and serve.
#[derive(Args)]
pub(super) struct Demo {
    /// The folder of the demo's database and key.
    #[arg(long, value_name = "DIR", default_value = "data")]
    dir: PathBuf,
    /// Address and port to listen on; port 0 selects a free port.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen_addr: SocketAddr,
    /// Number of people in a new population.
    #[arg(
        long,
        value_name = "N",
        default_value_t = DEMO_AGENTS,
        value_parser = clap::value_parser!(u32).range(5_000..=1_000_000)
    )]
    agents: u32,
}

impl Demo {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let server = Server {
            listen_addr: self.listen_addr,
            public_introspection: true,
            metrics_addr: String::new(),
            redis_url: None,
            engine: EngineKind::Sql,
            otel_exporter_otlp_endpoint: None,
            cors_origins: Vec::new(),
            log_retention_days: 90,
        };
        let listener = serve::bind(&server).await?;
        let address = listener.local_addr()?;
        std::fs::create_dir_all(&self.dir)
            .with_context(|| format!("cannot create the folder {}", self.dir.display()))?;
        let file = self.dir.join("demo.db");
        let db = db::connect(&db::sqlite_url(&file)).await?;
        Migrator::up(&db, None).await.context("cannot create the tables")?;

        if epochs::list(&db).await?.is_empty() {
            let started = Instant::now();
            eprintln!("creating {} synthetic people in {} ...", self.agents, file.display());
            populate(&db, Population::new(self.agents, 1)).await?;
            eprintln!("created in {:.1} s; the next start reuses them", started.elapsed().as_secs_f64());
        }
        set_up(&db).await?;
        let key = key(&db, &self.dir.join("demo.key")).await?;
        serve::serve(db, None, listener, server, false, || banner(address, &key)).await
    }
}

/// Fills an empty database. The epoch is built last, so that a demo that was interrupted earlier starts over.
async fn populate(db: &DatabaseConnection, population: Population) -> anyhow::Result<()> {
    let now = SystemClock.now();
    population.store(db, PARTNER).await?;
    let progress = if std::io::stderr().is_terminal() { Progress::Shown } else { Progress::Hidden };
    epoch_builder::build(db, ENDS_AT, now, progress).await?;
    Ok(())
}

/// Sets the demo's caps and segments. Runs at every start, because an interrupted first start may not have set them.
async fn set_up(db: &DatabaseConnection) -> anyhow::Result<()> {
    accounts::cap_all_regions(db, CAP_MICROUNITS).await?;
    for segment in shared_segments() {
        segments::save(db, None, segment, SystemClock.now()).await.map_err(Error::into_anyhow)?;
    }
    Ok(())
}

/// The shared segments of the demo.
fn shared_segments() -> [NewSegment; 3] {
    let list = |values: &[&str]| Some(values.iter().map(|value| (*value).to_owned()).collect());
    [
        NewSegment {
            slug: "harbor-adults".to_owned(),
            name: "Everybody at the harbor".to_owned(),
            definition: Definition { regions: list(&["demo-harbor"]), ..Definition::default() },
        },
        NewSegment {
            slug: "young-nightlife".to_owned(),
            name: "18 to 34, fond of bars and clubs".to_owned(),
            definition: Definition {
                age: Some(AgeRange { from: Some(18), to: Some(34) }),
                interests: list(&["nightlife_spot"]),
                ..Definition::default()
            },
        },
        NewSegment {
            slug: "outdoor-hills-and-lakes".to_owned(),
            name: "Outdoor people of the hills and lakes".to_owned(),
            definition: Definition {
                regions: list(&["demo-hills", "demo-lakes"]),
                interests: list(&["outdoors_and_recreation"]),
                ..Definition::default()
            },
        },
    ]
}

/// The demo's key: the one in the file if it is still valid, otherwise a new one.
async fn key(db: &DatabaseConnection, file: &std::path::Path) -> anyhow::Result<String> {
    let now = SystemClock.now();
    if let Ok(text) = std::fs::read_to_string(file) {
        let headers = [("x-api-key", text.trim())];
        let headers = headers.into_iter().filter_map(|(name, value)| {
            Some((axum::http::HeaderName::from_static(name), axum::http::HeaderValue::from_str(value).ok()?))
        });
        if Directory::new(db.clone()).authenticate(&headers.collect(), now).await.is_ok() {
            return Ok(text.trim().to_owned());
        }
    }
    let new = NewKey {
        partner_id: PARTNER.to_owned(),
        environment: Environment::Poc,
        scopes: vec![Scope::Behavior, Scope::Personality, Scope::Network, Scope::Catalog],
        limits: Limits::DEFAULT,
        expires_at: None,
        cap_microunits: CAP_MICROUNITS,
        name: "demo".to_owned(),
        documents_only: false,
        test_mode: false,
    };
    let (_, key): (String, ApiKey) = auth::create_key(db, &new, now).await?;
    // Stored in plain text, because it gives access to synthetic people only; a real key is never stored.
    let write = || private_file::create(file)?.write_all(key.reveal().as_bytes());
    write().with_context(|| format!("cannot write {}", file.display()))?;
    Ok(key.reveal().to_owned())
}

/// A portrait of a segment, in one line for a shell.
const PORTRAIT: &str = "{ segment(slug: \\\"harbor-adults\\\") { name size { value quality } \
    behavior { visitsPerPerson { value interval95 { low high } quality } \
    returnVisitRate { value interval95 { low high } quality } \
    release { id epoch epsilon delta mechanism units } } \
    personality { archetype dimensions { name mean { value interval95 { low high } quality } } \
    release { id epsilon units } } \
    network { connectionsPerPerson { value interval95 { low high } quality } \
    viralPotential { value interval95 { low high } quality } release { id epsilon units } } } }";

fn banner(address: SocketAddr, key: &str) -> std::io::Result<()> {
    let slugs: Vec<String> = shared_segments().iter().map(|segment| segment.slug.clone()).collect();
    say!(
        "
  spots-enrichment demo

  explorer  http://{address}/#key={key}
  portrait  http://{address}/portrait#key={key}
  docs      http://{address}/docs
  GraphQL   http://{address}/graphql
  key       {key}
  segments  {}

  The people are synthetic. The demo's privacy caps are therefore 10,000 units for the key and for each region;
  the defaults are 20 units in 30 days for a key and 60 for a region.

  Open the explorer in a browser (the part after # is not sent to the server), or request a portrait here:

curl -s http://{address}/graphql -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \
-d '{{\"query\":\"{PORTRAIT}\"}}'

  Ctrl-C stops the server.
",
        slugs.join(", ")
    );
    Ok(())
}
