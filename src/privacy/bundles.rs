//! The table of bundles: the contents, noise and price of each kind of release (`docs/privacy.md`, "What is released").
//!
//! A person contributes a vector of integers to each group. Its Euclidean norm is at most D2; for the network, D2
//! bounds the norm of the whole change when one person is removed. The noise of a group has sigma >= D2 / sqrt(2 f
//! rho0), so the privacy loss of a group is at most f x rho0 and that of a bundle at most its price x rho0. [`check`]
//! proves this in integer arithmetic before the server starts.

use std::sync::LazyLock;

use anyhow::ensure;

use crate::{
    engine::contribution::{DWELL_CAP_S, NORM_CAP, TIE_CAP},
    epoch::WindowLength,
    mutant::Mutant,
};

/// rho of one privacy unit, in 1/10,000: 0.0062.
pub const RHO0_E4: u128 = 62;
/// The delta at which epsilon values are published.
pub const DELTA: f64 = 5e-7;
/// The amount that the size rule adds to delta: the probability that a segment of 100 people reaches the noisy size
/// 256.
pub const DELTA_SIZE: f64 = 1e-9;
/// The version of this table and of the release rules; part of every release key.
pub const POLICY_VERSION: &str = "2026-1";
/// The minimum exact number of people: smaller segments are never released, regardless of the noise.
pub const K_MIN: i64 = 100;
/// The minimum noisy size of a released segment, in people: 100 + 6 sigma of the size.
pub const PUBLICATION_LINE: i64 = 256;

/// The statistics that one release contains. Bundles are charged in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bundle {
    /// The number of people.
    Size,
    /// Visits: number, dwell time, time of week, categories.
    Behavior,
    /// Personality dimensions: means, squares, histograms, archetypes.
    Personality,
    /// Ties between people.
    Network,
    /// The second moments of the personality states, from which correlations between dimensions follow.
    Moments,
}

/// Numbers of a bundle that share one sensitivity bound and one sigma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    pub name: &'static str,
    /// How many numbers.
    pub size: usize,
    /// The number of integer steps per 1.
    pub scale: i64,
    /// The square of the sensitivity D2, in squared integer steps.
    pub d2_squared: u128,
    /// The share f of rho0, in thousandths; also the price in milliunits.
    pub share_milli: u32,
    /// The standard deviation of the noise, in thousandths of an integer step, rounded up.
    pub sigma_milli: u128,
}

const E4: i64 = 10_000;
const E8: i64 = 100_000_000;

const fn group(name: &'static str, size: usize, scale: i64, d2_squared: u128, share: u32, sigma: u128) -> Group {
    Group { name, size, scale, d2_squared, share_milli: share, sigma_milli: sigma }
}

const SIZE: &[Group] = &[group("N", 1, 1, 1, 120, 25_924)];
const BEHAVIOR: &[Group] = &[
    group("BEH", 4, E4, 100_000_000, 160, 224_506_628),
    group("DWELL", 3, E4, 100_000_000, 50, 401_609_665),
    group("TIME", 8, E4, 100_000_000, 50, 401_609_665),
    group("CAT", 12, E4, 100_000_000, 50, 401_609_665),
];
const PERSONALITY: &[Group] = &[
    group("MEAN", 12, E4, 12_500 * 12_500, 120, 324_047_405),
    group("SQ", 12, E8, 12 * 12_500_000 * 12_500_000, 100, 1_229_673_442_095),
    group("HIST", 120, 1, 12, 250, 62_218),
    group("ARCH", 6, 1, 1, 30, 51_848),
];
// D2^2 = 12/13 in 1/10^16, rounded up.
const MOMENTS: &[Group] = &[group("M", 91, E8, 9_230_769_230_769_231, 880, 919_743_586_704)];
const NETWORK: &[Group] = &[group("NET", 4, E4, 30_000 * 30_000, 300, 491_869_377)];

impl Bundle {
    /// All bundles, in the order in which they are charged.
    pub const ALL: [Self; 5] = [Self::Size, Self::Behavior, Self::Personality, Self::Network, Self::Moments];

    /// The name in the ledger and in the documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Size => "SIZE",
            Self::Behavior => "BEHAVIOR",
            Self::Personality => "PERSONALITY",
            Self::Network => "NETWORK",
            Self::Moments => "MOMENTS",
        }
    }

    /// The groups of the bundle, in the order in which their numbers are stored.
    #[must_use]
    pub fn groups(self) -> &'static [Group] {
        match self {
            Self::Size => SIZE,
            Self::Behavior => BEHAVIOR,
            Self::Personality => PERSONALITY,
            Self::Network => NETWORK,
            Self::Moments => MOMENTS,
        }
    }

    /// The price of one release, in milliunits.
    #[must_use]
    pub fn price_mu(self) -> i64 {
        match self {
            Self::Size => 120,
            Self::Behavior if Mutant::Unpaid.is_on() => 260,
            Self::Behavior => 310,
            Self::Personality => 500,
            Self::Network => 300,
            Self::Moments => 880,
        }
    }

    /// The number of values in the bundle.
    #[must_use]
    pub fn width(self) -> usize {
        self.groups().iter().map(|group| group.size).sum()
    }

    /// The group with this name, and the index of its first value in the bundle.
    ///
    /// # Panics
    /// If the bundle has no group with this name. This is a programming error that any test of the field detects.
    #[must_use]
    pub fn group(self, name: &str) -> (Group, usize) {
        let mut start = 0;
        for group in self.groups() {
            if group.name == name {
                return (*group, start);
            }
            start += group.size;
        }
        panic!("no group {name} in {}", self.name())
    }

    /// The privacy loss of one release, as an upper bound of rho.
    #[must_use]
    pub fn rho(self) -> f64 {
        rho_of_units(self.price_mu())
    }

    /// The privacy loss of one release, as an upper bound of epsilon at [`DELTA`].
    #[must_use]
    pub fn epsilon(self) -> f64 {
        // The search over alpha takes as long as the rest of a request, so it runs once per process.
        static EPSILONS: LazyLock<[f64; 5]> = LazyLock::new(|| Bundle::ALL.map(|bundle| epsilon(bundle.rho(), DELTA)));
        EPSILONS[self as usize]
    }

    /// The delta of one release.
    #[must_use]
    pub fn delta(self) -> f64 {
        if self == Self::Size { DELTA + DELTA_SIZE } else { DELTA }
    }
}

impl Group {
    /// The standard deviation of the noise, in integer steps.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.sigma_milli as f64 / 1000.0
    }
}

/// Converts milliunits to units, for display only; the ledger uses whole milliunits.
#[must_use]
pub fn units(mu: i64) -> f64 {
    mu as f64 / 1000.0
}

/// The rho of an amount of milliunits.
#[must_use]
pub fn rho_of_units(mu: i64) -> f64 {
    RHO0_E4 as f64 / 1e4 * mu as f64 / 1000.0
}

/// Converts a rho-zCDP loss to epsilon at a delta (Canonne, Kamath & Steinke 2020, Proposition 12): the minimum over
/// alpha of `alpha rho + ln(1/(alpha delta))/(alpha - 1) + ln(1 - 1/alpha)`.
#[must_use]
pub fn epsilon(rho: f64, delta: f64) -> f64 {
    let at = |alpha: f64| alpha * rho - (alpha * delta).ln() / (alpha - 1.0) + (1.0 - 1.0 / alpha).ln();
    // The function of ln(alpha - 1) is convex around its only minimum, so a ternary search finds it.
    let (mut low, mut high) = (1e-4_f64.ln(), 1e8_f64.ln());
    for _ in 0..200 {
        let (left, right) = (low + (high - low) / 3.0, high - (high - low) / 3.0);
        if at(1.0 + left.exp()) < at(1.0 + right.exp()) {
            high = right;
        } else {
            low = left;
        }
    }
    at(1.0 + low.exp()).max(0.0)
}

/// The constants that determine the accuracy of released numbers, in one line. The accuracy table in `docs/privacy.md`
/// starts with this line.
#[must_use]
pub fn constants() -> String {
    let group = |group: &Group| format!("{} {:.3}", group.name, group.sigma() / group.scale as f64);
    let sigmas: Vec<String> = Bundle::ALL.into_iter().flat_map(Bundle::groups).map(group).collect();
    let [week, month, quarter] = WindowLength::ALL.map(WindowLength::visit_cap);
    format!(
        "Policy {POLICY_VERSION}, rho0 = {}; sigma of the sums: {}; caps: {week}, {month}, {quarter} visits, {} \
         minutes, norm {}, {TIE_CAP} ties.",
        RHO0_E4 as f64 / 1e4,
        sigmas.join(", "),
        DWELL_CAP_S / 60,
        NORM_CAP as f64 / 1e4,
    )
}

/// Recomputes the privacy loss of every bundle and compares it with the price.
///
/// # Errors
/// If the noise of a group is too small for its share of the price, or if the shares of a bundle do not add up to its
/// price. The error names the group or bundle.
pub fn check() -> anyhow::Result<()> {
    for bundle in Bundle::ALL {
        check_bundle(bundle.name(), bundle.groups(), bundle.price_mu())?;
    }
    Ok(())
}

fn check_bundle(name: &str, groups: &[Group], price_mu: i64) -> anyhow::Result<()> {
    let mut shares = 0;
    for group in groups {
        // D2^2 / (2 sigma^2) <= f rho0, cleared of fractions: sigma in thousandths, f in thousandths, rho0 in 1/10,000.
        let loss = group.d2_squared * 1_000_000 * 1_000 * 10_000;
        let allowed = 2 * u128::from(group.share_milli) * RHO0_E4 * group.sigma_milli * group.sigma_milli;
        ensure!(loss <= allowed, "{name}: the noise of {} is too small for its share of the price", group.name);
        shares += i64::from(group.share_milli);
    }
    ensure!(shares == price_mu, "{name}: its groups lose {shares} milliunits, but its price is {price_mu}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_loses_what_it_charges() {
        check().unwrap();
        for bundle in Bundle::ALL {
            let lost: f64 =
                bundle.groups().iter().map(|group| group.d2_squared as f64 / (2.0 * group.sigma().powi(2))).sum();
            assert!(lost <= bundle.rho() && lost > bundle.rho() * 0.999, "{}: {lost}", bundle.name());
        }
    }

    #[test]
    fn a_table_with_too_little_noise_or_a_group_unpaid_is_refused() {
        let mut quiet = BEHAVIOR.to_vec();
        quiet[1].sigma_milli = quiet[1].sigma_milli * 9 / 10;
        assert!(check_bundle("QUIET", &quiet, 310).unwrap_err().to_string().contains("DWELL"));
        assert!(check_bundle("UNPAID", BEHAVIOR, 260).unwrap_err().to_string().contains("its price is 260"));
    }

    #[test]
    fn the_table_of_accuracy_was_made_for_these_constants() {
        let document = include_str!("../../docs/privacy.md");
        assert!(document.contains(&constants()), "run `just accuracy` to update the table for: {}", constants());
    }

    #[test]
    fn epsilons_are_those_of_the_specification() {
        for (units, expected, tolerance) in [(1, 0.4990, 1e-3), (20, 2.48, 5e-3), (60, 4.54, 6e-3), (240, 10.04, 5e-3)]
        {
            let epsilon = epsilon(rho_of_units(units * 1000), DELTA);
            assert!((epsilon - expected).abs() < tolerance, "{units} units: {epsilon}");
        }
    }
}
