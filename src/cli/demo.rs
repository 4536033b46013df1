//! `demo`: a population, an epoch, a key, a server, with nothing else installed.

use std::{io::IsTerminal as _, net::SocketAddr, path::PathBuf, time::Instant};

use anyhow::Context as _;
use clap::Args;
use migration::{Migrator, MigratorTrait};
use sea_orm::{DatabaseConnection, EntityTrait};

use super::serve;
use crate::{
    auth::{self, ApiKey, Directory, Environment, Limits, NewKey, Scope},
    clock::{Clock as _, SystemClock},
    config::{EngineKind, Server},
    db,
    engine::rollup,
    entity::epoch,
    error::Error,
    generate::{DEMO_AGENTS, ENDS_AT, Population},
    mutation::{self, SaveSegmentInput},
    privacy::ledger,
    progress::Progress,
    segment::{AgeRange, Definition},
};

/// The demo partner.
const PARTNER: &str = "demo";
/// Privacy caps of the demo, in milli-units: these people do not exist.
const CAP_MU: i64 = 10_000_000;

/// Make a synthetic population (once), build its epoch, create a key and serve.
#[derive(Args)]
pub(super) struct Demo {
    /// The folder of the demo's database and key.
    #[arg(long, value_name = "DIR", default_value = "data")]
    dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, env = "LISTEN_ADDR", default_value = "127.0.0.1:8080", value_name = "ADDRESS:PORT")]
    listen_addr: SocketAddr,
    /// People in a new population.
    #[arg(long, value_name = "N", default_value_t = DEMO_AGENTS, value_parser = clap::value_parser!(u32).range(5_000..=1_000_000))]
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
        std::fs::create_dir_all(&self.dir).with_context(|| format!("cannot make the folder {}", self.dir.display()))?;
        let file = self.dir.join("demo.db");
        let db = db::connect(&format!("sqlite://{}?mode=rwc", file.display())).await?;
        Migrator::up(&db, None).await.context("cannot build the tables")?;

        if epoch::Entity::find().one(&db).await?.is_none() {
            let started = Instant::now();
            eprintln!("making {} people who do not exist, in {} ...", self.agents, file.display());
            populate(&db, Population { agents: self.agents, seed: 1 }).await?;
            eprintln!("made in {:.1} s; the next start reuses them", started.elapsed().as_secs_f64());
        }
        furnish(&db).await?;
        let key = key(&db, &self.dir.join("demo.key")).await?;
        serve::serve(db, listener, server, || banner(address, &key)).await
    }
}

/// Fills an empty database. The epoch comes last: a demo that was interrupted before it starts over.
async fn populate(db: &DatabaseConnection, population: Population) -> anyhow::Result<()> {
    let now = SystemClock.now();
    population.store(db, PARTNER).await?;
    let progress = if std::io::stderr().is_terminal() { Progress::Shown } else { Progress::Hidden };
    rollup::build(db, ENDS_AT, now, progress).await?;
    Ok(())
}

/// The demo's caps and segments; at every start, so that an interrupted first one does not leave them out.
async fn furnish(db: &DatabaseConnection) -> anyhow::Result<()> {
    ledger::cap_all_regions(db, CAP_MU).await?;
    for segment in segments() {
        mutation::save(db, None, &segment, SystemClock.now()).await.map_err(Error::explain)?;
    }
    Ok(())
}

/// The segments that a newcomer finds.
fn segments() -> [SaveSegmentInput; 3] {
    let words = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
    [
        SaveSegmentInput {
            slug: "harbor-adults".to_owned(),
            name: "Everybody at the harbor".to_owned(),
            definition: Definition { regions: words(&["demo-harbor"]), ..Definition::default() },
        },
        SaveSegmentInput {
            slug: "young-nightlife".to_owned(),
            name: "18 to 34, fond of bars and clubs".to_owned(),
            definition: Definition {
                age: Some(AgeRange { from: Some(18), to: Some(34) }),
                interests: words(&["nightlife_spot"]),
                ..Definition::default()
            },
        },
        SaveSegmentInput {
            slug: "outdoor-hills-and-lakes".to_owned(),
            name: "Outdoor people of the hills and lakes".to_owned(),
            definition: Definition {
                regions: words(&["demo-hills", "demo-lakes"]),
                interests: words(&["outdoors_and_recreation"]),
                ..Definition::default()
            },
        },
    ]
}

/// The demo's key: the one in the file if it still works, else a new one.
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
        cap_mu: CAP_MU,
    };
    let (_, key): (String, ApiKey) = auth::create_key(db, &new, now).await?;
    // In the clear, because it opens nothing but made-up people; a real key is never stored.
    std::fs::write(file, key.reveal()).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(key.reveal().to_owned())
}

/// A portrait of a segment, in one line for a shell.
const PORTRAIT: &str = "{ segment(slug: \\\"harbor-adults\\\") { name size { value quality } \
    behavior { visitsPerPerson { value interval95 { low high } quality } returnVisitRate { value interval95 { low high } quality } \
    release { id epoch epsilon delta mechanism units } } \
    personality { archetype dimensions { name mean { value interval95 { low high } quality } } release { id epsilon units } } \
    network { connectionsPerPerson { value interval95 { low high } quality } viralPotential { value interval95 { low high } quality } release { id epsilon units } } } }";

fn banner(address: SocketAddr, key: &str) -> std::io::Result<()> {
    let segment: Vec<String> = segments().iter().map(|segment| segment.slug.clone()).collect();
    say!(
        "
  spots-enrichment demo

  explorer  http://{address}/#key={key}
  portrait  http://{address}/portrait#key={key}
  docs      http://{address}/docs
  GraphQL   http://{address}/graphql
  key       {key}
  segments  {}

  These people do not exist. So the demo's privacy caps are 10,000 units for the key and for each region;
  a real key has 20 in 30 days, a real region 60.

  Open the explorer in a browser (what stands behind # stays there), or ask for a portrait here:

curl -s http://{address}/graphql -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' -d '{{\"query\":\"{PORTRAIT}\"}}'

  Ctrl-C stops the server.
",
        segment.join(", ")
    );
    Ok(())
}
