//! The warehouse returns the same integers as the database and the memory engine, to the last bit, and loses or leaks
//! nothing when a shard fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    sync::Arc,
    time::Duration,
};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;
use sea_orm::{DatabaseConnection, EntityTrait as _, PaginatorTrait as _};
use serde_json::{Value, json};
use spots_enrichment::{
    domain::{
        clock::{DAY, WEEK, format_time, parse_time},
        dimensions::Dimension,
        epoch::epoch_name,
        segment::Cohort,
    },
    engine::{MemoryEngine, SqlEngine, WarehouseEngine},
    ingest::{
        epoch_builder::{self, BuildOptions},
        erasure,
        generate::{ENDS_AT, Population},
        import::{self, Options},
    },
    privacy::{Engine as _, contribution::CATEGORY_GROUPS},
    storage::{
        db,
        entity::{agent_summary, privacy_charge},
        epochs,
        warehouse::{RowBinary, Warehouse},
    },
};

use crate::{
    app::{ALL, NOW, On, TestApp, TestDb, folder, new_york},
    cli::binary,
    epoch_builder::{FORCED, Files},
    memory::{assert_same, questions},
    shards::{CurrentEngine, Shards, TestWarehouse},
};

/// The end of the first epoch.
const MONDAY: &str = "2020-06-01T00:00:00Z";
const REGIONS: [&str; 3] = ["north", "so-uth", "w_st"];
const TERMS: [&str; 4] = ["food", "fo_d", "art", "nightlife"];

fn monday() -> i64 {
    parse_time(MONDAY).unwrap()
}

/// Random people as import files, with the cases at which the engines could differ: ids with special characters, visits
/// at the first and last second of a window and in the same second, and times, groups and profiles that are unknown.
fn write_population(folder: &Path, rng: &mut ChaCha20Rng, people: usize) {
    fs::create_dir_all(folder).unwrap();
    let id = |number: usize| format!("{}{number}", ["a", "B'", "é-", "x\\"][number % 4]);
    let one_in = |rng: &mut ChaCha20Rng, count: u32| rng.random_range(0..count) == 0;
    let terms = |rng: &mut ChaCha20Rng| {
        let count = rng.random_range(0..3);
        TERMS.sample(rng, count).copied().collect::<Vec<_>>().join("|")
    };
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    let dimensions = Dimension::ALL.map(Dimension::column).join(",");
    let mut line = |file: &'static str, text: String| {
        let file = files.entry(file).or_insert_with(|| match file {
            "agents" => "agent_id,region,age,interests,category_preferences,consent\n".to_owned(),
            "personality" => format!("agent_id,{dimensions}\n"),
            "visits" => {
                "agent_id,action_type,spot_id,category,category_group,start_time,end_time,is_return_visit\n".to_owned()
            }
            _ => "agent_id_1,agent_id_2,compatibility,created_at\n".to_owned(),
        });
        let _ = writeln!(file, "{text}");
    };
    for number in 0..people {
        let region = if one_in(rng, 20) { "" } else { REGIONS.choose(rng).unwrap() };
        let age = if one_in(rng, 8) { String::new() } else { rng.random_range(15..90).to_string() };
        let (interests, categories, consent) = (terms(rng), terms(rng), !one_in(rng, 12));
        line("agents", format!("{},{region},{age},{interests},{categories},{consent}", id(number)));
        let incomplete = one_in(rng, 12);
        let values: String = (0..12)
            .map(|index| match (incomplete && index == 7, rng.random_range(0..6)) {
                (true, _) => ",".to_owned(),
                (_, 0) => ",1".to_owned(),
                (_, 1) => ",0".to_owned(),
                _ => format!(",{:.5}", rng.random::<f64>()),
            })
            .collect();
        line("personality", format!("{}{values}", id(number)));
        let visits = if one_in(rng, 10) { rng.random_range(60..90) } else { rng.random_range(0..25) };
        for _ in 0..visits {
            let start = match rng.random_range(0..10) {
                0 => monday() - [0, 1, 7 * DAY, 7 * DAY + 1, 28 * DAY, 28 * DAY + 1, 84 * DAY].choose(rng).unwrap(),
                1 => monday() - rng.random_range(0..400) * DAY,
                // Many visits in the same seconds.
                2..=5 => monday() - rng.random_range(1..84) * DAY + rng.random_range(0..3),
                _ => monday() - rng.random_range(-DAY..84 * DAY),
            };
            let dwell = [-1, 0, 1, 899, 900, 901, 3_599, 3_600, 3_601, 7_200, 90_000].choose(rng).unwrap();
            let end = if *dwell < 0 { String::new() } else { format_time(start + dwell) };
            let action = if one_in(rng, 5) { "event_attendance" } else { "spot_visit" };
            let group = match rng.random_range(0..8) {
                0 => "",
                1 => "no_group",
                _ => CATEGORY_GROUPS.choose(rng).unwrap(),
            };
            let returning = ["", "", "", "true", "false"].choose(rng).unwrap();
            let spot = rng.random_range(0..12);
            let start = format_time(start);
            line("visits", format!("{},{action},s{spot},c,{group},{start},{end},{returning}", id(number)));
        }
        for _ in 0..rng.random_range(0..6) {
            let other = rng.random_range(0..people.min(number + 40));
            if other != number {
                let at = format_time(monday() - rng.random_range(-DAY..120 * DAY));
                let weight = [0.0, 1.0, 0.5, rng.random()].choose(rng).copied().unwrap();
                line("connections", format!("{},{},{weight:.4},{at}", id(number), id(other)));
            }
        }
    }
    for (name, text) in files {
        fs::write(folder.join(format!("{name}.csv")), text).unwrap();
    }
}

async fn import_and_build(db: &DatabaseConnection, warehouse: Option<&Warehouse>, folder: &Path, ends_at: i64) {
    let options = Options { warehouse: warehouse.cloned(), ..Options::DEFAULT };
    import::folder(db, folder, &options).await.unwrap();
    let options = BuildOptions { warehouse, ..FORCED };
    epoch_builder::build_with(db, ends_at, ends_at + 10 * DAY, options).await.unwrap();
}

/// The rows of an epoch in the database, as those of [`rows_in_warehouse`].
async fn rows_in_database(db: &DatabaseConnection, epoch_id: i32) -> Vec<String> {
    let rows = agent_summary::Entity::find().all(db).await.unwrap();
    let mut lines: Vec<String> = rows
        .into_iter()
        .filter(|row| row.epoch_id == epoch_id)
        .map(|row| {
            let row: Value = to_json(&row);
            let numbers = |names: &[String]| -> String {
                let numbers: Vec<String> = names.iter().map(|name| row[name].to_string()).collect();
                format!("[{}]", numbers.join(","))
            };
            let numbered = |name: &'static str, count: usize| (0..count).map(move |number| format!("{name}_{number}"));
            let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
            let behavior = ["behavior_visits", "behavior_dwell", "behavior_return", "behavior_community"];
            let dwell = ["dwell_short", "dwell_medium", "dwell_long"];
            let behavior: Vec<String> = named(&behavior)
                .into_iter()
                .chain(named(&dwell))
                .chain(numbered("time", 8))
                .chain(numbered("category", 12))
                .collect();
            let means: Vec<String> = numbered("mean", 12).collect();
            let cell = |(number, name): (usize, String)| (10 * number as u64 + row[name].as_u64().unwrap()).to_string();
            let cells = numbered("bin", 12).enumerate().map(cell);
            let cells: Vec<String> = cells.chain([(120 + row["archetype"].as_u64().unwrap()).to_string()]).collect();
            let network = named(&["network_ties", "network_compatibility", "network_new", "network_followed"]);
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            format!(
                "{} {} {} {} {} {} {} {} [{}] {} {}",
                row["window_days"],
                text("region"),
                row["age_band"],
                text("agent_id"),
                text("interests"),
                text("categories"),
                numbers(&behavior),
                numbers(&means),
                cells.join(","),
                numbers(&network),
                row["state_norm"]
            )
        })
        .collect();
    lines.sort();
    lines
}

/// The fields of a row by name.
fn to_json(row: &agent_summary::Model) -> Value {
    use sea_orm::{Iterable as _, ModelTrait as _};
    let fields = agent_summary::Column::iter().map(|column| {
        let name = format!("{column:?}");
        // `NetworkTies` to `network_ties`, `Bin10` to `bin_10`.
        let mut snake = String::new();
        let mut before = 'a';
        for letter in name.chars() {
            if !snake.is_empty() && (letter.is_uppercase() || (letter.is_ascii_digit() && !before.is_ascii_digit())) {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
            before = letter;
        }
        let value = match row.get(column) {
            sea_orm::Value::Int(number) => Value::from(number.unwrap()),
            sea_orm::Value::BigInt(number) => Value::from(number.unwrap()),
            sea_orm::Value::String(text) => Value::from(text.unwrap().clone()),
            other => panic!("{other:?}"),
        };
        (snake, value)
    });
    Value::Object(fields.collect())
}

async fn rows_in_warehouse(warehouse: &Warehouse, build_id: i64) -> Vec<String> {
    let statement = format!(
        "SELECT toString(window_days), region, toString(age_band), agent_id, interests, categories, toString(behavior),
             toString(means), toString(cells), toString(network), toString(state_norm)
         FROM {}.agent_rollup WHERE build_id = {build_id} AND window_days > 0",
        warehouse.database()
    );
    let rows = warehouse.read::<11>(&statement).await.unwrap();
    let mut lines: Vec<String> = rows.into_iter().map(|row| row.join(" ")).collect();
    lines.sort();
    lines
}

fn cohorts(rng: &mut ChaCha20Rng) -> Vec<Cohort> {
    let some = |values: &[&str], rng: &mut ChaCha20Rng| -> Vec<String> {
        let count = rng.random_range(0..3);
        values.sample(rng, count).map(|value| (*value).to_owned()).collect()
    };
    let mut cohorts = vec![Cohort::default()];
    for _ in 0..10 {
        let bands = (0..=6).filter(|_| rng.random_range(0..3) == 0).collect();
        let regions = some(&REGIONS, rng);
        cohorts.push(Cohort { regions, bands, interests: some(&TERMS, rng), categories: some(&TERMS, rng) });
    }
    cohorts
}

/// The newest epoch has the same rows and sums in a database and in a warehouse.
async fn assert_equal(db: &DatabaseConnection, other: &TestWarehouse, cohorts: &[Cohort]) {
    let newest = epochs::list(db).await.unwrap().remove(0);
    let stored = epochs::list(&other.db).await.unwrap().remove(0);
    assert_eq!((newest.epoch_id, newest.ends_at, newest.agents), (stored.epoch_id, stored.ends_at, stored.agents));
    assert_eq!(
        epochs::vocabulary(db, newest.epoch_id).await.unwrap(),
        epochs::vocabulary(&other.db, newest.epoch_id).await.unwrap()
    );
    let one = rows_in_database(db, newest.epoch_id).await;
    let two = rows_in_warehouse(&other.warehouse, stored.build_id.unwrap()).await;
    assert!(!one.is_empty());
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one, two);
    }
    assert_eq!(one.len(), two.len());
    let requests = questions(cohorts, newest.epoch_id, newest.ends_at);
    let sql = SqlEngine::new(db.clone()).sums(&requests).await.unwrap();
    let engine = WarehouseEngine::new(other.db.clone(), other.reader.clone());
    assert_same(&engine.sums(&requests).await.unwrap(), &sql, &requests);
    let memory = MemoryEngine::new(db.clone());
    memory.refresh(newest.epoch_id).await.unwrap();
    assert_same(&memory.sums(&requests).await.unwrap(), &sql, &requests);
}

/// Imports and builds two weeks of random people in a warehouse and in databases, and compares them. The second import
/// updates people, visits and ties, and some people move.
async fn compare(seed: u64, other: &TestWarehouse, databases: &[On]) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let folder = folder("population");
    let cohorts = cohorts(&mut rng);
    let mut embedded = Vec::new();
    for on in databases {
        embedded.push(TestDb::migrated(*on).await);
    }
    for week in 0..2 {
        write_population(&folder, &mut rng, 250);
        let ends_at = monday() + week * WEEK;
        import_and_build(&other.db, Some(&other.warehouse), &folder, ends_at).await;
        for (_, db) in &embedded {
            import_and_build(db, None, &folder, ends_at).await;
            assert_equal(db, other, &cohorts).await;
        }
    }
}

#[tokio::test]
async fn four_engines_have_the_same_rows_and_sums_of_random_populations() {
    let Some(shards) = Shards::start() else { return };
    for seed in 0..3 {
        let other = shards.migrated(&format!("random_{seed}")).await;
        compare(seed, &other, &[On::Sqlite, On::Postgres]).await;
    }
}

/// The statements are written for servers of 2018 and of today.
#[tokio::test]
async fn the_current_engine_has_the_same_rows_and_sums() {
    let Some(engine) = CurrentEngine::start() else { return };
    let other = engine.migrated("random").await;
    compare(17, &other, &[On::Sqlite]).await;
    let newest = epochs::list(&other.db).await.unwrap().remove(0);
    let rows = rows_in_warehouse(&other.warehouse, newest.build_id.unwrap()).await;
    let id = rows.iter().find_map(|row| row.split(' ').find(|word| word.starts_with("B'"))).unwrap();
    erasure::erase(&other.db, Some(&other.warehouse), id, NOW).await.unwrap();
    let left = rows_in_warehouse(&other.warehouse, newest.build_id.unwrap()).await;
    assert!(left.len() < rows.len() && left.iter().all(|row| !row.contains(&format!(" {id} "))));
}

#[tokio::test]
async fn new_york_has_the_same_rows_and_sums() {
    let (Some(folder), Some(shards)) = (crate::shared::folder("data/nyc"), Shards::start()) else { return };
    let Some(embedded) = new_york(On::Sqlite).await else { return };
    let other = shards.migrated("new_york").await;
    let options = Options { warehouse: Some(other.warehouse.clone()), ..Options::DEFAULT };
    let reports = import::folder(&other.db, &folder, &options).await.unwrap();
    assert!(reports.iter().all(|report| report.new > 0 && report.rejected == 0), "{reports:?}");
    let db = db::connect(&embedded.url).await.unwrap();
    let epoch = epochs::list(&db).await.unwrap().remove(0);
    let options = BuildOptions { warehouse: Some(&other.warehouse), ..BuildOptions::DEFAULT };
    epoch_builder::build_with(&other.db, epoch.ends_at, NOW, options).await.unwrap();
    let vocabulary = epochs::vocabulary(&db, epoch.epoch_id).await.unwrap();
    let one = |terms: &BTreeSet<String>| terms.first().cloned().into_iter().collect::<Vec<_>>();
    let cohorts = [
        Cohort::default(),
        Cohort { regions: one(&vocabulary.regions), ..Cohort::default() },
        Cohort { interests: one(&vocabulary.interests), bands: vec![0, 2], ..Cohort::default() },
        Cohort { categories: one(&vocabulary.categories), ..Cohort::default() },
    ];
    assert_equal(&db, &other, &cohorts).await;
    // The same files again change nothing.
    let options = Options { warehouse: Some(other.warehouse.clone()), ..Options::DEFAULT };
    let reports = import::folder(&other.db, &folder, &options).await.unwrap();
    assert!(reports.iter().all(|report| report.new == 0 && report.updated > 0), "{reports:?}");
}

/// The people who are counted in the newest epoch, after it was built at `now`.
async fn counted(db: &DatabaseConnection, warehouse: Option<&Warehouse>, now: i64) -> Vec<String> {
    let options = BuildOptions { warehouse, ..FORCED };
    let built = epoch_builder::build_with(db, now - 3 * DAY, now, options).await.unwrap();
    let mut people: Vec<String> = match warehouse {
        Some(warehouse) => {
            let build_id = epochs::build_of(db, built.epoch_id).await.unwrap().unwrap();
            rows_in_warehouse(warehouse, build_id).await
        }
        None => rows_in_database(db, built.epoch_id).await,
    };
    people.retain(|row| row.starts_with("84 "));
    people
}

#[tokio::test]
async fn moved_dropped_and_erased_people_are_left_out_as_in_a_database() {
    let Some(shards) = Shards::start() else { return };
    let files = |region: &str, age: &str| {
        let mut files = Files::default();
        for (id, region, age) in [("mover", region, "30"), ("older", "north", age), ("stays", "north", "30")] {
            files.agent(id, region, age, true);
            files.visit(id, "s", "2020-05-28T08:00:00Z", "2020-05-28T09:00:00Z");
        }
        files.tie("older", "stays", 0.5, "2020-05-01T00:00:00Z");
        let folder = folder("movers");
        files.write(&folder);
        folder
    };
    let (_database, embedded) = TestDb::migrated(On::Postgres).await;
    let other = shards.migrated("movers").await;
    let mut histories = Vec::new();
    for (db, warehouse) in [(&embedded, None), (&other.db, Some(&other.warehouse))] {
        let now = |week: i64| monday() + (7 * week + 3) * DAY;
        let options = Options { warehouse: warehouse.cloned(), ..Options::DEFAULT };
        let import = async |folder: &Path| {
            import::folder(db, folder, &options).await.unwrap();
        };
        let mut history = Vec::new();
        for folder in [files("east", "34"), files("north", "34")] {
            import(&folder).await;
        }
        history.push(counted(db, warehouse, now(0)).await);
        import(&files("south", "35")).await;
        for week in 1..=6 {
            history.push(counted(db, warehouse, now(week)).await);
        }
        assert_eq!(history.iter().map(Vec::len).collect::<Vec<_>>(), [3, 1, 1, 1, 1, 1, 3]);
        let erased = erasure::erase(db, warehouse, "stays", now(6)).await.unwrap();
        assert_eq!((erased.visits, erased.ties), (1, 1));
        erasure::restore(db, "stays", now(6)).await.unwrap();
        import(&files("south", "35")).await;
        history.push(counted(db, warehouse, now(7)).await);
        import(&files("north", "35")).await;
        history.push(counted(db, warehouse, now(8)).await);
        let newest = epochs::list(db).await.unwrap().remove(0);
        epoch_builder::drop_epoch(db, warehouse, &epoch_name(newest.epoch_id), now(9)).await.unwrap();
        for week in 9..=11 {
            history.push(counted(db, warehouse, now(week)).await);
        }
        histories.push(history);
    }
    assert_eq!(histories[0], histories[1]);
}

#[tokio::test]
async fn an_erased_person_is_in_no_table_and_imports_skip_the_person() {
    let Some(shards) = Shards::start() else { return };
    let other = shards.migrated("erasure").await;
    let folder = folder("erasure");
    write_population(&folder, &mut ChaCha20Rng::seed_from_u64(9), 60);
    let options = Options { warehouse: Some(other.warehouse.clone()), ..Options::DEFAULT };
    import_and_build(&other.db, Some(&other.warehouse), &folder, monday()).await;
    let build_id = epochs::builds(&other.db).await.unwrap()[0];
    let rows = rows_in_warehouse(&other.warehouse, build_id).await;
    // An id with a quote, of a person who is counted.
    let id = rows.iter().find_map(|row| row.split(' ').find(|word| word.starts_with("B'"))).unwrap();
    let count = async |table: &str, column: &str| -> u64 {
        let literal = spots_enrichment::storage::warehouse::quoted(id);
        let sql = format!("SELECT toString(count()) FROM erasure.{table} WHERE {column} = {literal}");
        other.warehouse.read::<1>(&sql).await.unwrap()[0][0].parse().unwrap()
    };
    let places = [
        ("agents", "agent_id"),
        ("personality_profiles", "agent_id"),
        ("user_actions", "agent_id"),
        ("ai2ai_connections", "agent_id"),
        ("ai2ai_connections", "other_id"),
        ("agent_rollup", "agent_id"),
    ];
    for (table, column) in places {
        assert!(count(table, column).await > 0, "{table}.{column} must have the person before");
    }
    let unknown = erasure::erase(&other.db, Some(&other.warehouse), "nobody", NOW).await.unwrap_err().to_string();
    assert_eq!(unknown, "no person in the data has this id");
    erasure::erase(&other.db, Some(&other.warehouse), id, NOW).await.unwrap();
    for (table, column) in places {
        assert_eq!(count(table, column).await, 0, "{table}.{column}");
    }
    let left = rows_in_warehouse(&other.warehouse, build_id).await;
    assert_eq!(left, rows.iter().filter(|row| !row.contains(&format!(" {id} "))).cloned().collect::<Vec<_>>());
    let reports = import::folder(&other.db, &folder, &options).await.unwrap();
    assert!(reports.iter().all(|report| report.erased > 0), "{reports:?}");
    for (table, column) in places {
        assert_eq!(count(table, column).await, 0, "{table}.{column} after an import");
    }
}

#[tokio::test]
async fn a_file_with_too_many_rejects_changes_nothing() {
    let Some(shards) = Shards::start() else { return };
    let other = shards.migrated("rejects").await;
    let folder = folder("rejects");
    write_population(&folder, &mut ChaCha20Rng::seed_from_u64(5), 40);
    let options = Options { warehouse: Some(other.warehouse.clone()), ..Options::DEFAULT };
    import::folder(&other.db, &folder, &options).await.unwrap();
    let count = async |table: &str| -> String {
        let sql = format!("SELECT toString(count()), toString(max(version)) FROM rejects.{table}");
        other.warehouse.read::<2>(&sql).await.unwrap()[0].join(" ")
    };
    for (kind, table) in [
        (import::Kind::Agents, "agents"),
        (import::Kind::Personality, "personality_profiles"),
        (import::Kind::Visits, "user_actions"),
        (import::Kind::Connections, "ai2ai_connections"),
    ] {
        let before = count(table).await;
        let file = folder.join(format!("{}.csv", kind.name()));
        let text = fs::read_to_string(&file).unwrap();
        fs::write(&file, format!("{text}{}", "bad\n".repeat(100))).unwrap();
        let error = format!("{:#}", import::file(&other.db, kind, &file, &options).await.unwrap_err());
        assert!(error.contains("rows were rejected"), "{error}");
        assert_eq!(count(table).await, before, "{table}");
    }
    // The staged visits are gone with the next import.
    write_population(&folder, &mut ChaCha20Rng::seed_from_u64(5), 40);
    import::folder(&other.db, &folder, &options).await.unwrap();
    let staged = "SELECT name FROM system.tables WHERE database = 'rejects' AND name LIKE '%import%'";
    assert!(other.warehouse.read::<1>(staged).await.unwrap().is_empty());
}

#[tokio::test]
async fn data_that_break_the_bounds_stop_a_build() {
    let Some(shards) = Shards::start() else { return };
    let other = shards.migrated("bounds").await;
    let mut files = Files::default();
    for number in 0..12 {
        files.agent(&format!("a{number}"), "north", "30", true);
        files.visit(&format!("a{number}"), "s", "2020-05-28T08:00:00Z", "2020-05-28T09:00:00Z");
    }
    let folder = folder("bounds");
    files.write(&folder);
    let options = Options { warehouse: Some(other.warehouse.clone()), ..Options::DEFAULT };
    import::folder(&other.db, &folder, &options).await.unwrap();
    // What no import writes: eleven kept ties of one person.
    let mut rows = RowBinary::default();
    for number in 1..12 {
        for [own, end] in [["a0".to_owned(), format!("a{number}")], [format!("a{number}"), "a0".to_owned()]] {
            rows.text(&own);
            rows.text(&end);
            rows.integer(500_u16.to_le_bytes());
            rows.integer((monday() - DAY).to_le_bytes());
            rows.integer([1]);
            rows.integer(1_u64.to_le_bytes());
        }
    }
    let columns = ["agent_id", "other_id", "weight", "created_at", "kept", "version"];
    other.warehouse.insert("ai2ai_connections", &columns, rows).await.unwrap();
    let options = BuildOptions { warehouse: Some(&other.warehouse), ..FORCED };
    let build = epoch_builder::build_with(&other.db, monday(), monday() + 10 * DAY, options).await;
    assert_eq!(build.unwrap_err().to_string(), "a person has more than 10 kept ties");
    assert!(epochs::list(&other.db).await.unwrap().is_empty());
}

/// A server whose sums come from the warehouse.
async fn app(other: &TestWarehouse) -> TestApp {
    let engine = Arc::new(WarehouseEngine::new(other.db.clone(), other.reader.clone()));
    let database = TestDb::borrowed(&other.database.url);
    TestApp::start(database, NOW, 1, |dependencies| dependencies.engine = engine).await
}

/// The generated people, imported by the program, with an epoch that ends at [`ENDS_AT`].
async fn generated(shards: &Shards, name: &str) -> TestWarehouse {
    let other = shards.migrated(name).await;
    let folder = folder("generated");
    let files = folder.display().to_string();
    for arguments in [
        &["generate", "--agents", "3000", "--seed", "1", "--dir", &files][..],
        &["migrate", "up"],
        &["import", "--dir", &files, "--partner", "acme"],
    ] {
        let mut command = binary(&folder);
        command.args(arguments).env("DATABASE_URL", &other.database.url).env("WAREHOUSE_URL", &other.url);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let options = BuildOptions { warehouse: Some(&other.warehouse), ..FORCED };
    epoch_builder::build_with(&other.db, ENDS_AT, NOW, options).await.unwrap();
    other
}

const SIZE: &str = "query($definition: SegmentDefinition!) { cohort(definition: $definition) { size { value } } }";

#[tokio::test]
async fn without_a_shard_requests_are_unavailable_and_nothing_is_charged() {
    let Some(mut shards) = Shards::start() else { return };
    let other = generated(&shards, "faults").await;
    let app = app(&other).await;
    let client = app.client(&ALL).await;
    let charges = async || privacy_charge::Entity::find().count(&other.db).await.unwrap();
    let size = async |region: &str| {
        let variables = json!({ "definition": { "regions": [region] } });
        client.ask_with(SIZE, variables).await
    };
    let first = size("demo-harbor").await.ok().clone();
    let before = charges().await;
    assert!(before > 0);
    shards.kill(1);
    let refused = size("demo-hills").await;
    assert_eq!(refused.codes(), ["UNAVAILABLE"], "{}", refused.text);
    assert_eq!(size("demo-harbor").await.ok(), &first, "what was released needs no shard");
    assert_eq!(charges().await, before);
    shards.start_again(1);
    size("demo-hills").await.ok();
    let before = charges().await;
    shards.freeze(0, true);
    let refused = size("demo-lakes").await;
    shards.freeze(0, false);
    assert!(["UNAVAILABLE", "TIMEOUT"].contains(&refused.codes()[0]), "{}", refused.text);
    assert_eq!(charges().await, before);
    size("demo-lakes").await.ok();
    assert!(charges().await > before);
}

#[tokio::test]
async fn a_shard_that_dies_during_a_build_leaves_no_epoch() {
    let Some(mut shards) = Shards::start() else { return };
    let other = generated(&shards, "builds").await;
    let epoch = epochs::list(&other.db).await.unwrap().remove(0);
    let requests = questions(&[Cohort::default()], epoch.epoch_id, epoch.ends_at);
    let engine = WarehouseEngine::new(other.db.clone(), other.reader.clone());
    let sums = engine.sums(&requests).await.unwrap();
    let mut failed = 0;
    for delay in [20, 150, 400] {
        let (db, warehouse) = (other.db.clone(), other.warehouse.clone());
        let building = tokio::spawn(async move {
            let options = BuildOptions { warehouse: Some(&warehouse), ..FORCED };
            epoch_builder::build_with(&db, ENDS_AT + WEEK, NOW + WEEK, options).await.map(|built| built.is_new)
        });
        tokio::time::sleep(Duration::from_millis(delay)).await;
        shards.kill(1);
        let built = building.await.unwrap();
        if let Err(cause) = &built {
            failed += 1;
            assert!(format!("{cause:#}").contains("warehouse"), "{cause:#}");
            assert_eq!(epochs::list(&other.db).await.unwrap(), std::slice::from_ref(&epoch));
        }
        shards.start_again(1);
        assert_same(&engine.sums(&requests).await.unwrap(), &sums, &requests);
        if built.is_ok() {
            break;
        }
    }
    assert!(failed > 0, "no build was interrupted");
    let options = BuildOptions { warehouse: Some(&other.warehouse), ..FORCED };
    epoch_builder::build_with(&other.db, ENDS_AT + WEEK, NOW + WEEK, options).await.unwrap();
    // What the failed builds had written is removed.
    let statement = "SELECT DISTINCT table, partition FROM system.parts
        WHERE database = 'builds' AND active AND (table LIKE 'epoch%' OR table = 'agent_rollup_local')";
    let mut builds: Vec<String> = epochs::builds(&other.db).await.unwrap().iter().map(i64::to_string).collect();
    builds.sort();
    for shard in 0..2 {
        let mut left = other.warehouse.read_shard::<2>(shard, statement).await.unwrap();
        left.sort();
        let left: Vec<String> = left.into_iter().map(|[_, partition]| partition).collect();
        assert_eq!(left, builds);
    }
    let (_sqlite, sqlite) = TestDb::migrated(On::Sqlite).await;
    Population::new(3_000, 1).store(&sqlite, "other").await.unwrap();
    epoch_builder::build_with(&sqlite, ENDS_AT, NOW, FORCED).await.unwrap();
    epoch_builder::build_with(&sqlite, ENDS_AT + WEEK, NOW + WEEK, FORCED).await.unwrap();
    assert_equal(&sqlite, &other, &[Cohort::default()]).await;
}

#[tokio::test]
async fn what_is_wrong_with_a_cluster_is_said_with_its_remedy() {
    let Some(shards) = Shards::start() else { return };
    let error = async |url: String| format!("{:#}", Warehouse::new(&url).unwrap().require_ready().await.unwrap_err());
    let missing = error(shards.url("spots:secret", "missing")).await;
    assert!(missing.contains("run `spots-enrichment migrate up` first"), "{missing}");
    let password = error(shards.url("spots:geheim", "x")).await;
    assert!(password.contains("does not know the user or the password") && !password.contains("geheim"), "{password}");
    let cluster = error(shards.url("spots:secret", "x").replace("cluster=spots", "cluster=other")).await;
    assert!(cluster.contains("has no cluster named other"), "{cluster}");
    let url = shards.url("spots:secret", "x");
    let (one, two) = url.split_once(',').unwrap();
    let (_, rest) = two.split_once('/').unwrap();
    let half = error(format!("{one}/{rest}")).await;
    assert!(half.contains("it needs one host per shard"), "{half}");
    let same = one.rsplit_once('@').unwrap().1;
    let twice = error(format!("{one},{same}/{rest}")).await;
    assert!(twice.contains("are the same shard"), "{twice}");
    let closed = error("clickhouse://spots:geheim@127.0.0.1:1/x?cluster=spots".to_owned()).await;
    assert!(closed.contains("cannot be reached") && !closed.contains("geheim"), "{closed}");
    let other = shards.migrated("rights").await;
    let files = folder("rights");
    write_population(&files, &mut ChaCha20Rng::seed_from_u64(1), 5);
    let options = Options { warehouse: Some(other.reader.clone()), ..Options::DEFAULT };
    let reader = format!("{:#}", import::folder(&other.db, &files, &options).await.unwrap_err());
    assert!(reader.contains("need a user who may write"), "{reader}");
}
