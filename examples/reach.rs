//! How many portraits a key can buy in 30 days: the tables of `docs/privacy.md`, "Reach".
//!
//! `just reach` simulates realistic segments with the server's own prices, precision and caps. `cargo run --release
//! --example reach -- --measure 200000` generates people, builds their epoch in an SQLite file under `target/` and asks
//! a real server.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use anyhow::{Context as _, ensure};
use axum::{Router, body::Body, http::Request};
use http_body_util::BodyExt as _;
use migration::{Migrator, MigratorTrait as _};
use rand::{RngExt as _, SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha8Rng;
use serde_json::{Value, json};
use spots_enrichment::{
    domain::{
        atom::BAND_COUNT,
        clock::{Clock as _, DAY, SystemClock},
        epoch::{Epoch, Vocabulary, Window, WindowLength},
        key::{Environment, Limits},
        precision::Precision,
        scope::Scope,
        segment::{AGE_BANDS, Cohort},
    },
    engine::SqlEngine,
    gate::{
        auth::{self, NewKey},
        quota::{LoggedUsage, ProcessQuotas},
    },
    ingest::{
        epoch_builder,
        generate::{ENDS_AT, Population},
        progress::Progress,
    },
    privacy::{
        Bundle, OsNoise, StepRow, SumRequest,
        ledger::{KEY_CAP_MICROUNITS, StepRequest},
        precision::{Needed, needed, people_for_ok},
        steps::STEPS,
    },
    server::{
        request_log::LogWriter,
        state::{AppDependencies, AppState, Timeouts},
    },
    storage::{db, epochs},
};
use tower::ServiceExt as _;

/// What a portrait asks for.
const PORTRAIT: [Bundle; 4] = [Bundle::Size, Bundle::Behavior, Bundle::Personality, Bundle::Network];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            println!("{}", simulated_table());
            Ok(())
        }
        ["--measure", agents] => {
            let agents = agents.parse().context("--measure takes a number of people")?;
            tokio::runtime::Runtime::new()?.block_on(measure(agents))
        }
        _ => anyhow::bail!("usage: reach [--measure PEOPLE]"),
    }
}

/// A segment of the simulation.
struct Segment {
    /// The part of all people.
    share: f64,
    regions: Vec<String>,
    bands: Vec<i32>,
}

/// 1,000 segments like those that partners define: a median of 0.13 % of the people, 83 % in one region (of eight), the
/// others in all; 22 % with an age filter. The same for every run.
fn segments() -> Vec<Segment> {
    let mut rng = ChaCha8Rng::seed_from_u64(16);
    let mut normal = || {
        let (radius, angle): (f64, f64) = (rng.random(), rng.random());
        (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
    };
    let shares: Vec<f64> = (0..1_000).map(|_| (0.0013_f64.ln() + 1.6 * normal()).exp().min(0.5)).collect();
    let segment = |share: f64| {
        let regions =
            if rng.random_bool(0.83) { vec![format!("region-{}", rng.random_range(0..8))] } else { Vec::new() };
        let first = rng.random_range(1..=5);
        let bands = if rng.random_bool(0.22) { (first..=first + 1).collect() } else { Vec::new() };
        Segment { share, regions, bands }
    };
    shares.into_iter().map(segment).collect()
}

/// What a portrait costs each atom, in microunits, if the segment has this many people and the noise is zero. `None` if
/// one of its bundles cannot reach the quality OK. With `all_steps`, every bundle is bought completely.
fn cost(
    segment: &Segment,
    people: f64,
    vocabulary: &Vocabulary,
    all_steps: bool,
) -> Option<BTreeMap<(String, usize), i64>> {
    #[expect(clippy::cast_possible_truncation, reason = "a number of people")]
    let values = vec![people as i64];
    let passes = |step: u8| people >= spots_enrichment::privacy::steps::publication_threshold(step) as f64;
    let row = |step: u8| StepRow { key: String::new(), step, passed: passes(step), values: Some(values.clone()) };
    let mut size: Vec<Arc<StepRow>> = Vec::new();
    let mut steps = BTreeMap::new();
    for bundle in PORTRAIT {
        loop {
            let precision = if all_steps { Precision::Finest } else { Precision::Ok };
            match needed(bundle, precision, &size) {
                Needed::AnotherSizeStep if size.len() == usize::from(STEPS) => return None,
                Needed::AnotherSizeStep => size.push(Arc::new(row(u8::try_from(size.len()).ok()? + 1))),
                Needed::Steps(count) => {
                    steps.insert(bundle, count);
                    break;
                }
                Needed::MorePeople(_) => return None,
            }
        }
    }
    steps.insert(Bundle::Size, u8::try_from(size.len()).ok()?);
    let cohort = Cohort { regions: segment.regions.clone(), bands: segment.bands.clone(), ..Cohort::default() };
    let (cohort, window) = (Arc::new(cohort), Window { epoch_id: 1, ends_at: 0, length: WindowLength::Days28 });
    let mut costs = BTreeMap::new();
    for (bundle, count) in steps {
        let measured = SumRequest { cohort: Arc::clone(&cohort), window, bundle };
        for step in 1..=count {
            let request = StepRequest::new(&measured, step, vocabulary);
            for (bands, amount) in request.amounts() {
                for (region, band) in
                    request.regions.iter().flat_map(|region| bands.iter().map(move |band| (region, band)))
                {
                    *costs.entry((region.clone(), band)).or_default() += amount;
                }
            }
        }
    }
    Some(costs)
}

/// How many portraits fit into the budget of a key, in the order of the segments; what does not fit is left out.
fn bought(segments: &[Segment], people: f64, all_steps: bool, is_one_account: bool) -> usize {
    let vocabulary =
        Vocabulary { regions: (0..8).map(|region| format!("region-{region}")).collect(), ..Vocabulary::default() };
    let mut spent: BTreeMap<(String, usize), i64> = BTreeMap::new();
    let fits = |segment: &&Segment| {
        let people = segment.share * people;
        let large_enough = PORTRAIT.into_iter().all(|bundle| people >= people_for_ok(bundle));
        let Some(costs) = cost(segment, people, &vocabulary, all_steps).filter(|_| large_enough) else { return false };
        let costs: BTreeMap<(String, usize), i64> = if is_one_account {
            // Before: a portrait was charged once to the key, whatever its people.
            [((String::new(), 0), costs.into_values().max().unwrap_or(0))].into()
        } else {
            costs
        };
        let fits = costs.iter().all(|(atom, cost)| spent.get(atom).unwrap_or(&0) + cost <= KEY_CAP_MICROUNITS);
        if fits {
            for (atom, cost) in costs {
                *spent.entry(atom).or_default() += cost;
            }
        }
        fits
    };
    segments.iter().filter(fits).count()
}

/// The simulated table, in Markdown.
fn simulated_table() -> String {
    let mut segments = segments();
    segments.shuffle(&mut ChaCha8Rng::seed_from_u64(17));
    let mut lines = vec![
        "| people | segments that can reach OK | one account, full price | by atom | precision as needed | both |"
            .to_owned(),
        "|---|---|---|---|---|---|".to_owned(),
    ];
    for people in [200_000.0, 1_000_000.0, 10_000_000.0] {
        let smallest = PORTRAIT.into_iter().map(people_for_ok).fold(0.0, f64::max);
        let eligible = segments.iter().filter(|segment| segment.share * people >= smallest).count();
        let [before, by_atom, precision, both] = [(true, true), (true, false), (false, true), (false, false)]
            .map(|(all, one)| bought(&segments, people, all, one));
        lines.push(format!("| {people} | {eligible} | {before} | {by_atom} | {precision} | **{both}** |"));
    }
    lines.join("\n")
}

/// The fields of a portrait whose quality is counted.
const FIELDS: &str = "size { value quality }
    behavior { visitsPerPerson { ...Q } averageDwellMinutes { ...Q } returnVisitRate { ...Q }
        communityEngagement { ...Q } timeSpent { short { ...Q } medium { ...Q } long { ...Q } }
        dayParts { share { ...Q } } categories { share { ...Q } } }
    personality { dimensions { mean { ...Q } standardDeviation { ...Q } p25 { ...Q } p50 { ...Q } p75 { ...Q } }
        archetypes { share { ...Q } } }
    network { connectionsPerPerson { ...Q } density { ...Q } tieCompatibility { ...Q } newTieShare { ...Q }
        viralPotential { ...Q } trendSetting { ...Q } }";

/// Asks for 400 cohorts of a generated population, largest first, and prints how many portraits came back.
async fn measure(agents: u32) -> anyhow::Result<()> {
    let file = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/reach-{agents}.db"));
    let db = db::connect(&db::sqlite_url(&file)).await?;
    Migrator::up(&db, None).await?;
    let now = SystemClock.now();
    if epochs::list(&db).await?.is_empty() {
        eprintln!("generating {agents} people in {} ...", file.display());
        Population::new(agents, 1).store(&db, "reach").await?;
        epoch_builder::build(&db, ENDS_AT, ENDS_AT + 10 * DAY, Progress::Shown).await?;
    }
    let epoch = epochs::load_newest(&db, now).await?.context("no epoch")?;
    let limits = Limits {
        per_minute: 1_000_000,
        per_day: 1_000_000,
        max_query_points: 100_000,
        points_per_minute: 100_000_000,
        points_per_day: 1_000_000_000,
    };
    let new = NewKey {
        partner_id: "reach".to_owned(),
        environment: Environment::Poc,
        scopes: vec![Scope::Behavior, Scope::Personality, Scope::Network],
        limits,
        expires_at: None,
        cap_microunits: KEY_CAP_MICROUNITS,
        name: String::new(),
        documents_only: false,
        test_mode: false,
    };
    let (_, key) = auth::create_key(&db, &new, now).await?;
    let definitions = definitions(&db, &epoch).await?;
    ensure!(definitions.len() >= 400, "only {} cohorts", definitions.len());
    let (log, _) = LogWriter::start(db.clone());
    let router = spots_enrichment::app(AppState::new(AppDependencies {
        clock: Arc::new(SystemClock),
        noise: Arc::new(OsNoise),
        engine: Arc::new(SqlEngine::new(db.clone())),
        quotas: Arc::new(ProcessQuotas::new(Arc::new(LoggedUsage(db.clone())))),
        log,
        traces: None,
        epoch,
        timeouts: Timeouts { request: std::time::Duration::from_mins(1), ..Timeouts::default() },
        public_introspection: false,
        cors_origins: Vec::new(),
        db,
    })?);
    let (mut good, mut exhausted, mut withheld) = (0, None, BTreeMap::<String, u32>::new());
    for (number, definition) in definitions.iter().take(400).enumerate() {
        let document =
            format!("{{ cohort(definition: {definition}) {{ {FIELDS} }} }} fragment Q on Measure {{ quality }}");
        let answer = ask(&router, key.reveal(), &document).await?;
        for error in answer["errors"].as_array().into_iter().flatten() {
            let extensions = &error["extensions"];
            let reason = extensions["reason"].as_str().or(extensions["code"].as_str()).unwrap_or("?");
            *withheld.entry(reason.to_owned()).or_default() += 1;
        }
        if withheld.contains_key("KEY_BUDGET") {
            exhausted = Some(number);
            break;
        }
        let text = answer["data"]["cohort"].to_string();
        let [low, ok, high] = ["LOW", "OK", "HIGH"].map(|quality| text.matches(&format!("{quality:?}")).count());
        let is_complete =
            ["behavior", "personality", "network"].iter().all(|field| answer["data"]["cohort"][*field].is_object());
        good += u32::from(is_complete && 10 * (ok + high) >= 9 * (low + ok + high));
    }
    let budget =
        ask(&router, key.reveal(), "{ viewer { privacyBudget { spent atoms(first: 1) { region ageBand } } } }").await?;
    println!("{agents} people: {good} portraits with 90 % of their numbers OK or better");
    match exhausted {
        Some(number) => println!("the budget of the key was used up at cohort {number} of 400"),
        None => println!("the budget of the key was not used up by 400 cohorts"),
    }
    println!("withheld fields: {withheld:?}; budget: {}", budget["data"]["viewer"]["privacyBudget"]);
    Ok(())
}

/// Every combination of a region (or none), an age band (or none) and an interest (or none), largest first.
async fn definitions(db: &sea_orm::DatabaseConnection, epoch: &Epoch) -> anyhow::Result<Vec<String>> {
    use sea_orm::ConnectionTrait as _;
    let sql = format!(
        "select region, age_band, interests, count(*) from agent_rollup where epoch_id = {} and window_days = 28
         group by region, age_band, interests",
        epoch.epoch_id
    );
    let rows = db.query_all_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await?;
    let mut counts: BTreeMap<(String, usize, String), i64> = BTreeMap::new();
    for row in rows {
        let (region, band): (String, i64) = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
        let (interests, count): (String, i64) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
        let all = interests.split('|').filter(|interest| !interest.is_empty());
        for interest in all.filter(|interest| epoch.vocabulary.interests.contains(*interest)).chain([""]) {
            for band in [usize::try_from(band)?, BAND_COUNT] {
                for region in [region.as_str(), ""] {
                    *counts.entry((region.to_owned(), band, interest.to_owned())).or_default() += count;
                }
            }
        }
    }
    let mut cohorts: Vec<_> = counts.into_iter().filter(|((_, band, _), _)| *band != 0).collect();
    cohorts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let definition = |((region, band, interest), _): ((String, usize, String), i64)| {
        let age = AGE_BANDS
            .get(band - 1)
            .map_or_else(String::new, |band| format!(", age: {{from: {}, to: {}}}", band.from, band.to.unwrap_or(120)));
        let interests = if interest.is_empty() { String::new() } else { format!(", interests: [{interest:?}]") };
        let regions = if region.is_empty() { String::new() } else { format!("regions: [{region:?}]") };
        format!("{{{regions}{age}{interests}}}")
    };
    Ok(cohorts.into_iter().map(definition).collect())
}

async fn ask(router: &Router, key: &str, document: &str) -> anyhow::Result<Value> {
    let request = Request::post("/graphql")
        .header("content-type", "application/json")
        .header("authorization", format!("Bearer {key}"))
        .body(Body::from(json!({ "query": document }).to_string()))?;
    let response = router.clone().oneshot(request).await?;
    Ok(serde_json::from_slice(&response.into_body().collect().await?.to_bytes())?)
}
