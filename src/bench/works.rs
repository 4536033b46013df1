//! The five works.

use std::fmt::Write as _;

use rand::{RngExt as _, SeedableRng as _, seq::IndexedRandom as _};
use rand_chacha::ChaCha20Rng;

use super::{
    load::{Question, Target},
    stage::Stage,
};
use crate::epoch::Vocabulary;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Work {
    /// A portrait of a segment that was released to this key.
    W1,
    /// A portrait of another segment each time, never asked before.
    W2,
    /// 50 portraits in one document, released.
    W3,
    /// 50 portraits in one document, never asked before.
    W3New,
    /// A wrong key.
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

/// Portraits of one document.
const MANY: usize = 50;
/// Portraits that one key asks for before the next one goes on.
const OF_ONE_KEY: u64 = 15;

impl Work {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::W1, Self::W2, Self::W3, Self::W3New, Self::W4, Self::W5];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::W1 => "W1 released portrait",
            Self::W2 => "W2 new portrait",
            Self::W3 => "W3 50 released",
            Self::W3New => "W3 50 new",
            Self::W4 => "W4 wrong key",
            Self::W5 => "W5 __typename",
        }
    }

    /// Whether what is asked first is not what is measured.
    pub(super) fn is_warm(self) -> bool {
        !matches!(self, Self::W2 | Self::W3New)
    }

    /// What the libraries can do at best: the same document answered with constants, or no GraphQL at all.
    pub(super) fn floor(self) -> Option<Target> {
        match self {
            Self::W1 => Some(Target::same("/graphql", "none", &portrait())),
            Self::W4 => Some(Target::same("/plain", "none", "{ __typename }")),
            Self::W5 => Some(Target::same("/graphql", "none", "{ __typename }")),
            Self::W2 | Self::W3 | Self::W3New => None,
        }
    }

    pub(super) fn target(self, stage: &Stage, seed: u64) -> Target {
        let key = stage.keys.first().map(String::as_str).unwrap_or_default();
        let path = "/graphql";
        match self {
            Self::W1 => Target::same(path, key, &portrait()),
            Self::W3 => {
                // The same 50 in every run of a seed: those that are refused are refused in the warm-up.
                let segments: Vec<String> =
                    (0..MANY as u64).map(|number| segment(&stage.vocabulary, 0, number)).collect();
                Target::same(path, key, &portraits(&segments))
            }
            Self::W4 => Target::same(path, "spots_live_nobody_00000000000000000000000000000000", "{ __typename }"),
            Self::W5 => Target::same(path, key, "{ __typename }"),
            Self::W2 | Self::W3New => {
                let (keys, vocabulary) = (stage.keys.clone(), stage.vocabulary.clone());
                let many = if self == Self::W2 { 1 } else { MANY };
                let ask = move |connection: usize, count: u64| {
                    // Other connections, other keys.
                    let turn = count * many as u64 / OF_ONE_KEY + connection as u64 * 7;
                    let key = &keys[usize::try_from(turn).unwrap_or_default() % keys.len()];
                    let number = |place: usize| (connection as u64 + 1) << 40 | count << 8 | place as u64;
                    let segments: Vec<String> =
                        (0..many).map(|place| segment(&vocabulary, seed, number(place))).collect();
                    Question::new(key, &portraits(&segments))
                };
                Target { path, ask: Box::new(ask) }
            }
        }
    }
}

/// Of everybody: as large as it can be, so that nothing of it is withheld.
fn portrait() -> String {
    portraits(&["{}".to_owned()])
}

fn portraits(definitions: &[String]) -> String {
    let mut document = "{".to_owned();
    for (number, definition) in definitions.iter().enumerate() {
        // Writing to a text cannot fail.
        let _ = write!(document, " s{number}: cohort(definition: {definition}) {FIELDS}");
    }
    format!("{document} }} {FRAGMENTS}")
}

/// A segment at random: one to three regions, two or more age bands, maybe up to three interests.
fn segment(vocabulary: &Vocabulary, seed: u64, number: u64) -> String {
    let mut rng = ChaCha20Rng::seed_from_u64(seed.wrapping_mul(1_000_003) ^ number);
    let words = |words: Vec<&String>, rng: &mut ChaCha20Rng, least: usize| {
        let count = rng.random_range(least..=3);
        let words: Vec<String> = words.sample(rng, count).map(|word| format!("\"{word}\"")).collect();
        words.join(", ")
    };
    let regions = words(vocabulary.regions.iter().collect(), &mut rng, 1);
    let interests = words(vocabulary.interests.iter().collect(), &mut rng, 0);
    let from = [18, 25, 35, 45][rng.random_range(0..4)];
    let to = [34, 44, 54, 64, 120].into_iter().filter(|to| *to > from + 10).collect::<Vec<_>>();
    let to = to.choose(&mut rng).copied().unwrap_or(120);
    let interests = if interests.is_empty() { String::new() } else { format!(", interests: [{interests}]") };
    format!("{{regions: [{regions}], age: {{from: {from}, to: {to}}}{interests}}}")
}
