//! The engine in memory returns exactly the sums of the database, and never sums of outdated rows.

use std::sync::Arc;

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, DatabaseConnection, EntityTrait as _, IntoActiveModel as _, Iterable as _,
};
use spots_enrichment::{
    domain::{
        clock::WEEK,
        epoch::{Window, WindowLength},
        segment::Cohort,
    },
    engine::{MemoryEngine, SqlEngine},
    ingest::{epoch_builder, erasure, generate::ENDS_AT},
    privacy::{
        Bundle, Exact, Sums, contribution,
        engine::{Engine, SumRequest},
    },
    storage::{
        db,
        entity::{agent_summary, epoch, epoch_term},
        epochs,
    },
};

use crate::{
    app::{NOW, On, TestApp, TestDb, databases, new_york},
    epoch_builder::FORCED,
};

const EPOCH: i32 = 202_622;
/// Interests and categories of the people; the vocabulary lacks the last one.
const VALUES: [&str; 5] = ["food", "foo", "fo_d", "nightlife_spot", "art"];
const REGIONS: [&str; 3] = ["here", "he_e", "there"];

/// A sum request for every bundle and window of some cohorts.
pub fn questions(cohorts: &[Cohort], epoch_id: i32, ends_at: i64) -> Vec<SumRequest> {
    let mut requests = Vec::new();
    for cohort in cohorts {
        let cohort = Arc::new(cohort.clone());
        for length in WindowLength::ALL {
            for bundle in Bundle::ALL {
                let window = Window { epoch_id, ends_at, length };
                requests.push(SumRequest { cohort: Arc::clone(&cohort), window, bundle });
            }
        }
    }
    requests
}

pub fn assert_same(one: &[Exact<Sums>], two: &[Exact<Sums>], requests: &[SumRequest]) {
    assert_eq!((one.len(), two.len()), (requests.len(), requests.len()));
    for ((one, two), request) in one.iter().zip(two).zip(requests) {
        assert!(one.same_as(two), "{request:?}");
    }
}

/// Up to two of the values, sorted.
fn some(values: &[&str], rng: &mut ChaCha20Rng) -> Vec<String> {
    let count = rng.random_range(0..3);
    let mut picked: Vec<String> = values.sample(rng, count).map(|value| (*value).to_owned()).collect();
    picked.sort();
    picked
}

fn cohort(rng: &mut ChaCha20Rng) -> Cohort {
    let bands = (1..=6).filter(|_| rng.random_range(0..3) == 0).collect();
    let [interests, categories] = [(); 2].map(|()| some(&VALUES[..4], rng));
    Cohort { regions: some(&REGIONS, rng), bands, interests, categories }
}

/// Fills an epoch with random people, within the bounds of the rows that `epoch build` writes. Returns their number.
async fn populate(db: &DatabaseConnection, rng: &mut ChaCha20Rng) -> usize {
    let row = epoch::Model { epoch_id: EPOCH, ends_at: ENDS_AT, built_at: NOW, agents: 1, build_id: None };
    row.into_active_model().insert(db).await.unwrap();
    for kind in ["interest", "category"] {
        let terms = VALUES[..4].iter().map(|term| epoch_term::ActiveModel {
            epoch_id: Set(EPOCH),
            kind: Set(kind.to_owned()),
            term: Set((*term).to_owned()),
        });
        epoch_term::Entity::insert_many(terms).exec_without_returning(db).await.unwrap();
    }
    let people = rng.random_range(1..400);
    let mut rows = Vec::new();
    for number in 0..people {
        let delimited = |terms: &[String]| format!("|{}|", terms.join("|"));
        let mean: [i64; 12] = std::array::from_fn(|_| rng.random_range(-3_600..=3_600));
        let about: Vec<i32> = (mean.iter().map(|u| i32::try_from(*u).unwrap()))
            .chain([(); 12].map(|()| rng.random_range(0..10)))
            .chain([rng.random_range(0..6)])
            .collect();
        let (interests, categories) = (delimited(&some(&VALUES, rng)), delimited(&some(&VALUES, rng)));
        let (region, band): (&str, i32) = (REGIONS.choose(rng).unwrap(), rng.random_range(0..7));
        for length in WindowLength::ALL {
            // A visit in the last week is also a visit in the last twelve weeks.
            if length != WindowLength::Days84 && rng.random() {
                continue;
            }
            let mut part = |count| -> Vec<i32> { (0..count).map(|_| rng.random_range(-10_000..=10_000)).collect() };
            let (behavior, network) = (part(27), part(4));
            let mut row = agent_summary::ActiveModel {
                epoch_id: Set(EPOCH),
                window_days: Set(length.days()),
                region: Set(region.to_owned()),
                age_band: Set(band),
                // The order of these ids depends on the collation.
                agent_id: Set(format!("{}-{number}", ["a", "B", "_", "é"][number % 4])),
                interests: Set(interests.clone()),
                categories: Set(categories.clone()),
                state_norm: Set(contribution::state_norm(&mean)),
                ..Default::default()
            };
            let numbers = agent_summary::Column::iter().skip(7);
            for (column, number) in numbers.zip(behavior.into_iter().chain(about.clone()).chain(network)) {
                row.set(column, number.into());
            }
            rows.push(row);
        }
    }
    db::insert_all(db, rows, None).await.unwrap();
    people
}

#[tokio::test]
async fn both_engines_compute_the_same_sums_of_random_populations() {
    for on in databases() {
        for seed in 0..6 {
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            let (_database, db) = TestDb::migrated(on).await;
            let people = populate(&db, &mut rng).await;
            let cohorts: Vec<_> = (0..12).map(|_| cohort(&mut rng)).chain([Cohort::default()]).collect();
            let requests = questions(&cohorts, EPOCH, ENDS_AT);
            let (memory, sql) = (MemoryEngine::new(db.clone()), SqlEngine::new(db.clone()));
            memory.refresh(EPOCH).await.unwrap();
            assert_eq!(memory.size().unwrap().1, people);
            assert_same(&memory.sums(&requests).await.unwrap(), &sql.sums(&requests).await.unwrap(), &requests);
        }
    }
}

/// Without this test, the comparison above could compare the database with itself.
#[tokio::test]
async fn sums_come_from_memory_once_an_epoch_is_loaded() {
    for on in databases() {
        let mut rng = ChaCha20Rng::seed_from_u64(100);
        let (_database, db) = TestDb::migrated(on).await;
        populate(&db, &mut rng).await;
        let known = Cohort { interests: vec!["food".to_owned()], ..Cohort::default() };
        let requests = questions(&[Cohort::default(), known], EPOCH, ENDS_AT);
        let (memory, sql) = (MemoryEngine::new(db.clone()), SqlEngine::new(db.clone()));
        let before = sql.sums(&requests).await.unwrap();
        assert!(memory.size().is_none());
        memory.refresh(EPOCH).await.unwrap();
        agent_summary::Entity::delete_many().exec(&db).await.unwrap();
        assert_same(&memory.sums(&requests).await.unwrap(), &before, &requests);
        assert!(!sql.sums(&requests).await.unwrap()[0].same_as(&before[0]));
        // The database computes what is not in memory: a value outside the vocabulary, an epoch that is not loaded.
        let unknown = questions(&[Cohort { interests: vec!["art".to_owned()], ..Cohort::default() }], EPOCH, ENDS_AT);
        assert_same(&memory.sums(&unknown).await.unwrap(), &sql.sums(&unknown).await.unwrap(), &unknown);
        let older = questions(&[Cohort::default()], EPOCH - 1, ENDS_AT - WEEK);
        assert!(memory.sums(&older).await.is_err() && sql.sums(&older).await.is_err());
        epoch::Entity::delete_many().exec(&db).await.unwrap();
        assert!(memory.sums(&requests).await.is_err(), "a dropped epoch must not be answered from memory");
    }
}

#[tokio::test]
async fn an_erased_person_is_in_no_later_sum() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let epoch = app.state.epoch.get();
        let requests = questions(&[Cohort::default()], epoch.epoch_id, epoch.ends_at);
        let (memory, sql) = (MemoryEngine::new(app.db().clone()), SqlEngine::new(app.db().clone()));
        memory.refresh(epoch.epoch_id).await.unwrap();
        let before = memory.sums(&requests).await.unwrap();
        let people = memory.size().unwrap().1;
        erasure::erase(app.db(), None, "demo_0000701", NOW).await.unwrap();
        let after = memory.sums(&requests).await.unwrap();
        assert_same(&after, &sql.sums(&requests).await.unwrap(), &requests);
        assert!(after.iter().zip(&before).any(|(after, before)| !after.same_as(before)));
        memory.refresh(epoch.epoch_id).await.unwrap();
        assert_eq!(memory.size().unwrap().1, people - 1);
        assert_same(&memory.sums(&requests).await.unwrap(), &after, &requests);
    }
}

#[tokio::test]
async fn a_newer_epoch_replaces_the_older() {
    let app = TestApp::new(On::Sqlite).await;
    let old = app.state.epoch.get();
    let memory = MemoryEngine::new(app.db().clone());
    memory.refresh(old.epoch_id).await.unwrap();
    epoch_builder::build_with(app.db(), ENDS_AT + WEEK, NOW + WEEK, FORCED).await.unwrap();
    app.clock.advance_s(WEEK);
    app.state.epoch.refresh().await.unwrap();
    let new = app.state.epoch.get();
    assert!(new.epoch_id > old.epoch_id);
    memory.refresh(new.epoch_id).await.unwrap();
    for epoch in [old, new] {
        let requests = questions(&[Cohort::default()], epoch.epoch_id, epoch.ends_at);
        let sql = SqlEngine::new(app.db().clone()).sums(&requests).await.unwrap();
        assert_same(&memory.sums(&requests).await.unwrap(), &sql, &requests);
    }
}

#[tokio::test]
async fn new_york_has_the_same_sums_in_memory_within_350_bytes_per_person() {
    let Some(database) = new_york(On::Sqlite).await else { return };
    let db = db::connect(&database.url).await.unwrap();
    let epoch = epochs::load_newest(&db, NOW).await.unwrap().unwrap();
    let terms = |terms: &[&str]| terms.iter().map(|term| (*term).to_owned()).collect();
    let cohorts = [
        Cohort { regions: terms(&["us-nyc-manhattan", "us-nyc-queens"]), ..Cohort::default() },
        Cohort { bands: vec![1, 2], categories: terms(&["bar", "coffee_shop"]), ..Cohort::default() },
        Cohort { interests: terms(&["food"]), categories: terms(&["bar"]), ..Cohort::default() },
    ];
    let requests = questions(&cohorts, epoch.epoch_id, epoch.ends_at);
    let memory = MemoryEngine::new(db.clone());
    memory.refresh(epoch.epoch_id).await.unwrap();
    let (bytes, people) = memory.size().unwrap();
    assert!(people > 500 && bytes <= 350 * people, "{bytes} bytes for {people} people");
    let sql = SqlEngine::new(db).sums(&requests).await.unwrap();
    assert_same(&memory.sums(&requests).await.unwrap(), &sql, &requests);
}

#[tokio::test]
async fn a_server_takes_the_engine_from_its_settings() {
    let database = TestApp::database(On::Sqlite).await;
    let dir = crate::app::folder("memory");
    let make = ["keys", "create", "--partner", "acme", "--database-url", &database.url];
    let key = String::from_utf8(crate::cli::binary(&dir).args(make).output().unwrap().stdout).unwrap();
    let served = crate::served::Served::start(&database.url, |command| {
        command.env("ENGINE", "memory");
    });
    served.wait_for("epoch in memory");
    let portrait = "{ cohort(precision: FINEST,
        definition: {}) { size { value } knot { components } network { release { id } } } }";
    let answer = served.ask(key.trim(), portrait);
    assert!(answer["data"]["cohort"]["size"]["value"].as_f64().is_some_and(|size| size > 2_000.0), "{answer}");
    let wrong = crate::cli::binary(&dir).args(["serve", "--engine", "gpu"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(String::from_utf8(wrong.stderr).unwrap().contains("possible values: sql, memory"));
}
