//! T6: no cap is ever exceeded under concurrent requests, and published releases never change.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use migration::{Migrator, MigratorTrait as _};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use sea_orm::{ConnectionTrait as _, DatabaseConnection, EntityTrait as _, QueryOrder as _};
use spots_enrichment::{
    domain::{
        atom::{Atom, BAND_COUNT},
        clock::DAY,
        epoch::{Vocabulary, Window, WindowLength},
        error::Error,
        key::Limits,
        segment::Cohort,
    },
    gate::auth,
    privacy::{
        Bundle, StepRow, SumRequest,
        ledger::{
            self, BUDGET_WINDOW, KEY_CAP_MICROUNITS, Purchase, REGION_CAP_MICROUNITS, StepDraw, StepRequest,
            YEAR_WINDOW,
        },
    },
    storage::{
        db,
        entity::{privacy_account, privacy_charge, privacy_release, privacy_view},
        releases,
    },
};

use super::t6_spending::sums_agree;
use crate::app::{ALL, Client, KEY_CAP_MILLIUNITS, NOW, On, TestApp, databases};

/// The default cap of a region, in milliunits.
const REGION_CAP_MILLIUNITS: i64 = REGION_CAP_MICROUNITS / 1000;
/// The number of concurrent requests.
const CLIENTS: usize = 24;

/// Request limits that are too high to take effect before the limits of the ledger.
const PLENTY: Limits =
    Limits { per_minute: 1_000_000, per_day: 1_000_000, points_per_minute: 1_000_000, ..Limits::DEFAULT };

/// The given number of different segment definitions, all of which contain people of 25 to 34 years in one region.
fn definitions(app: &TestApp, number: usize) -> Vec<String> {
    let vocabulary = app.state.epoch.get().vocabulary.clone();
    let mut definitions = Vec::new();
    for (field, terms) in [("interests", &vocabulary.interests), ("categories", &vocabulary.categories)] {
        let terms: Vec<&String> = terms.iter().collect();
        for (index, one) in terms.iter().enumerate() {
            for other in &terms[index..] {
                for (from, to) in [18, 25].into_iter().flat_map(|from| [34, 44, 54, 64, 99].map(|to| (from, to))) {
                    definitions.push(format!(
                        "{{regions: [\"demo-harbor\"], age: {{from: {from}, to: {to}}}, {field}: [{one:?}, {other:?}]}}"
                    ));
                }
            }
        }
    }
    assert!(definitions.len() >= number, "{} different definitions", definitions.len());
    definitions.truncate(number);
    definitions
}

fn size_of(definition: &str) -> String {
    format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value }} }} }}")
}

/// Reads the ledger repeatedly while requests write to it, and asserts that the charges of each subject never exceed
/// its cap. Returns the number of reads.
async fn watch(db: DatabaseConnection, stop: Arc<AtomicBool>) -> u32 {
    let mut checks = 0;
    while !stop.load(Ordering::SeqCst) {
        let spent = |band: usize| {
            format!(
                "select subject, sum(microunits * ((bands >> {band}) % 2)) as spent from privacy_charges
                 group by subject, region"
            )
        };
        let spent: Vec<String> = (0..BAND_COUNT).map(spent).collect();
        let sql = format!(
            "select count(*) from privacy_accounts a join ({}) c on c.subject = a.subject
             where c.spent > a.cap_microunits",
            spent.join(" union all ")
        );
        let row = db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        assert_eq!(row.unwrap().try_get_by_index::<i64>(0).unwrap(), 0, "a cap is exceeded at a commit");
        checks += 1;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    checks
}

/// Asserts that the caps hold for every age band of every region, in every window that ends with a charge.
async fn every_window_holds(db: &DatabaseConnection) {
    sums_agree(db).await;
    let accounts = privacy_account::Entity::find().all(db).await.unwrap();
    let charges = privacy_charge::Entity::find().order_by_asc(privacy_charge::COLUMN.charged_at).all(db).await.unwrap();
    let regions: BTreeSet<&str> = charges.iter().map(|charge| charge.region.as_str()).collect();
    for account in accounts {
        for (region, band) in regions.iter().flat_map(|region| (0..BAND_COUNT).map(move |band| (*region, band))) {
            let of_atom = |charge: &&privacy_charge::Model| {
                charge.subject == account.subject && charge.region == region && charge.bands >> band & 1 == 1
            };
            let own: Vec<_> = charges.iter().filter(of_atom).collect();
            let caps = [(Some(account.cap_microunits), BUDGET_WINDOW), (account.cap_year_microunits, YEAR_WINDOW)];
            for (cap, window) in caps {
                let Some(cap) = cap else { continue };
                for last in &own {
                    let inside = |at: i64| at > last.charged_at - window && at <= last.charged_at;
                    let sum: i64 =
                        own.iter().filter(|charge| inside(charge.charged_at)).map(|charge| charge.microunits).sum();
                    assert!(
                        sum <= cap,
                        "{}, {region}, band {band}: {sum} of {cap} in the window that ends at {}",
                        account.subject,
                        last.charged_at
                    );
                }
            }
        }
    }
}

/// Charges and stores steps like the release service, as one round. Returns the amount charged, in milliunits.
async fn charge(db: &DatabaseConnection, payer: &str, requests: &[StepRequest], at: i64) -> Result<i64, Error> {
    loop {
        let keys = requests.iter().map(|request| request.release_key.as_str()).collect();
        let stored: BTreeSet<String> =
            releases::load(db, keys).await?.into_iter().map(|release| release.release_key).collect();
        let draw = |request: &StepRequest| StepDraw {
            request: request.clone(),
            row: Arc::new(StepRow {
                key: request.release_key.clone(),
                step: request.step,
                passed: true,
                values: Some(vec![1_000]),
            }),
            is_new: !stored.contains(&request.release_key),
        };
        let by_key: BTreeMap<&str, &StepRequest> =
            requests.iter().map(|request| (request.release_key.as_str(), request)).collect();
        let round = by_key.into_values().map(draw).collect();
        let vocabulary = Vocabulary::default();
        let purchase = Purchase {
            payer,
            rounds: vec![round],
            undecided: Vec::new(),
            vocabulary: &vocabulary,
            bundles: Vec::new(),
        };
        if let Some(committed) = ledger::purchase(db, purchase, at).await? {
            return committed.refusal.map_or(Ok(committed.charged_microunits / 1000), Err);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t6_960_requests_at_once_are_admitted_exactly_up_to_the_cap() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let key = app.client_with("acme", &ALL, KEY_CAP_MILLIUNITS, PLENTY).await;
        let questions = definitions(&app, 960);
        let stop = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(db::connect(&app.database.url).await.unwrap(), Arc::clone(&stop)));
        let answers: Vec<_> = stream::iter(questions.iter().map(|definition| size_of(definition)))
            .map(|question| {
                let key = &key;
                async move {
                    // On a busy machine SQLite's single write lock may be unavailable in time: the client retries.
                    loop {
                        let answer = key.ask(&question).await;
                        if answer.codes() != ["UNAVAILABLE"] {
                            return answer;
                        }
                    }
                }
            })
            .buffer_unordered(CLIENTS)
            .collect()
            .await;
        stop.store(true, Ordering::SeqCst);
        assert!(watching.await.unwrap() > 10);

        let refused = answers.iter().filter(|answer| answer.codes() == ["PRIVACY_BUDGET_EXHAUSTED"]).count();
        let fitting = usize::try_from(KEY_CAP_MICROUNITS / Bundle::Size.price_microunits()).unwrap();
        let other = |code: &str| !["PRIVACY_BUDGET_EXHAUSTED", "INSUFFICIENT_DATA"].contains(&code);
        assert!(!answers.iter().any(|answer| answer.codes().iter().any(|code| other(code))));
        // Of the requests that are checked at the same time, the last may pay for a part of their steps: they are
        // answered with it.
        let admitted = answers.len() - refused;
        assert_eq!(answers.len(), 960);
        assert!((fitting..fitting + CLIENTS).contains(&admitted), "{admitted} of {fitting} are admitted");
        let spent = app.charged(&format!("key:{}", key.key_id)).await;
        // The last documents may have been charged for their first steps.
        assert!((i64::try_from(fitting).unwrap() * 120..=KEY_CAP_MILLIUNITS).contains(&spent), "{spent}");
        let releases = privacy_release::Entity::find().all(app.db()).await.unwrap();
        let complete = releases.iter().filter(|release| release.step == 5).count();
        assert_eq!(complete, fitting, "a rejected request must leave no row");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t6_960_requests_for_one_release_by_seven_keys_charge_each_key_once() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let mut keys: Vec<Client> = Vec::new();
        for number in 0..7 {
            keys.push(app.client_with(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS, PLENTY).await);
        }
        let question = size_of("{regions: [\"demo-harbor\"]}");
        let answers: Vec<_> = stream::iter(0..960)
            .map(|number| {
                let (key, question) = (&keys[number % 7], &question);
                async move { key.ask(question).await.ok().clone() }
            })
            .buffer_unordered(CLIENTS)
            .collect()
            .await;
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        let rows = privacy_release::Entity::find().all(app.db()).await.unwrap();
        assert_eq!(rows.len(), 5, "each step is stored once");
        let charges = privacy_charge::Entity::find().all(app.db()).await.unwrap();
        let mut subjects: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        for charge in charges {
            assert_eq!((charge.region.as_str(), charge.bands), ("demo-harbor", 127));
            subjects.entry(charge.subject).or_default().push(charge.microunits);
        }
        assert_eq!(subjects.len(), 8, "the keys and the region: {subjects:?}");
        for (subject, mut steps) in subjects {
            steps.sort_unstable();
            assert_eq!(steps, [469, 1_406, 5_625, 22_500, 90_000], "{subject}");
        }
    }
}

/// A requested release at the full price; different numbers or bundles are different releases.
fn request(number: usize, bundle: Bundle, regions: &[&str]) -> StepRequest {
    let cohort = Cohort { interests: vec![format!("term-{number}")], ..Cohort::default() };
    let window = Window { epoch_id: 202_622, ends_at: NOW - 10 * DAY, length: WindowLength::Days28 };
    StepRequest {
        measured: SumRequest { cohort: cohort.into(), window, bundle },
        step: 0,
        release_key: format!("{}-{number}", bundle.name()),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t6_seven_colluding_keys_stop_at_the_cap_of_the_region() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let mut accounts = Vec::new();
        for number in 0..7 {
            let key = app.client_of(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS).await;
            accounts.push(format!("key:{}", key.key_id));
        }
        let stop = Arc::new(AtomicBool::new(false));
        let watching = tokio::spawn(watch(db::connect(&app.database.url).await.unwrap(), Arc::clone(&stop)));
        let price = Bundle::Size.price_microunits() / 1000;
        let admitted = AtomicBool::new(false);
        stream::iter(0..1_400)
            .for_each_concurrent(CLIENTS, |number| {
                let (app, account, admitted) = (&app, &accounts[number % 7], &admitted);
                async move {
                    let request = request(number, Bundle::Size, &["demo-hills"]);
                    // On a busy machine SQLite's single write lock may be unavailable in time: the client retries.
                    let admission = loop {
                        match charge(app.db(), account, std::slice::from_ref(&request), NOW).await {
                            Err(Error::Unavailable) => {}
                            admission => break admission,
                        }
                    };
                    match admission {
                        Ok(charged) => {
                            assert_eq!(charged, price);
                            admitted.store(true, Ordering::SeqCst);
                        }
                        Err(Error::PrivacyBudgetExhausted { .. }) => {}
                        Err(error) => panic!("{error:?}"),
                    }
                }
            })
            .await;
        stop.store(true, Ordering::SeqCst);
        watching.await.unwrap();
        let charged = app.charged("region:demo-hills").await;
        // Each key may leave a remainder of its part that is smaller than a price.
        assert!(charged <= REGION_CAP_MILLIUNITS && charged > REGION_CAP_MILLIUNITS - 8 * price, "{charged}");
        for account in &accounts {
            assert!(app.charged(account).await > REGION_CAP_MILLIUNITS / 2 / 7 - price, "each key gets its part");
        }
        every_window_holds(app.db()).await;
    }
}

#[tokio::test]
async fn t6_a_key_that_comes_late_finds_its_part_of_the_region() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let (greedy, late) =
            (app.client_of("greedy", &ALL, 1_000_000).await, app.client_of("late", &ALL, 1_000_000).await);
        let (greedy, late) = (format!("key:{}", greedy.key_id), format!("key:{}", late.key_id));
        let ask = async |account: &str, number: usize, at: i64| {
            charge(app.db(), account, &[request(number, Bundle::Personality, &["demo-hills"])], at).await
        };
        // The first-come half and its own part, a quarter, in steps of 500: 45,000 of 60,000.
        let mut number = 0;
        let refusal = loop {
            match ask(&greedy, number, NOW).await {
                Ok(_) => number += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(number, 90);
        // The units return in exactly 30 days; the error gives the end of that day.
        assert_eq!(
            refusal,
            Error::PrivacyBudgetExhausted {
                of_region: true,
                atom: Atom { region: "demo-hills".to_owned(), band: 0 },
                returns_at: Some(NOW + 30 * DAY)
            }
        );
        // The views of the late key count towards its part, also those of releases that the greedy key was the first to
        // view; the region is charged once.
        for number in (0..10).chain(100..120) {
            ask(&late, number, NOW).await.unwrap();
        }
        assert_eq!(app.charged("region:demo-hills").await, 55_000);
        // Its part is used up, and the other account holds 45,000.
        assert!(ask(&late, 300, NOW).await.is_err());
        assert!(ask(&late, 301, NOW + 30 * DAY - 1).await.is_err(), "units must not return a second early");
        ask(&late, 302, NOW + 30 * DAY).await.unwrap();
        every_window_holds(app.db()).await;
    }
}

/// A key views releases long after another key viewed them first. When the region charges have returned, the key's part
/// must still have room.
#[tokio::test]
async fn t6_a_part_that_returns_finds_room() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let mut accounts = Vec::new();
        for number in 0..3 {
            let key = app.client_of(&format!("partner-{number}"), &ALL, 1_000_000).await;
            accounts.push(format!("key:{}", key.key_id));
        }
        let ask = async |account: usize, number: usize, at: i64| {
            let request = request(number, Bundle::Personality, &["demo-hills"]);
            charge(app.db(), &accounts[account], &[request], at).await
        };
        // A part is 10,000: twenty views. The first key is charged, the second views the same releases 14 days later.
        for number in 0..20 {
            ask(0, number, NOW).await.unwrap();
        }
        for number in 0..20 {
            ask(1, number, NOW + 14 * DAY).await.unwrap();
        }
        // The first key uses everything that is free after the region charges have returned.
        let mut number = 100;
        while ask(0, number, NOW + 40 * DAY).await.is_ok() {
            number += 1;
        }
        // The second key's views return on day 44: then its part is complete again, and so is the third key's.
        for number in 1_000..1_020 {
            ask(1, number, NOW + 44 * DAY).await.unwrap();
            ask(2, number + 500, NOW + 44 * DAY).await.unwrap();
        }
        assert!(ask(1, 2_000, NOW + 44 * DAY).await.is_err());
        every_window_holds(app.db()).await;
    }
}

/// When a key ends, the region charges attributed to it must not reduce the parts of the other keys.
#[tokio::test]
async fn t6_a_key_that_ends_takes_no_part_from_the_others() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let cap = "update privacy_accounts set cap_microunits = 6000000 where subject = 'region:demo-hills'";
        app.db().execute_unprepared(cap).await.unwrap();
        let mut keys = Vec::new();
        for number in 0..4 {
            keys.push(app.client_of(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS).await);
        }
        let ask = async |key: usize, number: usize| {
            let request = request(number, Bundle::Size, &["demo-hills"]);
            charge(app.db(), &format!("key:{}", keys[key].key_id), &[request], NOW).await
        };
        // A part is 750: six sizes.
        for number in 0..6 {
            ask(0, number).await.unwrap();
        }
        let mut number = 100;
        while ask(1, number).await.is_ok() {
            number += 1;
        }
        auth::revoke_key(app.db(), &keys[0].key_id, NOW).await.unwrap();
        let left = "{ viewer { privacyBudget { regions(first: 100) { region guaranteed guaranteedLeft } } } }";
        let regions = keys[3].ask(left).await.ok()["viewer"]["privacyBudget"]["regions"].clone();
        let hills = regions.as_array().unwrap().iter().find(|region| region["region"] == "demo-hills").unwrap().clone();
        assert_eq!((&hills["guaranteed"], &hills["guaranteedLeft"]), (&0.75.into(), &0.75.into()));
        for key in [2, 3] {
            for number in 0..6 {
                ask(key, 1_000 * key + number).await.unwrap();
            }
            assert!(ask(key, 1_000 * key + 6).await.is_err());
        }
        every_window_holds(app.db()).await;
    }
}

/// Two worlds differ in whether a key's releases were viewed by another key before. The results must be the same, so
/// that the key cannot detect the difference.
#[tokio::test]
async fn t6_limits_do_not_depend_on_what_others_have_asked() {
    for on in databases() {
        let mut worlds = Vec::new();
        for asked_before in [true, false] {
            let app = TestApp::new(on).await;
            let set = async |cap: i64| {
                let sql = format!(
                    "update privacy_accounts set cap_microunits = {cap}000 where subject = 'region:demo-hills'"
                );
                app.db().execute_unprepared(&sql).await.unwrap();
            };
            set(8_000).await;
            let mut accounts = Vec::new();
            for number in 0..2 {
                let key = app.client_of(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS).await;
                accounts.push(format!("key:{}", key.key_id));
            }
            let ask = async |account: usize, numbers: std::ops::Range<usize>, at: i64| {
                let requests: Vec<StepRequest> =
                    numbers.map(|number| request(number, Bundle::Size, &["demo-hills"])).collect();
                charge(app.db(), &accounts[account], &requests, at).await
            };
            ask(0, 0..10, NOW).await.unwrap();
            let own = if asked_before { 0..10 } else { 100..110 };
            ask(1, own, NOW + DAY).await.unwrap();
            ask(0, 200..218, NOW + 2 * DAY).await.unwrap();
            // These requests are rejected without a charge, and each error gives the time when units return.
            let mut seen = Vec::new();
            for cap in [8_000, 6_000, 5_000, 4_700, 4_600, 3_000] {
                set(cap).await;
                for many in [40, 30, 20] {
                    seen.push(ask(1, 1_000..1_000 + many, NOW + 3 * DAY).await);
                }
            }
            set(4_800).await;
            seen.push(ask(1, 2_000..2_003, NOW + 3 * DAY).await);
            assert!(seen.iter().any(Result::is_err));
            worlds.push(seen);
        }
        assert_eq!(worlds[0], worlds[1]);
    }
}

/// Random documents from random keys at random times, many of them at the edges of the windows.
#[tokio::test]
async fn t6_random_interleavings_never_exceed_a_cap_nor_refuse_a_guaranteed_part() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let regions = ["demo-coast", "demo-hills", "demo-lakes"];
        let mut accounts = Vec::new();
        for number in 0..4 {
            let key = app.client_of(&format!("partner-{number}"), &ALL, 15_000).await;
            accounts.push(format!("key:{}", key.key_id));
        }
        for (region, cap, year) in [("demo-coast", 9_000, 20_000), ("demo-hills", 12_000, 24_000)] {
            let sql = format!(
                "update privacy_accounts set cap_microunits = {cap}000, cap_year_microunits = {year}000
                 where subject = 'region:{region}'"
            );
            app.db().execute_unprepared(&sql).await.unwrap();
        }
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let (mut at, mut refused, mut admitted) = (NOW, 0, 0);
        let mut times = vec![at];
        // The views of each account in each region: the model of the guaranteed parts.
        let mut viewed: BTreeMap<(String, String), Vec<(i64, i64)>> = BTreeMap::new();
        let mut seen: BTreeSet<(String, String)> = BTreeSet::new();
        for _ in 0..400 {
            // In a quarter of the steps, the exact second at which a charge returns, or one second before.
            at = match rng.random_range(0..8) {
                0 => times[rng.random_range(0..times.len())] + BUDGET_WINDOW,
                1 => times[rng.random_range(0..times.len())] + BUDGET_WINDOW - 1,
                2 => at + rng.random_range(0..4 * DAY),
                _ => at,
            }
            .max(at);
            let account = &accounts[rng.random_range(0..accounts.len())];
            let documents: Vec<StepRequest> = (0..rng.random_range(1..4))
                .map(|_| {
                    let bundle = Bundle::ALL[rng.random_range(0..Bundle::ALL.len())];
                    let number = rng.random_range(0..300_usize);
                    // The regions are part of the segment: the same number always has the same regions.
                    let some = &regions[number % 3..=(number % 3 + number % 2).min(2)];
                    request(number, bundle, some)
                })
                .collect();
            let mut fresh: BTreeMap<String, StepRequest> = BTreeMap::new();
            for wanted in documents.clone() {
                if !seen.contains(&(account.clone(), wanted.release_key.clone())) {
                    fresh.insert(wanted.release_key.clone(), wanted);
                }
            }
            let result = charge(app.db(), account, &documents, at).await;
            match &result {
                Ok(charged) => {
                    admitted += 1;
                    times.push(at);
                    assert_eq!(*charged, fresh.values().map(|request| request.price() / 1000).sum::<i64>());
                    for wanted in fresh.values() {
                        seen.insert((account.clone(), wanted.release_key.clone()));
                        for region in &wanted.regions {
                            let entry = viewed.entry((account.clone(), region.clone())).or_default();
                            entry.push((at, wanted.price() / 1000));
                        }
                    }
                }
                Err(Error::PrivacyBudgetExhausted { of_region: true, .. }) => {
                    refused += 1;
                    // A region had no room: then the document must exceed this key's part of at least one region.
                    let within_parts = regions.iter().all(|region| {
                        let cost: i64 = fresh
                            .values()
                            .filter(|wanted| wanted.regions.iter().any(|of| of == region))
                            .map(|request| request.price() / 1000)
                            .sum();
                        let own = viewed.get(&(account.clone(), (*region).to_owned()));
                        let (cap, year) = match *region {
                            "demo-coast" => (9_000, 20_000),
                            "demo-hills" => (12_000, 24_000),
                            _ => (60_000, 240_000),
                        };
                        [(cap, BUDGET_WINDOW), (year, YEAR_WINDOW)].into_iter().all(|(cap, window)| {
                            let views = own.into_iter().flatten().filter(|(when, _)| *when > at - window);
                            views.map(|(_, microunits)| microunits).sum::<i64>() + cost <= cap / 2 / 4
                        })
                    });
                    assert!(!within_parts, "a request within the guaranteed parts was rejected");
                }
                Err(Error::PrivacyBudgetExhausted { .. }) => refused += 1,
                Err(error) => panic!("{error:?}"),
            }
        }
        assert!(admitted > 50 && refused > 50, "{admitted} admitted, {refused} rejected");
        every_window_holds(app.db()).await;
    }
}

/// Where two servers sample the same step, the one that stores it later finds the row of the other: nothing of its own
/// sample is stored or charged, and both answer with the same numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t6_of_two_samples_of_a_step_one_is_discarded() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let other = TestApp::second_on(&app.database.url).await;
        let client = app.client(&ALL).await;
        let (account, vocabulary) = (format!("key:{}", client.key_id), Vocabulary::default());
        let mut late = request(1, Bundle::Network, &["demo-harbor"]);
        late.release_key = "one".to_owned();
        charge(app.db(), &account, &[late.clone()], NOW).await.unwrap();
        let before = everything(app.db()).await;
        let row = StepRow { key: "one".to_owned(), step: 0, passed: true, values: Some(vec![7; 4]) };
        let round = vec![StepDraw { request: late, row: row.into(), is_new: true }];
        let purchase = Purchase {
            payer: &account,
            rounds: vec![round],
            undecided: Vec::new(),
            vocabulary: &vocabulary,
            bundles: Vec::new(),
        };
        assert!(ledger::purchase(app.db(), purchase, NOW).await.unwrap().is_none(), "overtaken");
        assert_eq!(everything(app.db()).await, before);

        // Two servers with different noise answer the same questions at the same time.
        let second = other.client_from(&client.key_id, &client.key);
        let questions: Vec<String> = definitions(&app, 120).iter().map(|definition| size_of(definition)).collect();
        for question in questions {
            let (one, two) = tokio::join!(client.ask(&question), second.ask(&question));
            assert_eq!((one.body["data"].clone(), one.codes()), (two.body["data"].clone(), two.codes()), "{question}");
        }
        every_window_holds(app.db()).await;
    }
}

/// All rows of the ledger tables, as text.
async fn everything(db: &DatabaseConnection) -> String {
    format!(
        "{:?}{:?}{:?}",
        privacy_release::Entity::find().order_by_asc(privacy_release::COLUMN.release_key).all(db).await.unwrap(),
        privacy_charge::Entity::find()
            .order_by_asc(privacy_charge::COLUMN.release_key)
            .order_by_asc(privacy_charge::COLUMN.subject)
            .all(db)
            .await
            .unwrap(),
        privacy_view::Entity::find().order_by_asc(privacy_view::COLUMN.release_key).all(db).await.unwrap(),
    )
}

/// A database of the policy 2026-1: a key keeps what it was charged for, sees the same numbers, and is charged nothing
/// for them. Its charges count for the age bands of the segments.
#[tokio::test]
async fn t6_after_an_upgrade_a_key_sees_what_it_paid_for() {
    let portrait = "{ cohort(definition: {regions: [\"demo-harbor\"], age: {from: 25, to: 44}}) {
        size { value release { policyVersion steps units } } behavior { visitsPerPerson { value sigma }
        release { policyVersion } } } }";
    let segment = "regions=demo-harbor;bands=2|3;interests=;categories=";
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        let definition = r#"{"regions": ["demo-harbor"], "age": {"from": 25, "to": 44}}"#;
        let key = |bundle: Bundle| app.release_key(definition, bundle, 0);
        Migrator::down(app.db(), Some(3)).await.unwrap();
        let (epoch_id, account) = (app.state.epoch.get().epoch_id, format!("key:{}", client.key_id));
        for (bundle, price, values) in [(Bundle::Size, 120, vec![400]), (Bundle::Behavior, 310, vec![0; 27])] {
            let release = key(bundle);
            let payload = format!("{{\"values\":{values:?}}}");
            for sql in [
                format!(
                    "insert into privacy_releases (release_key, bundle, segment, window_days, epoch_id, status, payload,
                     rho, delta, published_at) values ('{release}', '{}', '{segment}', 28, {epoch_id}, 'ready',
                     '{payload}', 0, 0, {NOW})",
                    bundle.name()
                ),
                // With the names of the columns SQLite reads the schema again, which another connection changed.
                format!(
                    "insert into privacy_charges (subject, release_key, mu, charged_at)
                     values ('{account}', '{release}', {price}, {NOW})"
                ),
                format!(
                    "insert into privacy_charges (subject, release_key, mu, charged_at, drawn_by)
                     values ('region:demo-harbor', '{release}', {price}, {NOW}, '{account}')"
                ),
            ] {
                app.db().execute_unprepared(&sql).await.unwrap();
            }
        }
        let pending = format!(
            "insert into privacy_releases (release_key, bundle, segment, window_days, epoch_id, status, rho, delta)
             values ('pending', 'NETWORK', '{segment}', 28, {epoch_id}, 'pending', 0, 0)"
        );
        app.db().execute_unprepared(&pending).await.unwrap();
        app.db()
            .execute_unprepared(&format!(
                "insert into privacy_views values ('{account}', '{}', true, {NOW})",
                key(Bundle::Size)
            ))
            .await
            .unwrap();
        Migrator::up(app.db(), None).await.unwrap();

        let server = TestApp::second_on(&app.database.url).await;
        let client = server.client_from(&client.key_id, &client.key);
        let answer = client.ask(portrait).await.ok()["cohort"].clone();
        let release = serde_json::json!({"policyVersion": "2026-1", "steps": 0, "units": 0.12});
        assert_eq!(answer["size"], serde_json::json!({"value": 400, "release": release}));
        // Sums of zero are the center: half of the cap of 30 visits.
        assert_eq!(answer["behavior"]["visitsPerPerson"]["value"], 15.0);
        assert_eq!(answer["behavior"]["release"]["policyVersion"], "2026-1");
        let charges = privacy_charge::Entity::find().all(server.db()).await.unwrap();
        assert_eq!(charges.len(), 4, "nothing was charged again");
        assert!(charges.iter().all(|charge| (charge.region.as_str(), charge.bands) == ("demo-harbor", 4 | 8)));
        assert_eq!(charges.iter().map(|charge| charge.microunits).sum::<i64>(), 2 * 430_000);
        sums_agree(server.db()).await;
        // A key that was not charged for them makes new releases.
        let other = server.client_of("other", &ALL, KEY_CAP_MILLIUNITS).await;
        let size = size_of("{regions: [\"demo-harbor\"], age: {from: 25, to: 44}}")
            .replace("value", "release { policyVersion }");
        assert_eq!(other.ask(&size).await.data("/cohort/size/release/policyVersion"), "2026-2");
        // Back and forth: the ledger keeps its amounts.
        Migrator::down(server.db(), Some(3)).await.unwrap();
        let row = server.db().query_one_raw(sea_orm::Statement::from_string(
            server.db().get_database_backend(),
            format!("select cast(sum(mu) as bigint) from privacy_charges where subject = '{account}'"),
        ));
        assert_eq!(row.await.unwrap().unwrap().try_get_by_index::<i64>(0).unwrap(), 430);
    }
}

/// A release is charged to every age band that its segment can contain, for the key and for all keys together.
#[tokio::test]
async fn t6_every_age_band_of_a_segment_is_charged() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let client = app.client(&ALL).await;
        client.ask(&size_of("{regions: [\"demo-harbor\"]}")).await.ok();
        client.ask(&size_of("{regions: [\"demo-hills\"], age: {from: 55}}")).await;
        let charges = privacy_charge::Entity::find().all(app.db()).await.unwrap();
        let charged: BTreeSet<(bool, &str, i32)> = charges
            .iter()
            .map(|charge| (charge.subject.starts_with("key:"), charge.region.as_str(), charge.bands))
            .collect();
        let bands = [("demo-harbor", 0b111_1111), ("demo-hills", 0b110_0000)];
        let expected =
            [false, true].into_iter().flat_map(|of_key| bands.map(|(region, bands)| (of_key, region, bands)));
        assert_eq!(charged, expected.collect());
    }
}

#[tokio::test]
async fn t6_what_is_published_or_charged_cannot_be_changed_or_deleted() {
    for on in databases() {
        let app = TestApp::new(on).await;
        app.client(&ALL).await.ask(&size_of("{regions: [\"demo-harbor\"]}")).await.ok();
        for statement in [
            "update privacy_releases set payload = '{\"values\":[1]}'",
            "update privacy_releases set step = 2",
            "delete from privacy_releases",
            "update privacy_charges set microunits = 1",
            "update privacy_charges set charged_at = 0",
            "delete from privacy_charges",
            "update privacy_views set shown = false",
            "delete from privacy_views",
        ] {
            let refused = app.db().execute_unprepared(statement).await;
            assert!(refused.is_err(), "{statement}");
        }
        if on == On::Sqlite {
            // SQLite's REPLACE deletes rows without firing delete triggers: it must change nothing.
            for statement in [
                "insert or replace into privacy_releases (rowid, release_key, bundle, segment, window_days, epoch_id, \
                    status,
                    payload, rho, delta) select rowid, release_key, bundle, segment, window_days, epoch_id, 'ready',
                    '{\"values\":[9]}', rho, delta from privacy_releases",
                "insert or replace into privacy_releases (rowid, release_key, bundle, segment, window_days, epoch_id, \
                    status,
                    payload, rho, delta) select rowid, 'another', bundle,
                    segment, window_days, epoch_id, 'ready', payload,
                    rho, delta from privacy_releases",
                "insert or replace into privacy_charges select subject, release_key, region, bands, 1, 0, null from \
                    privacy_charges",
                "insert or replace into privacy_views select subject, release_key, false, 0 from privacy_views",
            ] {
                let before = everything(app.db()).await;
                app.db().execute_unprepared(statement).await.unwrap();
                assert_eq!(everything(app.db()).await, before, "{statement}");
            }
            let pending =
                "insert into privacy_releases (release_key, bundle, segment, window_days, epoch_id, status, rho,
                delta) values ('pending', 'SIZE', '', 28, 1, 'pending', 0, 0)";
            app.db().execute_unprepared(pending).await.unwrap();
            for moved in ["release_key = (select max(release_key) from privacy_releases)", "rowid = 1"] {
                let moved = format!("update or replace privacy_releases set {moved} where release_key = 'pending'");
                let before = everything(app.db()).await;
                let _ = app.db().execute_unprepared(&moved).await;
                assert_eq!(everything(app.db()).await, before, "{moved}");
            }
        }
        if on == On::Postgres {
            for table in ["privacy_releases", "privacy_charges", "privacy_views"] {
                assert!(app.db().execute_unprepared(&format!("truncate {table} cascade")).await.is_err(), "{table}");
            }
        }
        assert_eq!(privacy_charge::Entity::find().all(app.db()).await.unwrap().len(), 2 * 5);
    }
}
