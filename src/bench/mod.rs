//! `bench`: how fast a real server answers, as a process of its own over real HTTP, beside what the libraries under it
//! can do at best.
//!
//! Works are measured one after the other in rounds, each beside its floor, so that a machine that becomes slower
//! becomes slower for both.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

pub mod load;
pub mod stage;
mod works;

pub use works::Work;

use load::{Outcome, Target};
use stage::{Child, Stage};

/// How to measure.
#[derive(Clone, Debug)]
pub struct Plan {
    pub works: Vec<Work>,
    /// Connections at once.
    pub connections: Vec<usize>,
    /// How long each work is measured in a round, at each number of connections.
    pub time: Duration,
    pub rounds: u32,
    /// Another seed asks about other segments.
    pub seed: u64,
}

/// One line: a work at a number of connections.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    pub work: &'static str,
    pub connections: usize,
    /// Answers, whatever they say.
    pub answers: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// CPU time of the server; absent where the system does not tell.
    pub cpu_s_per_1000: Option<f64>,
    /// Answers by the first error's code.
    pub codes: BTreeMap<String, u64>,
    /// Requests per second as a share of those of the floor; absent where a work has none.
    pub of_floor: Option<f64>,
}

/// Measures works against a server, and their floors if there are some.
///
/// # Errors
/// A server ends, or cannot be reached.
pub async fn run(
    plan: &Plan,
    stage: &Stage,
    floor: Option<&Child>,
    mut said: impl FnMut(&str),
) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    // What is new must be new each time: a seed for every stretch of asking.
    let mut seeds = plan.seed..;
    let mut target = |work: Work| work.target(stage, seeds.next().unwrap_or_default());
    for &work in &plan.works {
        for &connections in &plan.connections {
            said(&format!("{} at {connections} connections", work.name()));
            let floor = floor.zip(work.floor());
            let warm_up = Duration::from_millis(300).min(plan.time);
            let (mut own, mut best) = (Outcome::default(), Outcome::default());
            // What is not counted: connections, caches, and releases that are asked for the first time.
            if work.is_warm() {
                load::run(&target(work), connections, warm_up, &stage.server).await?;
            }
            for _ in 0..plan.rounds {
                if let Some((child, asked)) = &floor {
                    best.add(load::run(asked, connections, plan.time, child).await?);
                }
                own.add(load::run(&target(work), connections, plan.time, &stage.server).await?);
            }
            measured.push(own.measured(work.name(), connections, floor.is_some().then(|| best.per_second())));
        }
    }
    Ok(measured)
}

/// A request of a closed loop: each connection sends its next one when the last is answered.
pub type Ask = Box<dyn Fn(usize, u64) -> load::Question + Send + Sync>;

impl Target {
    /// The same question again and again.
    #[must_use]
    pub fn same(path: &'static str, key: &str, document: &str) -> Self {
        let question = load::Question::new(key, document);
        Self { path, ask: Box::new(move |_, _| question.clone()) }
    }
}
