//! The workloads W1 to W5.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;

use spots_enrichment::domain::epoch::Vocabulary;

use crate::{
    environment::Environment,
    load::{PreparedRequest, Target},
};

/// A workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Workload {
    /// A portrait of a segment that was already released to this key.
    W1,
    /// A portrait of another segment each time, never requested before.
    W2,
    /// 50 portraits in one document, already released.
    W3,
    /// 50 portraits in one document, never requested before.
    W3New,
    /// An invalid key.
    W4,
    /// `{ __typename }` with a key.
    W5,
}

/// Behavior, personality and network of a segment.
const FIELDS: &str = "{ size { value } \
    behavior { visitsPerPerson { ...M } averageDwellMinutes { ...M } returnVisitRate { ...M } \
        explorationTendency { ...M } communityEngagement { ...M } release { ...R } } \
    personality { archetype dimensions { name mean { ...M } p50 { ...M } } release { ...R } } \
    network { connectionsPerPerson { ...M } density { ...M } tieCompatibility { ...M } viralPotential { ...M } \
        trendSetting { ...M } release { ...R } } }";
const FRAGMENTS: &str = "fragment M on Measure { value unit interval95 { low high } quality interpretation } \
    fragment R on Release { id epoch epsilon units }";

/// Portraits in one document of W3.
const PORTRAITS: usize = 50;
/// Portraits that one key requests before the next key takes over.
const PORTRAITS_PER_KEY: u64 = 15;

impl Workload {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::W1, Self::W2, Self::W3, Self::W3New, Self::W4, Self::W5];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1 released portrait",
            Self::W2 => "W2 new portrait",
            Self::W3 => "W3 50 released",
            Self::W3New => "W3 50 new",
            Self::W4 => "W4 invalid key",
            Self::W5 => "W5 __typename",
        }
    }

    /// Whether the first requests are slower than the ones to be measured.
    pub fn has_warm_up(self) -> bool {
        !matches!(self, Self::W2 | Self::W3New)
    }

    /// The same request to the baseline, if the workload has one.
    pub fn baseline(self) -> Option<Target> {
        match self {
            Self::W1 => Some(Target::same("/graphql", "none", &portrait())),
            Self::W4 => Some(Target::same("/plain", "none", "{ __typename }")),
            Self::W5 => Some(Target::same("/graphql", "none", "{ __typename }")),
            Self::W3 => Some(Target::same("/graphql", "none", &portraits(&vec!["{}".to_owned(); PORTRAITS]))),
            Self::W2 | Self::W3New => None,
        }
    }

    /// The requests of the workload; other seeds request other segments.
    pub fn target(self, environment: &Environment, seed: u64) -> Target {
        let key = environment.keys.first().map(String::as_str).unwrap_or_default();
        let path = "/graphql";
        match self {
            Self::W1 => Target::same(path, key, &portrait()),
            Self::W3 => {
                // The same 50 for every seed: segments that cannot be released fail in the warm-up already.
                let segments: Vec<String> =
                    (0..PORTRAITS as u64).map(|number| segment(&environment.vocabulary, 0, number)).collect();
                Target::same(path, key, &portraits(&segments))
            }
            Self::W4 => Target::same(path, "spots_live_unknown_00000000000000000000000000000000", "{ __typename }"),
            Self::W5 => Target::same(path, key, "{ __typename }"),
            Self::W2 | Self::W3New => {
                let (keys, vocabulary) = (environment.keys.clone(), environment.vocabulary.clone());
                let portraits_each = if self == Self::W2 { 1 } else { PORTRAITS };
                let requests = move |connection: usize, count: u64| {
                    // Connections use different keys.
                    let turn = count * portraits_each as u64 / PORTRAITS_PER_KEY + connection as u64 * 7;
                    let key = &keys[usize::try_from(turn).unwrap_or_default() % keys.len()];
                    let number = |place: usize| (connection as u64 + 1) << 40 | count << 8 | place as u64;
                    let segments: Vec<String> =
                        (0..portraits_each).map(|place| segment(&vocabulary, seed, number(place))).collect();
                    PreparedRequest::new(key, &portraits(&segments))
                };
                Target { path, requests: Box::new(requests) }
            }
        }
    }
}

/// The portrait of a random segment.
pub fn new_portrait(vocabulary: &Vocabulary, seed: u64, number: u64) -> String {
    portraits(&[segment(vocabulary, seed, number)])
}

/// The portrait of the whole population: the largest segment, so that no number is withheld.
fn portrait() -> String {
    portraits(&["{}".to_owned()])
}

fn portraits(definitions: &[String]) -> String {
    let mut document = "{".to_owned();
    for (number, definition) in definitions.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write!(document, " s{number}: cohort(definition: {definition}) {FIELDS}");
    }
    format!("{document} }} {FRAGMENTS}")
}

/// A random segment definition: one to three regions, two or more age bands, up to three interests.
fn segment(vocabulary: &Vocabulary, seed: u64, number: u64) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ number);
    let sample = |terms: Vec<&String>, rng: &mut ChaCha20Rng, least: usize| {
        let count = rng.random_range(least..=3);
        let terms: Vec<String> = terms.sample(rng, count).map(|term| format!("\"{term}\"")).collect();
        terms.join(", ")
    };
    let regions = sample(vocabulary.regions.iter().collect(), &mut rng, 1);
    let interests = sample(vocabulary.interests.iter().collect(), &mut rng, 0);
    let from = [18, 25, 35, 45][rng.random_range(0..4)];
    let to = [34, 44, 54, 64, 120].into_iter().filter(|to| *to > from + 10).collect::<Vec<_>>();
    let to = to.choose(&mut rng).copied().unwrap_or(120);
    let interests = if interests.is_empty() { String::new() } else { format!(", interests: [{interests}]") };
    format!("{{regions: [{regions}], age: {{from: {from}, to: {to}}}{interests}}}")
}
