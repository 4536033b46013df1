//! T1: any one person changes the sums of a group by at most D2. All other tests of the promise depend on this.

use std::collections::BTreeMap;

use proptest::{collection::vec, option, prelude::*};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use spots_enrichment::{
    domain::{
        clock::{DAY, parse_time},
        dimensions::DimensionMap,
        epoch::WindowLength,
        segment::Cohort,
    },
    engine::SqlEngine,
    ingest::{epoch_builder, erasure, import, progress::Progress},
    privacy::{
        Bundle,
        contribution::{self, TIE_CAP, Tie, Visit},
        engine::{Engine as _, SumRequest},
    },
    storage::db,
};

use crate::{
    app::{On, TestDb, databases, exact_sums, folder},
    epoch_builder::{Files, MONDAY, OPTIONS},
};

/// A person as stored in the tables.
#[derive(Clone, Debug)]
struct Person {
    visits: Vec<Visit>,
    dimensions: [Option<f64>; 12],
}

/// A connection between two people. `followed` is the time when the other end followed each end to a new place.
#[derive(Clone, Debug)]
struct Edge {
    ends: (usize, usize),
    compatibility: f64,
    made_at: i64,
    followed: (Option<i64>, Option<i64>),
}

fn visit() -> impl Strategy<Value = Visit> {
    let start = prop_oneof![8 => 0..100 * DAY, 1 => Just(i64::MAX - 1), 1 => Just(i64::MIN + 1)];
    let end = option::of(prop_oneof![8 => 0..200 * DAY, 1 => any::<i64>()]);
    (start, end, any::<bool>(), any::<bool>(), option::of(0..12_usize))
        .prop_map(|(start, end, event, returning, group)| Visit { start, end, event, returning, group })
}

fn dimension() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        10 => (0.0..=1.0).prop_map(Some),
        3 => prop_oneof![Just(0.0), Just(1.0), Just(-1e300), Just(f64::INFINITY), Just(f64::NAN)].prop_map(Some),
        1 => Just(None),
    ]
}

fn person() -> impl Strategy<Value = Person> {
    let dimensions = prop_oneof![
        4 => proptest::array::uniform12((0.0..=1.0_f64).prop_map(Some)),
        2 => proptest::array::uniform12(prop_oneof![Just(Some(0.0)), Just(Some(1.0))]),
        1 => proptest::array::uniform12(dimension()),
    ];
    (vec(visit(), 0..60), dimensions).prop_map(|(visits, dimensions)| Person { visits, dimensions })
}

fn edge(people: usize) -> impl Strategy<Value = Edge> {
    // Low numbers are hubs with many ties.
    let end = prop_oneof![0..people, 0..2_usize];
    let compatibility = prop_oneof![8 => 0.0..=1.0, 1 => Just(f64::NAN), 1 => Just(1e9)];
    let at = || option::of(0..100 * DAY);
    ((end.clone(), end), compatibility, 0..100 * DAY, (at(), at()))
        .prop_map(|(ends, compatibility, made_at, followed)| Edge { ends, compatibility, made_at, followed })
}

fn population() -> impl Strategy<Value = (Vec<Person>, Vec<Edge>, usize)> {
    (2..24_usize).prop_flat_map(|people| (vec(person(), people), vec(edge(people), 0..200), 0..people))
}

/// The kept edges: in import order, an edge is kept if both ends have fewer than [`TIE_CAP`] kept ties.
fn kept(people: usize, edges: Vec<Edge>) -> Vec<Edge> {
    let (mut degree, mut met) = (vec![0; people], Vec::new());
    edges
        .into_iter()
        .filter(|Edge { ends: (a, b), .. }| {
            let pair = (a.min(b).to_owned(), a.max(b).to_owned());
            let keep = a != b && !met.contains(&pair) && degree[*a] < TIE_CAP && degree[*b] < TIE_CAP;
            if keep {
                degree[*a] += 1;
                degree[*b] += 1;
                met.push(pair);
            }
            keep
        })
        .collect()
}

/// The exact integer sums of every bundle over all people except `but`.
fn sums(people: &[Person], edges: &[Edge], but: Option<usize>, length: WindowLength) -> BTreeMap<Bundle, Vec<i64>> {
    let mut sums: BTreeMap<Bundle, Vec<i64>> =
        Bundle::ALL.into_iter().map(|bundle| (bundle, vec![0; bundle.width()])).collect();
    let starts_at = (100 - i64::from(length.days())) * DAY;
    for (number, person) in people.iter().enumerate().filter(|(number, _)| Some(*number) != but) {
        let (Some(behavior), Some(profile)) = (
            contribution::behavior(length, &person.visits),
            contribution::profile(&DimensionMap::new(person.dimensions)),
        ) else {
            continue;
        };
        let ties: Vec<Tie> = edges
            .iter()
            .filter(|edge| but != Some(edge.ends.0) && but != Some(edge.ends.1))
            .filter_map(|edge| {
                match edge.ends {
                    (a, _) if a == number => Some(edge.followed.0),
                    (_, b) if b == number => Some(edge.followed.1),
                    _ => None,
                }
                .map(|followed_at| Tie {
                    compatibility: edge.compatibility,
                    made_at: edge.made_at,
                    followed_at,
                })
            })
            .collect();
        let mut personality: Vec<i64> = profile.mean.to_vec();
        personality.extend(profile.mean.map(|u| u * u - contribution::CENTER_OF_SQUARES));
        personality.extend(profile.bins.iter().flat_map(|bin| (0..10).map(move |at| i64::from(at == *bin))));
        personality.extend((0..6).map(|code| i64::from(code == profile.archetype)));
        for (bundle, part) in [
            (Bundle::Size, vec![1]),
            (Bundle::Behavior, behavior.to_vec()),
            (Bundle::Personality, personality),
            (Bundle::Network, contribution::network(starts_at, &ties).to_vec()),
            (Bundle::Moments, contribution::moments(&profile.mean).to_vec()),
        ] {
            let sum = sums.get_mut(&bundle).unwrap();
            assert_eq!(sum.len(), part.len());
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    }
    sums
}

/// Asserts in exact integers that every group differs by at most its D2.
fn within_bounds(with: &BTreeMap<Bundle, Vec<i64>>, without: &BTreeMap<Bundle, Vec<i64>>, what: &str) {
    for (bundle, with) in with {
        let without = &without[bundle];
        let mut start = 0;
        for group in bundle.groups() {
            let range = start..start + group.size;
            let pairs = with[range.clone()].iter().zip(&without[range]);
            let square: u128 = pairs.map(|(a, b)| u128::from(a.abs_diff(*b)).pow(2)).sum();
            assert!(square <= group.d2_squared, "{what}, {}: {square} is above {}", group.name, group.d2_squared);
            start += group.size;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn t1_one_person_moves_no_sum_by_more_than_its_bound((people, edges, but) in population()) {
        let edges = kept(people.len(), edges);
        for length in WindowLength::ALL {
            let (with, without) = (sums(&people, &edges, None, length), sums(&people, &edges, Some(but), length));
            within_bounds(&with, &without, "a random person");
        }
    }
}

#[test]
fn t1_the_most_hostile_people_move_no_sum_by_more_than_its_bound() {
    let visit = Visit { start: 99 * DAY, end: Some(i64::MAX), event: true, returning: true, group: Some(0) };
    let quick = Visit { end: Some(99 * DAY), event: false, returning: false, group: None, ..visit };
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    for visits in [vec![], vec![visit], vec![visit; 1_000_000], vec![quick; 1_000_000]] {
        for corner in 0..200_u32 {
            let dimensions = std::array::from_fn(|place| match corner {
                0 => Some(0.0),
                1 => Some(1.0),
                2 => Some(f64::NAN),
                _ if place == 11 => Some(rng.random()),
                _ => Some(f64::from(u8::from(rng.random_bool(0.5)))),
            });
            let hostile = Person { visits: visits.clone(), dimensions };
            let others = Person { visits: vec![quick], dimensions: [Some(0.5); 12] };
            let people = [vec![hostile], vec![others; TIE_CAP + 5]].concat();
            let edges = (1..people.len()).map(|other| Edge {
                ends: (0, other),
                compatibility: 1.0,
                made_at: 99 * DAY,
                followed: (Some(99 * DAY), Some(99 * DAY)),
            });
            let edges = kept(people.len(), edges.collect());
            for length in WindowLength::ALL {
                let (with, without) = (sums(&people, &edges, None, length), sums(&people, &edges, Some(0), length));
                within_bounds(&with, &without, "a hostile person");
            }
            if visits.len() > 10 && corner > 20 {
                break;
            }
        }
    }
}

/// Import files with hostile people among ordinary ones, and the ids of the hostile people.
fn city() -> (Files, [&'static str; 4]) {
    let mut files = Files::default();
    let mut rng = ChaCha8Rng::seed_from_u64(2);
    let names: Vec<String> = (0..36).map(|number| format!("p{number:02}")).collect();
    let hostile = ["p00", "p01", "p02", "p03"];
    for (number, name) in names.iter().enumerate() {
        let dimensions: [f64; 12] = match number {
            2 => std::array::from_fn(|place| if place % 2 == 0 { 0.0 } else { 1.0 }),
            _ => std::array::from_fn(|_| f64::from(rng.random_range(0..=1_000_u32)) / 1_000.0),
        };
        files.person(name, dimensions, "food|music", "bar");
        let visits = if number == 0 { 3_000 } else { rng.random_range(0..30) };
        for _ in 0..visits {
            let (day, minute) = (rng.random_range(1..=31), rng.random_range(0..720));
            let clock = |minute: i32| format!("2020-05-{day:02}T{:02}:{:02}:00Z", minute / 60, minute % 60);
            let spot = format!("s{}", rng.random_range(0..12));
            files.visit(name, &spot, &clock(minute), &clock(minute + rng.random_range(0..720)));
        }
    }
    // The hub is tied to all other people; ten of its ties are kept.
    for other in names.iter().filter(|other| *other != "p01") {
        files.tie("p01", other, 1.0, "2020-05-20T00:00:00Z");
    }
    for _ in 0..120 {
        let (a, b) = (rng.random_range(0..36), rng.random_range(0..36));
        if a != b {
            files.tie(&names[a], &names[b], f64::from(rng.random_range(0..=100_u32)) / 100.0, "2020-04-20T00:00:00Z");
        }
    }
    (files, hostile)
}

/// The sums that the server's own engine computes after an import, an optional erasure and an epoch build.
async fn pipeline(on: On, files: &Files, but: Option<&str>) -> Vec<BTreeMap<Bundle, Vec<i64>>> {
    let (database, db) = TestDb::migrated(on).await;
    let folder = folder("sensitivity");
    files.write(&folder);
    import::folder(&db, &folder, &OPTIONS).await.unwrap();
    let monday = parse_time(MONDAY).unwrap();
    if let Some(but) = but {
        erasure::erase(&db, None, but, monday).await.unwrap();
    }
    epoch_builder::build(&db, monday, monday + 10 * DAY, Progress::Hidden).await.unwrap();
    let epoch = spots_enrichment::storage::epochs::load_newest(&db, monday + 10 * DAY).await.unwrap().unwrap();
    let engine = SqlEngine::new(db::connect(&database.url).await.unwrap());
    let mut sums = Vec::new();
    for length in WindowLength::ALL {
        let mut of_window = BTreeMap::new();
        for bundle in Bundle::ALL.into_iter().filter(|bundle| *bundle != Bundle::Size) {
            let request = SumRequest { cohort: Cohort::default().into(), window: epoch.window(length), bundle };
            let exact = engine.sums(&[request]).await.unwrap().remove(0);
            let values = exact_sums(exact, bundle);
            of_window.insert(bundle, values);
        }
        sums.push(of_window);
    }
    sums
}

#[tokio::test]
async fn t1_one_person_moves_no_sum_of_the_whole_pipeline_by_more_than_its_bound() {
    let (files, hostile) = city();
    for on in databases() {
        let with = pipeline(on, &files, None).await;
        for but in hostile {
            let without = pipeline(on, &files, Some(but)).await;
            assert_ne!(with, without, "{but} must count");
            for (with, without) in with.iter().zip(&without) {
                within_bounds(with, without, but);
            }
        }
    }
}
