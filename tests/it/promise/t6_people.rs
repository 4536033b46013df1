//! T6: what each person loses. Random and greedy partners ask a real server about a population in which people move and
//! have birthdays; independent code then adds up, from the stored rows, what each person has lost.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
};

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, EntityTrait as _, QueryFilter as _};
use spots_enrichment::{
    domain::{
        clock::{DAY, format_time, parse_time},
        dimensions::Dimension,
        key::Limits,
    },
    ingest::{epoch_builder, import},
    storage::entity::{agent_summary, privacy_charge, privacy_release},
};

use super::t6_spending::sums_agree;
use crate::{
    app::{ALL, Client, TestApp, TestDb, databases, folder},
    epoch_builder::{FORCED, OPTIONS},
};

/// The end of the first epoch.
const MONDAY: &str = "2020-06-01T00:00:00Z";
const WEEKS: i64 = 9;
const PEOPLE: usize = 1_400;
const REGIONS: [&str; 2] = ["north", "south"];
const INTERESTS: [&str; 3] = ["food", "music", "sports"];
/// Documents of each key and week.
const DOCUMENTS: usize = 14;
/// The caps of a key in 30 days, and of a region in 30 and in 365 days, in units.
const KEY_CAP: i64 = 3;
const REGION_CAP: i64 = 7;
const YEAR_CAP: i64 = 16;
/// rho of one unit.
const RHO0: f64 = 0.0062;

/// A person of the model.
#[derive(Clone)]
struct Person {
    region: usize,
    age: i32,
    interests: Vec<&'static str>,
}

/// The band of an age, independently of the server's table.
fn band(age: i32) -> i32 {
    match age {
        18..=24 => 1,
        25..=34 => 2,
        35..=44 => 3,
        45..=54 => 4,
        55..=64 => 5,
        _ => 6,
    }
}

fn population(rng: &mut ChaCha8Rng) -> Vec<Person> {
    let person = |number: usize| Person {
        region: usize::from(number.is_multiple_of(5)),
        age: if number.is_multiple_of(3) { rng.random_range(60..80) } else { rng.random_range(18..60) },
        interests: INTERESTS.into_iter().filter(|_| rng.random_bool(0.6)).collect(),
    };
    (0..PEOPLE).map(person).collect()
}

fn agents_csv(people: &[Person]) -> String {
    let mut csv = "agent_id,region,age,interests,category_preferences,consent\n".to_owned();
    for (number, Person { region, age, interests }) in people.iter().enumerate() {
        let _ = writeln!(csv, "p{number:04},{},{age},{},bar,true", REGIONS[*region], interests.join("|"));
    }
    csv
}

/// Profiles, a visit in every second week, and ties along a ring.
async fn import_all(db: &DatabaseConnection, people: &[Person]) {
    let dimensions = Dimension::ALL.map(Dimension::column);
    let mut personality = format!("agent_id,{}\n", dimensions.join(","));
    let mut visits = "agent_id,action_type,spot_id,category,category_group,start_time,end_time\n".to_owned();
    let mut connections = "agent_id_1,agent_id_2,compatibility,created_at\n".to_owned();
    let first = parse_time(MONDAY).unwrap() - 20 * DAY;
    for number in 0..people.len() {
        let _ = writeln!(personality, "p{number:04}{}", ",0.6".repeat(12));
        for week in (0..WEEKS + 3).step_by(2) {
            let at = format_time(first + week * 7 * DAY + i64::try_from(number % 1_000).unwrap() * 60);
            let _ = writeln!(visits, "p{number:04},spot_visit,s{},bar,nightlife_spot,{at},", number % 40);
        }
        for step in [1, 7] {
            let other = (number + step) % people.len();
            let _ = writeln!(connections, "p{number:04},p{other:04},0.5,2020-05-01T00:00:00Z");
        }
    }
    let folder = folder("people");
    let files = [("personality", personality), ("visits", visits), ("connections", connections)];
    for (name, text) in
        files.iter().map(|(name, text)| (*name, text.as_str())).chain([("agents", agents_csv(people).as_str())])
    {
        fs::write(folder.join(format!("{name}.csv")), text).unwrap();
    }
    import::folder(db, &folder, &OPTIONS).await.unwrap();
}

/// In a week, some people move, and some have a birthday.
async fn change(db: &DatabaseConnection, people: &mut [Person], rng: &mut ChaCha8Rng) {
    for person in people.iter_mut() {
        if rng.random_bool(0.03) {
            person.region = 1 - person.region;
        }
        if rng.random_bool(0.05) {
            person.age += 1;
        }
    }
    let folder = folder("people");
    fs::write(folder.join("agents.csv"), agents_csv(people)).unwrap();
    import::folder(db, &folder, &OPTIONS).await.unwrap();
}

/// A segment definition and the fields to ask, at random. With a target, the segment contains the target.
fn document(target: Option<&Person>, rng: &mut ChaCha8Rng) -> String {
    let mut definition = Vec::new();
    let region = target.map_or_else(|| rng.random_range(0..2), |target| target.region);
    if rng.random_bool(0.7) {
        definition.push(format!("regions: [{:?}]", REGIONS[region]));
    }
    if rng.random_bool(0.6) {
        let age = target.map_or_else(|| rng.random_range(18..80), |target| target.age);
        let around = if rng.random_bool(0.5) { 1 } else { 30 };
        let (from, to) = (age - rng.random_range(0..around), age + rng.random_range(0..around));
        definition.push(format!("age: {{from: {}, to: {}}}", from.max(18), to));
    }
    let interests = target.map_or(&INTERESTS[..], |target| &target.interests);
    if rng.random_bool(0.5)
        && let Some(interest) = interests.choose(rng)
    {
        let other = INTERESTS.choose(rng).unwrap();
        definition.push(format!("interests: [{interest:?}, {other:?}]"));
    }
    let precision = ["OK", "HIGH", "FINEST", "FINEST"].choose(rng).unwrap();
    let bundles = [
        "size { value }",
        "behavior { release { id } }",
        "b84: behavior(window: DAYS_84) { release { id } }",
        "personality { release { id } }",
        "network { release { id } }",
        "quantumState { release { id } }",
    ];
    let fields: Vec<&str> = bundles.into_iter().filter(|_| rng.random_bool(0.5)).collect();
    let fields = if fields.is_empty() { bundles[0].to_owned() } else { fields.join(" ") };
    format!("{{ cohort(precision: {precision}, definition: {{{}}}) {{ {fields} }} }}", definition.join(", "))
}

/// The people who were counted in each epoch: epoch -> person -> (region, band, interests).
type Counted = BTreeMap<i32, BTreeMap<String, (String, i32, String)>>;

/// Adds up what each person has lost in any 30 days (and 365 days), by subject, in units. Returns the largest amounts
/// of a key, and of all keys in 30 and in 365 days.
async fn losses(db: &DatabaseConnection, counted: &Counted) -> [f64; 3] {
    let releases: BTreeMap<String, privacy_release::Model> = privacy_release::Entity::find()
        .all(db)
        .await
        .unwrap()
        .into_iter()
        .map(|release| (release.release_key.clone(), release))
        .collect();
    // The first time at which each subject was shown each release.
    let mut shown: BTreeMap<(String, String), i64> = BTreeMap::new();
    for charge in privacy_charge::Entity::find().all(db).await.unwrap() {
        let at = shown.entry((charge.subject, charge.release_key)).or_insert(i64::MAX);
        *at = charge.charged_at.min(*at);
    }
    // All keys together learn every release that was made, whether or not it was charged.
    for (key, release) in &releases {
        shown.insert(("all".to_owned(), key.clone()), release.published_at.unwrap());
    }
    let people: BTreeSet<&String> = counted.values().flat_map(BTreeMap::keys).collect();
    let mut largest = [0.0_f64; 3];
    for person in people {
        let mut lost: BTreeMap<&str, Vec<(i64, f64)>> = BTreeMap::new();
        for ((subject, key), at) in &shown {
            let release = &releases[key];
            let Some((region, band, interests)) = counted[&release.epoch_id].get(person) else { continue };
            let field = |name: &str| {
                let value = release.segment.split(';').find_map(|field| field.strip_prefix(name)).unwrap();
                value.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect::<Vec<_>>()
            };
            let allows = |values: &[String], own: &dyn Fn(&String) -> bool| values.is_empty() || values.iter().any(own);
            if !allows(&field("regions="), &|value| value == region) {
                continue;
            }
            let is_inside = allows(&field("bands="), &|value| *value == band.to_string())
                && allows(&field("interests="), &|value| interests.contains(&format!("|{value}|")));
            // Outside of the segment, a person counts in the ties of others: at most 2 of the bound of 3.
            let share = match (is_inside, release.bundle.as_str()) {
                (true, _) => 1.0,
                (false, "NETWORK") => 4.0 / 9.0,
                (false, _) => continue,
            };
            lost.entry(subject).or_default().push((*at, release.rho * share / RHO0));
        }
        for (subject, lost) in lost {
            let most = |window: i64| {
                let sum = |end: i64| {
                    let inside = lost.iter().filter(|(at, _)| *at <= end && *at > end - window);
                    inside.map(|(_, units)| units).sum::<f64>()
                };
                lost.iter().map(|(at, _)| sum(*at)).fold(0.0, f64::max)
            };
            match subject {
                "all" => {
                    largest[1] = largest[1].max(most(30 * DAY));
                    largest[2] = largest[2].max(most(365 * DAY));
                }
                subject if subject.starts_with("key:") => largest[0] = largest[0].max(most(30 * DAY)),
                _ => {}
            }
        }
    }
    largest
}

async fn ask(client: &Client<'_>, people: &[Person], targets: &[usize], rng: &mut ChaCha8Rng) {
    for number in 0..DOCUMENTS {
        let target = targets.get(number % targets.len().max(1)).map(|target| &people[*target]);
        let answer = client.ask(&document(target, rng)).await;
        let codes = answer.codes();
        let known = ["PRIVACY_BUDGET_EXHAUSTED", "INSUFFICIENT_DATA", "UNAVAILABLE", "BAD_USER_INPUT"];
        assert!(codes.iter().all(|code| known.contains(code)), "{}", answer.text);
        client.clock().advance_s(7 * DAY / i64::try_from(DOCUMENTS * 4).unwrap());
    }
}

/// The year has a cap of its own per atom; who moves may draw on two of them, as `docs/privacy.md` says.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t6_no_person_loses_more_than_the_caps_in_any_month() {
    for on in databases() {
        let (database, db) = TestDb::migrated(on).await;
        let mut rng = ChaCha8Rng::seed_from_u64(16);
        let mut people = population(&mut rng);
        import_all(&db, &people).await;
        let limits = Limits { per_minute: 100_000, points_per_minute: 1_000_000, ..Limits::DEFAULT };
        let mut keys: Vec<(String, String)> = Vec::new();
        let mut counted = Counted::new();
        for week in 0..WEEKS {
            if week > 0 {
                change(&db, &mut people, &mut rng).await;
            }
            let now = parse_time(MONDAY).unwrap() + (7 * week + 3) * DAY;
            epoch_builder::build_with(&db, now - 3 * DAY, now, FORCED).await.unwrap();
            let app = TestApp::second_at(&database.url, now).await;
            let epoch_id = app.state.epoch.get().epoch_id;
            let rows = agent_summary::Entity::find().filter(agent_summary::Column::EpochId.eq(epoch_id));
            let rows = rows.all(&db).await.unwrap().into_iter();
            let of_epoch: BTreeMap<_, _> =
                rows.map(|row| (row.agent_id, (row.region, row.age_band, row.interests))).collect();
            for (id, (region, age_band, _)) in &of_epoch {
                let person = &people[id[1..].parse::<usize>().unwrap()];
                assert_eq!((region.as_str(), *age_band), (REGIONS[person.region], band(person.age)), "{id}");
            }
            assert!(week == 0 || of_epoch.len() < PEOPLE, "people who moved are left out");
            counted.insert(epoch_id, of_epoch);
            if week == 0 {
                let caps = format!(
                    "update privacy_accounts set cap_microunits = {REGION_CAP}000000,
                     cap_year_microunits = {YEAR_CAP}000000"
                );
                db.execute_unprepared(&caps).await.unwrap();
                for number in 0..4 {
                    let key = app.client_with(&format!("partner-{number}"), &ALL, KEY_CAP * 1000, limits).await;
                    keys.push((key.key_id, key.key));
                }
            }
            // Two greedy keys follow some people, old ones among them; two ask at random.
            let greedy: Vec<usize> = vec![0, 3, 7, 30, 101];
            let asking = keys.iter().enumerate().map(|(number, (key_id, key))| {
                let (app, people, greedy) = (&app, &people, &greedy);
                let mut rng = ChaCha8Rng::seed_from_u64(1_000 * u64::try_from(week).unwrap() + number as u64);
                async move {
                    let client = app.client_from(key_id, key);
                    ask(&client, people, if number < 2 { greedy } else { &[] }, &mut rng).await;
                }
            });
            futures_util::future::join_all(asking).await;
        }
        sums_agree(&db).await;
        let [key, month, year] = losses(&db, &counted).await;
        let within = |units: f64, cap: i64| units <= cap as f64 + 1e-9;
        assert!(within(key, KEY_CAP), "{on:?}: a key learned {key} units of a person in 30 days");
        assert!(within(month, REGION_CAP), "{on:?}: all keys learned {month} units of a person in 30 days");
        assert!(within(year, 2 * YEAR_CAP), "{on:?}: all keys learned {year} units of a person in 365 days");
        // The partners came close to the caps: otherwise the test would show nothing.
        assert!(key > 0.8 * KEY_CAP as f64 && month > 0.6 * REGION_CAP as f64, "{on:?}: {key} and {month} units");
    }
}
