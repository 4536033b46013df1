//! The origin of released numbers: the `Release`, `Window` and `Count` objects.

use async_graphql::{ID, SimpleObject};

use crate::{
    domain::{
        clock::format_time,
        epoch::{Window as EpochWindow, WindowLength},
    },
    privacy::{
        self, Bundle, bundles, ledger,
        steps::{STEPS, publication_threshold},
    },
    statistics::measure::{Interval, Quality, Scale, Unit},
};

/// The time range that a release covers. It ends with an epoch.
#[derive(Clone, Debug, SimpleObject)]
pub struct Window {
    /// Nominal length.
    pub length: WindowLength,
    /// Start (inclusive), RFC 3339, UTC.
    pub start: String,
    /// End (exclusive), RFC 3339, UTC.
    pub end: String,
    /// The epoch at whose end the window ends, as ISO week, such as `2026-W22`.
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

/// The noise of one group of numbers of a release.
#[derive(Clone, Debug, SimpleObject)]
pub struct NoiseGroup {
    /// Name of the group, as in `docs/privacy.md`.
    pub group: String,
    /// Number of values in the group.
    pub size: usize,
    /// Standard deviation of the noise on each sum over people. The contribution of one person to a sum is at most 1 in
    /// absolute value.
    pub sigma: f64,
}

/// A release: a set of noisy numbers about a segment that is computed once, stored, and returned unchanged to every
/// key.
#[derive(Clone, Debug, SimpleObject)]
pub struct Release {
    /// SHA-256 of policy version, bundle, last step, epoch, window and canonical segment, in hexadecimal. Equal ids
    /// mean the same numbers.
    pub id: ID,
    /// The weekly snapshot that the release was computed from, as ISO week, such as `2026-W22`.
    pub epoch: String,
    /// The time range that the release covers.
    pub window: Window,
    /// Privacy loss epsilon of this release alone, at `delta`.
    pub epsilon: f64,
    /// Privacy parameter delta of this release.
    pub delta: f64,
    /// Privacy loss rho of this release, in zero-concentrated differential privacy.
    pub rho: f64,
    /// Noise mechanism: `discrete_gaussian`.
    pub mechanism: String,
    /// Number of steps that were combined, 1 to 5. Each step halves the noise and quadruples the price. 0 for a release
    /// of the policy 2026-1, which has the noise and the price of 5 steps.
    pub steps: u8,
    /// Price in privacy units, of all steps together. A key is charged once for each step, at its first view; so is the
    /// account of all keys together, when the first key views it. Only the age bands and regions of the segment are
    /// charged.
    pub units: f64,
    /// The noise of each group of numbers.
    pub sigma: Vec<NoiseGroup>,
    /// Version of the privacy policy that the release was made under.
    pub policy_version: String,
    /// Minimum exact number of people. Segments with fewer people are never published.
    pub k_min: i64,
    /// Minimum noisy size after as many steps. Segments with a smaller noisy size are not published with them.
    pub publication_line: i64,
    /// The unit of protection: `agent`, one person with profile, all visits and all kept ties.
    pub privacy_unit: String,
    /// Days after which charged units become available again.
    pub budget_window_days: i64,
}

impl From<&privacy::Release> for Release {
    fn from(release: &privacy::Release) -> Self {
        let bundle = release.bundle;
        let groups = bundle.groups().iter().map(|group| NoiseGroup {
            group: group.name.to_owned(),
            size: group.size,
            sigma: group.sigma_of_first(release.steps),
        });
        let is_old = release.steps == 0;
        let steps = if is_old { STEPS } else { release.steps };
        Self {
            id: release.key.clone().into(),
            epoch: release.window.epoch_name(),
            window: release.window.into(),
            epsilon: bundle.epsilon_of_first(steps),
            delta: bundle.delta_of_first(if is_old { 1 } else { steps }),
            rho: bundle.rho_of_first(steps),
            mechanism: "discrete_gaussian".to_owned(),
            units: bundles::units(bundle.price_of_first(steps)),
            sigma: groups.collect(),
            steps: release.steps,
            policy_version: if is_old { bundles::OLD_POLICY_VERSION } else { bundles::POLICY_VERSION }.to_owned(),
            k_min: bundles::K_MIN,
            publication_line: publication_threshold(steps),
            privacy_unit: "agent".to_owned(),
            budget_window_days: ledger::BUDGET_WINDOW_DAYS,
        }
    }
}

/// A number of people, with noise.
#[derive(Clone, Debug, SimpleObject)]
pub struct Count {
    /// The noisy number of people.
    pub value: i64,
    /// Unit of `value`, `sigma` and `interval95`: PEOPLE.
    pub unit: Unit,
    /// Standard error caused by the noise, in people.
    pub sigma: f64,
    /// The 95 % interval of the exact number of people, clamped to at least 100.
    pub interval95: Interval,
    /// HIGH if 1.96 `sigma` is at most 5 % of `value`, OK if at most 10 %, otherwise LOW.
    pub quality: Quality,
    /// The release that this number comes from.
    pub release: Release,
}

impl From<&privacy::Released> for Count {
    fn from(released: &privacy::Released) -> Self {
        let measure = Scale::people(released);
        debug_assert_eq!(released.size.bundle, Bundle::Size);
        #[expect(clippy::cast_possible_truncation, reason = "a number of people")]
        let people = released.people.round() as i64;
        Self {
            value: people,
            unit: measure.unit,
            sigma: measure.sigma,
            interval95: measure.interval95,
            quality: measure.quality,
            release: released.size.as_ref().into(),
        }
    }
}
