//! T5: the best known attacks do not exceed the bounds of the promise.

use std::sync::atomic::Ordering;

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use sea_orm::ConnectionTrait as _;
use spots_enrichment::{
    domain::error::Error,
    privacy::{
        Bundle, Exact, Group, NoiseSource,
        bundles::K_MIN,
        ledger::KEY_CAP_MICROUNITS,
        noise::{self, gaussian},
        steps::STEPS,
    },
};

use crate::app::{ALL, KEY_CAP_MILLIUNITS, On, TestApp, databases};

/// The number of sizes that a key's budget of 30 days pays for: 166 of 0.12 units, 19.92 in total.
fn sizes() -> usize {
    usize::try_from(KEY_CAP_MICROUNITS / Bundle::Size.price_microunits()).unwrap()
}

/// The attacker knows all people except one, subtracts them, and guesses from the mean of the remainder whether that
/// person is in the data; by Neyman and Pearson there is no better test. In theory 59.8 of 100 guesses are right with
/// 20 units; 4,000 guesses have a standard error of 0.8. The seeds are fixed.
#[test]
fn t5_the_best_test_of_membership_is_right_60_times_in_100() {
    const TRIALS: usize = 4_000;
    let mut rng = ChaCha20Rng::seed_from_u64(100);
    let group = Group::Size.spec();
    let right = |trial: &usize| {
        let there = trial.is_multiple_of(2);
        let noise = gaussian(group.sigma_milli, sizes(), &mut rng).unwrap();
        let sum: i64 = noise.into_iter().map(|noise| noise + i64::from(there)).sum();
        let guess = 2 * sum > i64::try_from(sizes()).unwrap();
        guess == there
    };
    let share = (0..TRIALS).filter(right).count() as f64 / TRIALS as f64;
    assert!(share <= 0.61, "{share} of the guesses are right");
    assert!(share >= 0.57, "{share} of the guesses are right: the attack is weaker than the best one");
}

/// Large positive noise, with which every size passes the noisy threshold.
struct Loud;

impl NoiseSource for Loud {
    fn sample(&self, _: &str, bundle: Bundle, _: u8) -> Result<Vec<i64>, Error> {
        Ok(vec![1_000_000; bundle.width()])
    }
}

/// The server's sampler, seeded.
pub(super) struct Seeded(pub std::sync::Mutex<ChaCha20Rng>);

impl NoiseSource for Seeded {
    fn sample(&self, _: &str, bundle: Bundle, step: u8) -> Result<Vec<i64>, Error> {
        noise::sample(bundle, step, &mut self.0.lock().unwrap())
    }
}

#[test]
fn t5_the_floor_of_100_people_cannot_be_told_from_99() {
    // Whether a segment of this many people passes with any of the steps.
    let keys: Vec<(u8, String)> = (1..=STEPS).map(|step| (step, String::new())).collect();
    let passes = |people: i64, noise: &dyn NoiseSource| {
        let rows = Exact::new(vec![people]).publish(Bundle::Size, &[], &keys, noise).unwrap();
        rows.iter().any(|row| row.passed)
    };
    assert!(!passes(K_MIN - 1, &Loud), "99 people must be suppressed with any noise");
    let seeded = Seeded(ChaCha20Rng::seed_from_u64(5).into());
    let published = (0..100_000).filter(|_| passes(K_MIN, &seeded)).count();
    assert_eq!(published, 0, "100 people pass with a probability of about 5e-9 only");
    let published = (0..200).filter(|_| passes(400, &seeded)).count();
    assert_eq!(published, 200, "a segment of 400 people is published");
}

/// The share of the bits of `secret` that are guessed correctly from noisy counts over subsets. Each subset is chosen
/// after the answers before it: in the second half, random subsets of the people whose bits are least certain so far.
fn reconstruct(secret: &[bool], answers: usize, sigma_milli: u128, rng: &mut ChaCha20Rng) -> f64 {
    let mut scores = vec![0.0; secret.len()];
    for answer in 0..answers {
        let mut order: Vec<usize> = (0..secret.len()).collect();
        if answer > answers / 2 {
            order.sort_by(|a, b| f64::abs(scores[*a]).total_cmp(&f64::abs(scores[*b])));
            order.truncate(secret.len() / 2);
        }
        let subset: Vec<usize> = order.iter().copied().filter(|_| rng.random()).collect();
        let exact = i64::try_from(subset.iter().filter(|person| secret[**person]).count()).unwrap();
        let noisy = exact + gaussian(sigma_milli, 1, rng).unwrap()[0];
        // A count above half of the subset is evidence for the bits of its people, and against those of the others.
        let excess = noisy as f64 - subset.len() as f64 / 2.0;
        for person in order {
            scores[person] += if subset.contains(&person) { excess } else { -excess };
        }
    }
    let right = secret.iter().zip(&scores).filter(|(secret, score)| **secret == (**score > 0.0)).count();
    right as f64 / secret.len() as f64
}

/// The reconstruction attack of Dinur and Nissim (2003). It succeeds if the noise is small and there are many answers;
/// the budget allows 166 answers.
#[test]
fn t5_secret_bits_cannot_be_reconstructed_from_subsets() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let mut attack = |answers: usize, sigma_milli: u128, times: usize| {
        let mean = (0..times).map(|_| {
            let secret: Vec<bool> = (0..200).map(|_| rng.random()).collect();
            reconstruct(&secret, answers, sigma_milli, &mut rng)
        });
        mean.sum::<f64>() / times as f64
    };
    let group = Group::Size.spec();
    let with_us = attack(sizes(), group.sigma_milli, 40);
    assert!(with_us <= 0.58, "{with_us} of the bits are right");
    let without = attack(6_000, 2_000, 2);
    assert!(without >= 0.95, "{without} of the bits are right: the attack must succeed with little noise");
}

/// Repetition, synonyms and several keys: equivalent queries get one stored answer, so there is nothing to average.
#[tokio::test]
async fn t5_nothing_averages_the_noise_away() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let size = |definition: &str| {
            format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value release {{ id }} }} }} }}")
        };
        let synonyms = [
            r#"{regions: ["demo-harbor"], age: {from: 25, to: 44}, interests: ["food", "nightlife_spot"]}"#,
            r#"{interests: ["nightlife_spot", "food"], regions: ["demo-harbor"], age: {from: 25, to: 44}}"#,
            r#"{regions: ["demo-harbor", "demo-harbor"], age: {from: 34, to: 35}, interests: ["food",
                "nightlife_spot"]}"#,
            r#"{regions: ["Demo-Harbor "], age: {from: 26, to: 40}, interests: ["FOOD", "nightlife_spot", "food"],
                categories: []}"#,
        ];
        let mut answers = Vec::new();
        for number in 0..8 {
            let key = app.client_of(&format!("partner-{number}"), &ALL, KEY_CAP_MILLIUNITS).await;
            for synonym in synonyms {
                answers.push(key.ask(&size(synonym)).await.ok().clone());
                answers.push(key.ask(&size(synonym)).await.ok().clone());
            }
        }
        assert_eq!(answers.len(), 64);
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(app.noise.draws.load(Ordering::SeqCst), 5, "one sample for each step");
    }
}

/// A segment of nearly the same people under another definition is another release with other noise: an account that
/// was shown one of them is not shown the other.
#[tokio::test]
async fn t5_segments_that_hold_the_same_people_are_not_shown_twice() {
    let app = TestApp::new(On::Sqlite).await;
    let client = app.client(&ALL).await;
    let size =
        |definition: &str| format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value }} }} }}");
    client.ask(&size("{regions: [\"demo-harbor\"]}")).await.ok();
    // All people of known age: 96 in 100.
    let near = size("{regions: [\"demo-harbor\"], age: {from: 18}}");
    for _ in 0..2 {
        let answer = client.ask(&near).await;
        assert_eq!(answer.codes(), ["INSUFFICIENT_DATA"], "{}", answer.text);
        assert_eq!(answer.body["errors"][0]["extensions"]["reason"], "MIN_DIFFERENCE");
        assert_eq!(answer.data("/cohort/size"), &serde_json::Value::Null);
    }
    // An account that has not seen the first segment is shown the second, and then not the first.
    let other = app.client_of("other", &ALL, KEY_CAP_MILLIUNITS).await;
    other.ask(&near).await.ok();
    assert_eq!(other.ask(&size("{regions: [\"demo-harbor\"]}")).await.codes(), ["INSUFFICIENT_DATA"]);
    // The size is charged once and not refunded; the other bundles of a denied segment are not charged.
    let portrait = near.replace("size { value }", "size { value } personality { archetype }");
    assert_eq!(client.ask(&portrait).await.codes(), ["INSUFFICIENT_DATA"; 2]);
    assert_eq!(app.charged(&format!("key:{}", client.key_id)).await, 240);
    // The rule compares segments of the same window only; a segment whose size differs by 256 or more is shown.
    client
        .ask(
            "{ cohort(precision: FINEST,
                definition: {regions: [\"demo-harbor\"], age: {from: 18}}) { behavior(window: DAYS_84) { \
        release { id } } } }",
        )
        .await
        .ok();
    client.ask(&size("{}")).await.ok();
}

/// If a region's budget is used up, a release that another key has viewed must be rejected in the same way as a release
/// that no key has viewed.
#[tokio::test]
async fn t5_refusals_do_not_tell_what_others_have_asked() {
    for on in databases() {
        let app = TestApp::new(on).await;
        let cap = "update privacy_accounts set cap_microunits = 1000000 where subject = 'region:demo-hills'";
        app.db().execute_unprepared(cap).await.unwrap();
        let size = |age: i32| {
            format!(
                "{{ cohort(precision: FINEST,
                    definition: {{regions: [\"demo-hills\"], age: {{to: {age}}}}}) {{ size {{ value }} }} }}"
            )
        };
        let (victim, attacker) = (app.client(&ALL).await, app.client_of("attacker", &ALL, KEY_CAP_MILLIUNITS).await);
        victim.ask(&size(24)).await;
        victim.ask(&size(34)).await;
        // The attacker spends its part of 250 and all of the first-come part.
        let mut asked = 0;
        for interest in ["food", "nightlife_spot", "shop_and_service"] {
            for to in [24, 34, 44] {
                let definition =
                    format!("{{regions: [\"demo-hills\"], age: {{to: {to}}}, interests: [\"{interest}\"]}}");
                let answer = attacker
                    .ask(&format!("{{ cohort(precision: FINEST, definition: {definition}) {{ size {{ value }} }} }}"))
                    .await;
                asked += i32::from(answer.codes() != ["PRIVACY_BUDGET_EXHAUSTED"]);
            }
        }
        assert_eq!(asked, 6, "720 of the 750 that the victim's part leaves");
        let mut answers = Vec::new();
        for age in [24, 34, 44, 54] {
            let mut answer = attacker.ask(&size(age)).await.body;
            answer["errors"][0]["extensions"]["requestId"] = serde_json::Value::Null;
            answers.push(answer["errors"].clone());
        }
        assert_eq!(answers[0][0]["extensions"]["reason"], "REGION_BUDGET");
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    }
}
