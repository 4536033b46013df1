//! The steps in which a bundle is released (`docs/privacy.md`, "Precision").
//!
//! Each step samples the sums of the bundle again, with independent noise. The steps of a bundle share its rho in the
//! ratio 1 : 3 : 12 : 48 : 192, so the first 1, 2, 3, 4 and 5 steps together cost 1/256, 1/64, 1/16, 1/4 and the whole
//! of it. The published number is the mean of the steps, weighted by these shares: for Gaussian noise the precision of
//! such a mean adds up exactly as rho does.

use std::sync::LazyLock;

use anyhow::ensure;

use super::bundles::{
    self, Bundle, DELTA, DELTA_SIZE, GroupSpec, K_MIN, PUBLICATION_THRESHOLD, RHO0_E4, epsilon, rho_of_microunits,
};

/// The number of steps of a bundle. Steps are numbered from 1; step 0 is a release of the policy 2026-1, which has the
/// noise and the price of all steps together.
pub const STEPS: u8 = 5;
/// The shares of the steps, in 1/256.
const WEIGHTS: [i64; STEPS as usize] = [1, 3, 12, 48, 192];
/// The sum of all shares.
const ALL_WEIGHTS: i64 = 256;

/// The share of a step in the whole rho, in 1/256.
#[must_use]
pub fn weight(step: u8) -> i64 {
    step.checked_sub(1).map_or(ALL_WEIGHTS, |index| WEIGHTS[usize::from(index)])
}

/// The share of the first `steps` steps together, in 1/256.
fn weight_of_first(steps: u8) -> i64 {
    WEIGHTS.iter().take(usize::from(steps)).sum()
}

/// How many times larger the noise of the first `steps` steps is than that of all steps: 16, 8, 4, 2 and 1 times. The
/// noise of a release of the policy 2026-1 counts as that of all steps.
#[must_use]
pub fn spread(steps: u8) -> i64 {
    1 << (STEPS - if steps == 0 { STEPS } else { steps })
}

/// The minimum noisy size of a segment that is released, in people, from the first `steps` steps of its size: 100 + 6
/// sigma.
#[must_use]
pub fn publication_threshold(steps: u8) -> i64 {
    K_MIN + (PUBLICATION_THRESHOLD - K_MIN) * spread(steps)
}

impl Bundle {
    /// The price of the first `steps` steps together, in microunits, rounded up.
    #[must_use]
    pub fn price_of_first(self, steps: u8) -> i64 {
        let price = self.price_microunits() * weight_of_first(steps);
        (price + ALL_WEIGHTS - 1).div_euclid(ALL_WEIGHTS)
    }

    /// The price of one step, in microunits.
    #[must_use]
    pub fn price_of_step(self, step: u8) -> i64 {
        if step == 0 { self.price_microunits() } else { self.price_of_first(step) - self.price_of_first(step - 1) }
    }

    /// The privacy loss of the first `steps` steps, as an upper bound of rho.
    #[must_use]
    pub fn rho_of_first(self, steps: u8) -> f64 {
        rho_of_microunits(self.price_of_first(steps))
    }

    /// The privacy loss of the first `steps` steps, as an upper bound of epsilon at [`DELTA`].
    #[must_use]
    pub fn epsilon_of_first(self, steps: u8) -> f64 {
        // The search over alpha takes as long as the rest of a request, so it runs once per process.
        static EPSILONS: LazyLock<[[f64; STEPS as usize]; 5]> = LazyLock::new(|| {
            Bundle::ALL.map(|bundle| {
                std::array::from_fn(|index| {
                    let steps = u8::try_from(index + 1).unwrap_or(STEPS);
                    epsilon(bundle.rho_of_first(steps), DELTA)
                })
            })
        });
        EPSILONS[self as usize][usize::from(steps.clamp(1, STEPS)) - 1]
    }

    /// The delta of the first `steps` steps. Each step of a size is published by a threshold of its own.
    #[must_use]
    pub fn delta_of_first(self, steps: u8) -> f64 {
        if self == Self::Size { DELTA + DELTA_SIZE * f64::from(steps) } else { DELTA }
    }
}

/// The square of the share of D2 of NETWORK that a person causes in the sums of *other* people, as a fraction: the
/// person's own numbers change the sums by at most 1, those of at most ten others by at most 2, together by 3
/// (`docs/privacy.md`, "Kept ties").
const OTHERS_SQUARED: (i64, i64) = (4, 9);

impl Bundle {
    /// The privacy loss, in microunits, that a step causes to the people of a region who are in none of the age bands
    /// of the segment: 0, except for NETWORK, whose sums count ties to people outside the segment.
    #[must_use]
    pub fn price_of_step_for_others(self, step: u8) -> i64 {
        let (part, whole) = OTHERS_SQUARED;
        if self == Self::Network { (self.price_of_step(step) * part + whole - 1).div_euclid(whole) } else { 0 }
    }
}

impl GroupSpec {
    /// The standard deviation of the noise of a step, in thousandths of an integer step, rounded up.
    #[must_use]
    pub fn sigma_milli_of_step(&self, step: u8) -> u128 {
        let Some(index) = step.checked_sub(1) else { return self.sigma_milli };
        let weight = WEIGHTS[usize::from(index)].unsigned_abs();
        // The least sigma with sigma^2 x weight >= sigma_milli^2 x 256.
        let square = self.sigma_milli * self.sigma_milli * u128::from(ALL_WEIGHTS.unsigned_abs());
        let root = square.div_ceil(u128::from(weight)).isqrt();
        if root * root * u128::from(weight) >= square { root } else { root + 1 }
    }

    /// The standard deviation of the noise on a sum over people, in units of the sum, of the first `steps` steps
    /// together (0: a release of the policy 2026-1).
    #[must_use]
    pub fn sigma_of_first(&self, steps: u8) -> f64 {
        let of = |step: u8| self.sigma_milli_of_step(step) as f64 / 1000.0 / self.scale as f64;
        if steps == 0 {
            return of(0);
        }
        let variance: f64 = (1..=steps).map(|step| (weight(step) as f64 * of(step)).powi(2)).sum();
        variance.sqrt() / (1..=steps).map(weight).sum::<i64>() as f64
    }
}

/// Recomputes the privacy loss of every bundle and of its first steps, for every number of steps, and compares it with
/// the price, in integers.
///
/// # Errors
/// As [`bundles::check`], for the bundles and for their steps.
pub fn check() -> anyhow::Result<()> {
    bundles::check()?;
    for bundle in Bundle::ALL {
        check_steps(bundle.name(), bundle.groups(), |count| bundle.price_of_first(count))?;
    }
    Ok(())
}

fn check_steps(name: &str, groups: &[GroupSpec], price_of_first: impl Fn(u8) -> i64) -> anyhow::Result<()> {
    for step in 1..=STEPS {
        let weight = u128::from(WEIGHTS[usize::from(step - 1)].unsigned_abs());
        for group in groups {
            // D2^2 / (2 sigma^2) <= f rho0 weight / 256, cleared of fractions: sigma and f in thousandths, rho0 in
            // 1/10,000.
            let sigma = group.sigma_milli_of_step(step);
            let loss = group.d2_squared * 1_000_000 * 1_000 * 10_000 * u128::from(ALL_WEIGHTS.unsigned_abs());
            let allowed = 2 * u128::from(group.share_milli) * RHO0_E4 * sigma * sigma * weight;
            ensure!(loss <= allowed, "{name}, step {step}: the noise of {} is too small for its share", group.name);
        }
        // Each group loses at most its share of the steps so far; the shares are in thousandths.
        let shares: i64 = groups.iter().map(|group| i64::from(group.share_milli)).sum();
        let lost = shares * 1000 * weight_of_first(step);
        ensure!(
            lost <= price_of_first(step) * ALL_WEIGHTS,
            "{name}: the first {step} steps lose more than their price"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_steps_of_a_bundle_cost_its_price_together() {
        for bundle in Bundle::ALL {
            let prices: Vec<i64> = (1..=STEPS).map(|step| bundle.price_of_step(step)).collect();
            assert_eq!(prices.iter().sum::<i64>(), bundle.price_microunits(), "{prices:?}");
            assert!(prices.windows(2).all(|pair| pair[0] < pair[1]), "{prices:?}");
        }
        assert_eq!(
            [1, 2, 3, 4, 5].map(|steps| Bundle::Size.price_of_first(steps)),
            [469, 1_875, 7_500, 30_000, 120_000]
        );
        assert_eq!([0, 5].map(|step| Bundle::Size.price_of_step(step)), [120_000, 90_000]);
    }

    #[test]
    fn noise_halves_with_each_step() {
        for group in Bundle::ALL.into_iter().flat_map(Bundle::groups) {
            for steps in 1..=STEPS {
                let expected = group.sigma_of_sums() * spread(steps) as f64;
                let sigma = group.sigma_of_first(steps);
                // Every step is rounded up by less than a thousandth of an integer step.
                assert!(sigma >= expected * (1.0 - 1e-12) && sigma < expected * 1.0001, "{} {steps}", group.name);
            }
            assert!((group.sigma_of_first(0) - group.sigma_of_sums()).abs() < 1e-12);
        }
        assert_eq!([1, 2, 3, 4, 5, 0].map(publication_threshold), [2_596, 1_348, 724, 412, 256, 256]);
    }

    #[test]
    fn a_step_with_too_little_noise_or_too_low_a_price_is_rejected() {
        let groups = Bundle::Behavior.groups();
        let price = |steps| Bundle::Behavior.price_of_first(steps);
        check_steps("BEHAVIOR", groups, price).unwrap();
        let mut quiet = groups.to_vec();
        quiet[2].sigma_milli -= quiet[2].sigma_milli / 100;
        assert!(check_steps("QUIET", &quiet, price).unwrap_err().to_string().contains("step 1: the noise of TIME"));
        let cheap = |steps| price(steps) - i64::from(steps == 3);
        assert!(check_steps("CHEAP", groups, cheap).unwrap_err().to_string().contains("the first 3 steps"));
    }
}
