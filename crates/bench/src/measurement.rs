//! Runs the workloads one after the other in rounds.
//!
//! A round measures a workload and its baseline in turn, so that a machine that becomes slower slows both down.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;

use crate::{
    environment::{Environment, ServerProcess},
    load::{self, Outcome},
    workloads::Workload,
};

/// What to measure, and for how long.
#[derive(Clone, Debug)]
pub struct Plan {
    pub workloads: Vec<Workload>,
    /// Numbers of concurrent connections.
    pub connections: Vec<usize>,
    /// How long a workload is measured per round and number of connections.
    pub duration: Duration,
    pub rounds: u32,
    /// Chooses the segments of the workloads that request new ones.
    pub seed: u64,
}

/// The result of one workload at one number of connections.
#[derive(Clone, Debug, Serialize)]
pub struct Measurement {
    pub workload: &'static str,
    pub connections: usize,
    /// All answers, errors included.
    pub answers: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
    /// CPU time of the server in seconds; absent where `/proc` is missing.
    pub cpu_s_per_1000: Option<f64>,
    /// Number of answers by the code of their first error.
    pub codes: BTreeMap<String, u64>,
    /// Requests per second as a share of the baseline's; absent for workloads without a baseline.
    pub of_baseline: Option<f64>,
}

/// Measures the workloads of a plan, and their baselines.
///
/// # Errors
/// A server stops or cannot be reached.
pub async fn run(
    plan: &Plan,
    environment: &Environment,
    baseline: &ServerProcess,
    mut progress: impl FnMut(&str),
) -> anyhow::Result<Vec<Measurement>> {
    let mut measurements = Vec::new();
    // A new seed for every call, so that new segments are new in each round and at each number of connections.
    let mut seeds = plan.seed..;
    let mut target = |workload: Workload| workload.target(environment, seeds.next().unwrap_or_default());
    for &workload in &plan.workloads {
        for &connections in &plan.connections {
            progress(&format!("{} at {connections} connections", workload.name()));
            let baseline_target = workload.baseline();
            let warm_up = Duration::from_millis(300).min(plan.duration);
            let (mut own, mut best) = (Outcome::default(), Outcome::default());
            // Fills the caches and publishes the releases; not counted.
            if workload.has_warm_up() {
                load::run(&target(workload), connections, warm_up, &environment.server).await?;
            }
            for _ in 0..plan.rounds {
                if let Some(target) = &baseline_target {
                    best.add(load::run(target, connections, plan.duration, baseline).await?);
                }
                own.add(load::run(&target(workload), connections, plan.duration, &environment.server).await?);
            }
            let best = baseline_target.is_some().then(|| best.per_second());
            measurements.push(own.measurement(workload.name(), connections, best));
        }
    }
    Ok(measurements)
}
