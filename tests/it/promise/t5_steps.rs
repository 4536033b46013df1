//! T5: steps of one release have independent noise, and their combination has the published error.

use std::{collections::HashMap, sync::Arc};

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use sea_orm::{EntityTrait as _, PaginatorTrait as _};
use spots_enrichment::{
    domain::{
        epoch::{Window, WindowLength},
        precision::Precision,
    },
    privacy::{
        Bundle, Exact, Group, Payload, Release, Released, StepRow,
        ledger::KEY_CAP_MICROUNITS,
        noise::gaussian,
        precision::{Needed, needed},
        steps::STEPS,
    },
    storage::{entity::privacy_release, releases::Status},
};

use super::t5_attacks::Seeded;
use crate::{
    app::{ALL, KEY_CAP_MILLIUNITS, NOW, On, TestApp, databases},
    precision::many,
};

const WINDOW: Window = Window { epoch_id: 202_622, ends_at: 0, length: WindowLength::Days28 };
/// The exact sums of the tests: so large that no noise suppresses the size.
const EXACT: i64 = 50_000_000;

fn steps_of(bundle: Bundle, seeded: &Seeded) -> Vec<Arc<StepRow>> {
    let keys: Vec<(u8, String)> = (1..=STEPS).map(|step| (step, format!("key {step}"))).collect();
    Exact::new(vec![EXACT; bundle.width()]).publish(bundle, &[], &keys, seeded).unwrap()
}

/// Correlations between the noise of any two steps, from 4 x 1,000 samples: the standard error is 0.016. A seed fails
/// with a probability of 1e-6 at the bound of five of them.
#[test]
fn t5_the_noise_of_steps_is_independent() {
    let seeded = Seeded(ChaCha20Rng::seed_from_u64(11).into());
    let spec = Group::Network.spec();
    let mut noise: Vec<Vec<f64>> = vec![Vec::new(); usize::from(STEPS)];
    for _ in 0..1_000 {
        for (row, noise) in steps_of(Bundle::Network, &seeded).iter().zip(&mut noise) {
            let sigma = spec.sigma_milli_of_step(row.step) as f64 / 1000.0;
            noise.extend(row.values.as_ref().unwrap().iter().map(|value| (value - EXACT) as f64 / sigma));
        }
    }
    for one in 0..noise.len() {
        for two in 0..one {
            let products = noise[one].iter().zip(&noise[two]).map(|(one, two)| one * two);
            let correlation = products.sum::<f64>() / noise[one].len() as f64;
            assert!(correlation.abs() < 0.08, "steps {} and {}: {correlation}", one + 1, two + 1);
        }
    }
}

/// For every number of steps, 95 % of the intervals of 1.96 sigma contain the exact sum, plus or minus 1, and the
/// variance is that of the published sigma. 20,000 samples: standard errors of 0.15 % and of 1 %.
#[test]
fn t5_combined_steps_have_the_published_sigma() {
    let seeded = Seeded(ChaCha20Rng::seed_from_u64(12).into());
    let mut covered = [0; STEPS as usize];
    let mut squares = [0.0; STEPS as usize];
    for _ in 0..5_000 {
        let rows = steps_of(Bundle::Network, &seeded);
        let size = Arc::new(Release::combine(Bundle::Size, WINDOW, &steps_of(Bundle::Size, &seeded)).unwrap());
        for steps in 0..usize::from(STEPS) {
            let release = Arc::new(Release::combine(Bundle::Network, WINDOW, &rows[..=steps]).unwrap());
            let (sums, sigma) = Released::pair(Arc::clone(&size), release).sums(Group::Network).unwrap();
            for sum in sums {
                let error = (sum - EXACT as f64 / 1e4) / sigma;
                covered[steps] += i32::from(error.abs() <= 1.96);
                squares[steps] += error.powi(2) / 20_000.0;
            }
        }
    }
    for steps in 0..usize::from(STEPS) {
        let share = f64::from(covered[steps]) / 20_000.0;
        assert!((0.94..=0.96).contains(&share), "{} steps: {share} of the intervals", steps + 1);
        assert!((squares[steps] - 1.0).abs() < 0.05, "{} steps: {} of sigma squared", steps + 1, squares[steps]);
    }
}

/// The attacker knows everybody else of an atom and spends the 20 units of a key on sizes of segments that contain one
/// person or not, with any number of steps, chosen at random or after the answers so far. The best test weighs every
/// step by its precision. In theory 59.8 of 100 guesses are right; 1,000 guesses have a standard error of 1.6. The seed
/// is fixed.
#[test]
fn t5_membership_is_guessed_no_better_by_mixing_steps() {
    const TRIALS: usize = 1_000;
    let mut rng = ChaCha20Rng::seed_from_u64(13);
    let group = Group::Size.spec();
    let mut right = 0;
    for trial in 0..TRIALS {
        let there = trial.is_multiple_of(2);
        let (mut left, mut evidence) = (KEY_CAP_MICROUNITS, 0.0);
        loop {
            // After weak evidence for the person the attacker buys a finer release, otherwise one at random.
            let steps = if (0.0..0.02).contains(&evidence) { STEPS } else { rng.random_range(4..=STEPS) };
            let price = Bundle::Size.price_of_first(steps);
            if price > left {
                break;
            }
            left -= price;
            for step in 1..=steps {
                let sigma_milli = group.sigma_milli_of_step(step);
                let noisy = gaussian(sigma_milli, 1, &mut rng).unwrap()[0] + i64::from(there);
                // The logarithm of the likelihood ratio of N(1, sigma) and N(0, sigma).
                evidence += (noisy as f64 - 0.5) / (sigma_milli as f64 / 1000.0).powi(2);
            }
        }
        right += u32::from((evidence > 0.0) == there);
    }
    let share = f64::from(right) / TRIALS as f64;
    assert!((0.55..=0.61).contains(&share), "{share} of the guesses are right");
}

/// Six keys ask the same question with three precisions in every order. Each step is sampled once, and two answers from
/// as many steps are equal: there is nothing to average, neither over keys nor over precisions.
#[tokio::test]
async fn t5_keys_and_precisions_share_one_sample_of_each_step() {
    for on in databases() {
        let app = TestApp::over(many(on).await, NOW, 1).await;
        let mut answers: HashMap<(String, String), serde_json::Value> = HashMap::new();
        let mut compared = 0;
        let [ok, high, finest] = ["OK", "HIGH", "FINEST"];
        let orders = [
            [ok, high, finest],
            [ok, finest, high],
            [high, ok, finest],
            [high, finest, ok],
            [finest, ok, high],
            [finest, high, ok],
        ];
        for (number, order) in orders.into_iter().enumerate() {
            let key = app.client_of(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS).await;
            for precision in order {
                let document = format!(
                    "{{ cohort(precision: {precision}, definition: {{}}) {{ size {{ value sigma release {{ steps }} }}
                        behavior {{ visitsPerPerson {{ value sigma }} release {{ steps }} }}
                        network {{ connectionsPerPerson {{ value sigma }} release {{ steps }} }} }} }}"
                );
                let answer = key.ask(&document).await.ok()["cohort"].clone();
                for (field, value) in answer.as_object().unwrap() {
                    // A ratio also depends on the size: the answers are equal if both have as many steps.
                    let steps = format!("{} {}", value["release"]["steps"], answer["size"]["release"]["steps"]);
                    match answers.get(&(field.clone(), steps.clone())) {
                        Some(known) => {
                            assert_eq!(known, value, "{field} with {steps} steps");
                            compared += 1;
                        }
                        None => drop(answers.insert((field.clone(), steps), value.clone())),
                    }
                }
            }
        }
        assert!(compared >= 36, "{compared} of 54 answers were compared with one before");
        assert!(answers.len() >= 6, "the precisions use different numbers of steps: {:?}", answers.keys());
        let stored = privacy_release::Entity::find().count(app.db()).await.unwrap();
        assert_eq!(stored, u64::from(STEPS) * 3, "one row for each step of three bundles");
    }
}

/// What a key with a cap in microunits is charged for `size` and `behavior` with the precision HIGH, computed from the
/// public prices and from the steps of the size that the key pays for: the steps of both, and the sum.
fn predicted(size: &[Arc<StepRow>], cap: i64) -> (u8, u8, i64) {
    let (mut steps, mut charged) = (0, 0);
    // A document that cannot pay its first steps is rejected before anything is read.
    if Bundle::Size.price_of_step(1) + Bundle::Behavior.price_of_step(1) > cap {
        return (0, 0, 0);
    }
    loop {
        let (of_size, of_behavior, price) = match needed(Bundle::Behavior, Precision::High, &size[..usize::from(steps)])
        {
            Needed::AnotherSizeStep => (steps + 1, 0, Bundle::Size.price_of_step(steps + 1)),
            Needed::Steps(last) => (steps, last, Bundle::Behavior.price_of_first(last)),
            Needed::MorePeople(_) => return (steps, 0, charged),
        };
        if charged + price > cap {
            return (steps, 0, charged);
        }
        charged += price;
        if of_behavior > 0 {
            return (of_size, of_behavior, charged);
        }
        steps = of_size;
    }
}

/// A budget can end between two steps. When it does follows from the public prices and from what the key has paid for,
/// so that the refusal tells the attacker nothing new: a computation without the data predicts every one of them.
#[tokio::test]
async fn t5_a_refusal_between_steps_tells_only_what_was_paid() {
    let app = TestApp::over(many(On::Sqlite).await, NOW, 1).await;
    let rich = app.client(&ALL).await;
    let (mut complete, mut between, mut at_once) = (0, 0, 0);
    let definitions = [
        ("{}", "{}"),
        ("{regions: [\"demo-coast\"]}", "{\"regions\": [\"demo-coast\"]}"),
        ("{age: {from: 25, to: 34}}", "{\"age\": {\"from\": 25, \"to\": 34}}"),
        ("{interests: [\"nightlife_spot\"]}", "{\"interests\": [\"nightlife_spot\"]}"),
    ];
    for (number, (definition, json)) in definitions.into_iter().enumerate() {
        // The steps are sampled and stored, and the test reads them there.
        let all = format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value }} }} }}");
        rich.ask(&all).await.ok();
        let mut size = Vec::new();
        for step in 1..=STEPS {
            let key = app.release_key(json, Bundle::Size, step);
            let row = privacy_release::Entity::find_by_id(&key).one(app.db()).await.unwrap().unwrap();
            let payload: Option<Payload> = row.payload.map(|payload| serde_json::from_str(&payload).unwrap());
            let passed = row.status == Status::Ready.name();
            size.push(Arc::new(StepRow { key, step, passed, values: payload.map(|payload| payload.values) }));
        }
        for milliunits in [1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 130, 200] {
            let key = app.client_of(&format!("poor-{number}-{milliunits}"), &ALL, milliunits).await;
            let document = format!(
                "{{ cohort(definition: {definition}) {{ size {{ release {{ steps }} }}
                    behavior {{ release {{ steps }} }} }} }}"
            );
            let answer = key.ask(&document).await;
            let steps = |bundle: &str| {
                let steps = answer.body.pointer(&format!("/data/cohort/{bundle}/release/steps"));
                steps.and_then(serde_json::Value::as_u64).unwrap_or(0)
            };
            let charged = answer.body["extensions"]["privacy"]["charged"].as_f64().unwrap_or(0.0);
            let (of_size, of_behavior, microunits) = predicted(&size, milliunits * 1000);
            let what = format!("{definition} with {milliunits} milliunits: {}", answer.text);
            assert_eq!((steps("size"), steps("behavior")), (of_size.into(), of_behavior.into()), "{what}");
            assert!((charged * 1e6 - microunits as f64).abs() < 0.5, "{microunits}: {what}");
            match (of_size, of_behavior) {
                (0, _) => at_once += 1,
                (_, 0) => between += 1,
                _ => complete += 1,
            }
        }
    }
    assert!(complete > 5 && between > 5 && at_once > 2, "{complete} complete, {between} between, {at_once} at once");
}
