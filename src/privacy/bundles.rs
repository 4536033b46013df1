//! The table of bundles: the contents, noise and price of each kind of release (`docs/privacy.md`, "What is released").
//!
//! A person contributes a vector of integers to each group. Its Euclidean norm is at most D2; for the network, D2
//! bounds the norm of the whole change when one person is removed. The noise of a group has sigma >= D2 / sqrt(2 f
//! rho0), so the privacy loss of a group is at most f x rho0 and that of a bundle at most its price x rho0. [`check`]
//! proves this in integer arithmetic before the server starts.

use std::ops::Range;

use anyhow::ensure;

use crate::domain::{epoch::WindowLength, mutant::Mutant};

/// The cap on the mean dwell time of a person, in seconds.
pub const DWELL_CAP_S: i64 = 120 * 60;
/// The maximum number of kept ties of one person (theta).
pub const TIE_CAP: usize = 10;
/// The maximum Euclidean norm of u, in 1/10,000 (R = 1.25). A longer u is scaled down to it.
pub const NORM_CAP: i64 = 12_500;
/// rho of one privacy unit, in 1/10,000: 0.0062.
pub const RHO0_E4: u128 = 62;
/// The delta at which epsilon values are published.
pub const DELTA: f64 = 5e-7;
/// The amount that each published step of a size adds to delta: the probability that a segment of 100 people reaches
/// the threshold of the step.
pub const DELTA_SIZE: f64 = 1e-9;
/// The version of this table and of the release rules; part of every release key.
pub const POLICY_VERSION: &str = "2026-2";
/// The version before, whose releases stay readable for the keys that were charged for them.
pub const OLD_POLICY_VERSION: &str = "2026-1";
/// The minimum exact number of people: smaller segments are never released, regardless of the noise.
pub const K_MIN: i64 = 100;
/// The minimum noisy size of a released segment after all steps, in people: 100 + 6 sigma of the size.
pub const PUBLICATION_THRESHOLD: i64 = 256;

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

/// The numbers of a bundle that share one sensitivity bound and one sigma.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Group {
    /// The number of people.
    Size,
    /// Visits, dwell time, return share and event share, in the order of
    /// [`BehaviorMean`](super::contribution::BehaviorMean).
    BehaviorMeans,
    /// Shares of short, medium and long visits.
    DwellTimes,
    /// Shares of eight parts of the week.
    WeekParts,
    /// Shares of twelve category groups.
    Categories,
    /// The twelve dimensions.
    Means,
    /// The squares of the twelve dimensions.
    Squares,
    /// Ten bins of each dimension.
    Histograms,
    /// Six archetypes.
    Archetypes,
    /// The upper triangle of a symmetric matrix of 13 rows.
    Moments,
    /// Ties, in the order of [`NetworkSum`](super::contribution::NetworkSum).
    Network,
}

/// The contents and the noise of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupSpec {
    pub group: Group,
    /// The name in `docs/privacy.md`.
    pub name: &'static str,
    /// How many numbers.
    pub size: usize,
    /// The number of integer steps per 1.
    pub scale: i64,
    /// The square of the sensitivity D2, in squared integer steps.
    pub d2_squared: u128,
    /// The share f of rho0, in thousandths.
    pub share_milli: u32,
    /// The standard deviation of the noise, in thousandths of an integer step, rounded up.
    pub sigma_milli: u128,
}

const E4: i64 = 10_000;
const E8: i64 = 100_000_000;

const fn spec(
    group: Group,
    name: &'static str,
    size: usize,
    scale: i64,
    d2_squared: u128,
    share_milli: u32,
    sigma_milli: u128,
) -> GroupSpec {
    GroupSpec { group, name, size, scale, d2_squared, share_milli, sigma_milli }
}

const SIZE: &[GroupSpec] = &[spec(Group::Size, "N", 1, 1, 1, 120, 25_924)];
const BEHAVIOR: &[GroupSpec] = &[
    spec(Group::BehaviorMeans, "BEH", 4, E4, 100_000_000, 160, 224_506_628),
    spec(Group::DwellTimes, "DWELL", 3, E4, 100_000_000, 50, 401_609_665),
    spec(Group::WeekParts, "TIME", 8, E4, 100_000_000, 50, 401_609_665),
    spec(Group::Categories, "CAT", 12, E4, 100_000_000, 50, 401_609_665),
];
const PERSONALITY: &[GroupSpec] = &[
    spec(Group::Means, "MEAN", 12, E4, 12_500 * 12_500, 120, 324_047_405),
    spec(Group::Squares, "SQ", 12, E8, 12 * 12_500_000 * 12_500_000, 100, 1_229_673_442_095),
    spec(Group::Histograms, "HIST", 120, 1, 12, 250, 62_218),
    spec(Group::Archetypes, "ARCH", 6, 1, 1, 30, 51_848),
];
// D2^2 = 12/13 in 1/10^16, rounded up.
const MOMENTS: &[GroupSpec] = &[spec(Group::Moments, "M", 91, E8, 9_230_769_230_769_231, 880, 919_743_586_704)];
const NETWORK: &[GroupSpec] = &[spec(Group::Network, "NET", 4, E4, 30_000 * 30_000, 300, 491_869_377)];

impl Group {
    /// The bundle that contains the group.
    #[must_use]
    pub fn bundle(self) -> Bundle {
        match self {
            Self::Size => Bundle::Size,
            Self::BehaviorMeans | Self::DwellTimes | Self::WeekParts | Self::Categories => Bundle::Behavior,
            Self::Means | Self::Squares | Self::Histograms | Self::Archetypes => Bundle::Personality,
            Self::Moments => Bundle::Moments,
            Self::Network => Bundle::Network,
        }
    }

    /// The contents and the noise of the group.
    #[must_use]
    pub fn spec(self) -> GroupSpec {
        let index = self as usize - self.bundle().groups()[0].group as usize;
        self.bundle().groups()[index]
    }

    /// Where the group's numbers are in its bundle.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        let before = self.bundle().groups().iter().take_while(|spec| spec.group != self);
        let start = before.map(|spec| spec.size).sum();
        start..start + self.spec().size
    }
}

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
    pub fn groups(self) -> &'static [GroupSpec] {
        match self {
            Self::Size => SIZE,
            Self::Behavior => BEHAVIOR,
            Self::Personality => PERSONALITY,
            Self::Network => NETWORK,
            Self::Moments => MOMENTS,
        }
    }

    /// The price of all steps of a release, in microunits.
    #[must_use]
    pub fn price_microunits(self) -> i64 {
        match self {
            Self::Size => 120_000,
            Self::Behavior if Mutant::Uncharged.is_on() => 260_000,
            Self::Behavior => 310_000,
            Self::Personality => 500_000,
            Self::Network => 300_000,
            Self::Moments => 880_000,
        }
    }

    /// The number of values in the bundle.
    #[must_use]
    pub fn width(self) -> usize {
        self.groups().iter().map(|group| group.size).sum()
    }
}

impl GroupSpec {
    /// The standard deviation of the noise, in integer steps.
    #[must_use]
    pub fn sigma(&self) -> f64 {
        self.sigma_milli as f64 / 1000.0
    }

    /// The standard deviation of the noise on a sum over people, in units of the sum.
    #[must_use]
    pub fn sigma_of_sums(&self) -> f64 {
        self.sigma() / self.scale as f64
    }
}

/// Converts microunits to units, for display only; the ledger uses whole microunits.
#[must_use]
pub fn units(microunits: i64) -> f64 {
    microunits as f64 / 1e6
}

/// The rho of an amount of microunits.
#[must_use]
pub fn rho_of_microunits(microunits: i64) -> f64 {
    RHO0_E4 as f64 / 1e4 * units(microunits)
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
    let group = |group: &GroupSpec| format!("{} {:.3}", group.name, group.sigma_of_sums());
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
        check_bundle(bundle.name(), bundle.groups(), bundle.price_microunits())?;
    }
    Ok(())
}

fn check_bundle(name: &str, groups: &[GroupSpec], price_microunits: i64) -> anyhow::Result<()> {
    let mut shares = 0;
    for group in groups {
        // D2^2 / (2 sigma^2) <= f rho0, cleared of fractions: sigma in thousandths, f in thousandths, rho0 in 1/10,000.
        let loss = group.d2_squared * 1_000_000 * 1_000 * 10_000;
        let allowed = 2 * u128::from(group.share_milli) * RHO0_E4 * group.sigma_milli * group.sigma_milli;
        ensure!(loss <= allowed, "{name}: the noise of {} is too small for its share of the price", group.name);
        shares += i64::from(group.share_milli);
    }
    ensure!(
        shares * 1000 == price_microunits,
        "{name}: its groups lose {shares} milliunits, but its price is {price_microunits} microunits"
    );
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
            let rho = rho_of_microunits(bundle.price_microunits());
            assert!(lost <= rho && lost > rho * 0.999, "{}: {lost}", bundle.name());
        }
    }

    #[test]
    fn every_group_is_found_where_its_bundle_has_it() {
        for bundle in Bundle::ALL {
            let mut start = 0;
            for spec in bundle.groups() {
                assert_eq!((spec.group.bundle(), spec.group.spec()), (bundle, *spec));
                assert_eq!(spec.group.range(), start..start + spec.size);
                start += spec.size;
            }
            assert_eq!(start, bundle.width());
        }
    }

    #[test]
    fn a_table_with_too_little_noise_or_an_uncharged_group_is_rejected() {
        let mut quiet = BEHAVIOR.to_vec();
        quiet[1].sigma_milli = quiet[1].sigma_milli * 9 / 10;
        assert!(check_bundle("QUIET", &quiet, 310_000).unwrap_err().to_string().contains("DWELL"));
        assert!(check_bundle("UNCHARGED", BEHAVIOR, 260_000).unwrap_err().to_string().contains("its price is 260000 "));
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
            let epsilon = epsilon(rho_of_microunits(units * 1_000_000), DELTA);
            assert!((epsilon - expected).abs() < tolerance, "{units} units: {epsilon}");
        }
    }
}
