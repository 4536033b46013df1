//! Runs the fuzz target's check over its corpus and mutations of it. It has no coverage feedback, but needs no nightly
//! compiler.

use std::time::{Duration, Instant};

use rand::{Rng, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;

include!("../../fuzz/check.rs");

/// Tokens of the GraphQL grammar.
const TOKENS: [&str; 24] = [
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "...",
    "... on Query {",
    "@skip(if: true)",
    "@include(if: $a)",
    "\"",
    "\"\"\"",
    "\\",
    "#",
    "$a",
    ": ",
    "fragment f on Segment",
    "query A",
    "mutation",
    "__typename",
    "first: 100",
    "null",
    "\u{feff}",
    "é",
];

fn mutate(corpus: &[Vec<u8>], rng: &mut impl Rng) -> Vec<u8> {
    let mut bytes = corpus[rng.random_range(0..corpus.len())].clone();
    for _ in 0..rng.random_range(1..4) {
        let at = rng.random_range(0..=bytes.len());
        let to = rng.random_range(at..=bytes.len().min(at + 40));
        match rng.random_range(0..5) {
            0 => drop(bytes.drain(at..to)),
            1 => {
                let piece = bytes[at..to].to_vec();
                let times = rng.random_range(1..30);
                bytes.splice(at..at, piece.repeat(times));
            }
            2 => drop(bytes.splice(at..at, TOKENS[rng.random_range(0..TOKENS.len())].bytes())),
            3 => {
                let other = &corpus[rng.random_range(0..corpus.len())];
                let from = rng.random_range(0..=other.len());
                bytes.splice(at..to, other[from..].iter().copied());
            }
            _ if at < bytes.len() => bytes[at] = rng.random_range(0..=255),
            _ => {}
        }
    }
    bytes
}

#[test]
#[expect(clippy::disallowed_methods, reason = "tests have no settings")]
fn no_input_breaks_the_checks_before_the_parser() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/document");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let corpus: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).unwrap()).collect();
    let check = Check::new();
    let passed = corpus.iter().filter(|bytes| check.run(bytes)).count();
    assert!(passed >= 9 && passed < corpus.len(), "{passed} of {} pass", corpus.len());

    // `./check` runs it for a minute (`FUZZ_SECONDS`); otherwise it runs a fixed number of cases.
    let seconds = std::env::var("FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut rng = ChaCha20Rng::seed_from_u64(3);
    let (mut cases, mut passed) = (0_u32, 0_u32);
    while until.map_or(cases < 5_000, |until| Instant::now() < until) {
        let bytes = mutate(&corpus, &mut rng);
        passed += u32::from(check.run(&bytes));
        cases += 1;
    }
    assert!(passed > cases / 200, "only {passed} of {cases} mutations are valid documents");
    println!("{cases} mutations, {passed} of them valid documents");
}
