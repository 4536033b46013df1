//! Where a number comes from: the release block, the window, the size.

use async_graphql::{ID, SimpleObject};

use super::measure::{Interval, Quality, Scale, Unit};
use crate::{
    clock::{DAY, format_time},
    epoch::{Window as EpochWindow, WindowLength},
    estimate::{Estimate, sigma_people},
    privacy::{self, Bundle, bundles, ledger},
};

/// A stretch of time that ends with an epoch.
#[derive(Clone, Debug, SimpleObject)]
pub struct Window {
    /// Its nominal length.
    pub length: WindowLength,
    /// First second, RFC 3339, UTC.
    pub start: String,
    /// End, RFC 3339, UTC; not part of the window.
    pub end: String,
    /// The epoch it ends with, as ISO week.
    pub epoch: String,
}

impl From<EpochWindow> for Window {
    fn from(window: EpochWindow) -> Self {
        Self {
            length: window.length,
            start: format_time(window.starts_at()),
            end: format_time(window.ends_at),
            epoch: window.epoch_name(),
        }
    }
}

/// The noise of some numbers of a release.
#[derive(Clone, Debug, SimpleObject)]
pub struct NoiseGroup {
    /// The group's name in `docs/privacy.md`.
    pub group: String,
    /// How many numbers it holds.
    pub size: usize,
    /// Standard deviation of the noise on their sums over people, where each person adds parts of at most 1.
    pub sigma: f64,
}

/// What was published: one noisy vector, drawn once, the same for everybody who asks.
#[derive(Clone, Debug, SimpleObject)]
pub struct Release {
    /// SHA-256 of policy version, bundle, epoch, window and canonical segment.
    pub id: ID,
    /// The weekly snapshot it was made from, as ISO week.
    pub epoch: String,
    /// The time it covers.
    pub window: Window,
    /// epsilon of this release alone, at `delta`.
    pub epsilon: f64,
    /// delta of this release.
    pub delta: f64,
    /// rho of zero-concentrated differential privacy.
    pub rho: f64,
    /// How the noise was made: `discrete_gaussian`.
    pub mechanism: String,
    /// Privacy price: what a key pays at its first view, and a region when it is drawn.
    pub units: f64,
    /// Noise per group of numbers.
    pub sigma: Vec<NoiseGroup>,
    /// The version of the rules.
    pub policy_version: String,
    /// Fewer people are never published.
    pub k_min: i64,
    /// The noisy size that a segment must reach.
    pub publication_line: i64,
    /// Whom it protects: one `agent`, with the whole record, all visits and all kept ties.
    pub privacy_unit: String,
    /// Days after which what was paid returns.
    pub budget_window_days: i64,
}

impl From<&privacy::Release> for Release {
    fn from(release: &privacy::Release) -> Self {
        let bundle = release.bundle;
        let groups = bundle.groups().iter().map(|group| NoiseGroup {
            group: group.name.to_owned(),
            size: group.size,
            sigma: group.sigma() / group.scale as f64,
        });
        Self {
            id: release.key.clone().into(),
            epoch: release.window.epoch_name(),
            window: release.window.into(),
            epsilon: bundle.epsilon(),
            delta: bundle.delta(),
            rho: bundle.rho(),
            mechanism: "discrete_gaussian".to_owned(),
            units: bundles::units(bundle.price_mu()),
            sigma: groups.collect(),
            policy_version: bundles::POLICY_VERSION.to_owned(),
            k_min: bundles::K_MIN,
            publication_line: bundles::PUBLICATION_LINE,
            privacy_unit: "agent".to_owned(),
            budget_window_days: ledger::BUDGET_WINDOW / DAY,
        }
    }
}

/// A noisy head count.
#[derive(Clone, Debug, SimpleObject)]
pub struct Count {
    /// People, with noise.
    pub value: i64,
    /// What it counts.
    pub unit: Unit,
    /// Standard error of the noise.
    pub sigma: f64,
    /// Where the exact count lies with 95 %.
    pub interval95: Interval,
    /// HIGH within 5 % of the value, OK within 10 %.
    pub quality: Quality,
    /// Where it comes from.
    pub release: Release,
}

impl From<&privacy::Released> for Count {
    fn from(released: &privacy::Released) -> Self {
        let people = released.people as f64;
        let scale = Scale { unit: Unit::People, line: people * 0.1, lines: [0.0; 2], bounds: [100.0, f64::MAX] };
        let measure = scale.measure(Estimate::new(people, sigma_people()));
        debug_assert_eq!(released.size.bundle, Bundle::Size);
        Self {
            value: released.people,
            unit: measure.unit,
            sigma: measure.sigma,
            interval95: measure.interval95,
            quality: measure.quality,
            release: released.size.as_ref().into(),
        }
    }
}
