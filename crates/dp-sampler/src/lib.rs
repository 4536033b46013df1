//! Exact discrete Gaussian noise: the algorithms 1 to 3 of Canonne, Kamath & Steinke, "The Discrete Gaussian for
//! Differential Privacy" (2020), <https://arxiv.org/pdf/2004.00010.pdf>, in integers of 128 bits.
//!
//! Floating-point samplers must not be used: their outputs have gaps that reveal the true value (Mironov 2012).
//!
//! The proposal is a discrete Laplace distribution with the scale sigma itself. Algorithm 3 allows every scale. With
//! this one all fractions have denominators of at most 2 m^2 for sigma = m / 1000. The tests compare the samples with
//! the exact probabilities and with the sampler of the crate `prio`, which computes the same in big integers.
//!
//! This is a separate crate because tests that draw millions of numbers need it optimized while the rest of the server
//! is not.

use std::fmt;

use rand::Rng as _;
use rand_chacha::ChaCha20Rng;

/// The reason why sampling failed.
#[derive(Debug)]
pub enum Error {
    /// The standard deviation is zero, or 2^52 thousandths or more.
    Sigma,
    /// A sample is more than about 1,000 standard deviations from 0. The probability is below 10^-400.
    Beyond,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sigma => "the standard deviation of the noise must be above 0 and below 2^52 thousandths",
            Self::Beyond => "a noise sample is out of range",
        })
    }
}

impl std::error::Error for Error {}

/// The denominator of standard deviations.
const MILLI: u128 = 1000;
/// The limit of standard deviations, in thousandths: (m V)^2 must fit in 128 bits for V up to [`MAX_MULTIPLES`].
const MAX_SIGMA_MILLI: u128 = 1 << 52;
/// The most multiples of sigma that are added to a sample. `Error::Beyond` replaces greater ones.
const MAX_MULTIPLES: u128 = 1 << 10;

/// Samples `many` independent integers with mean 0. `sigma_milli` is the standard deviation in thousandths.
///
/// # Errors
/// [`Error::Sigma`] if the standard deviation is not valid; [`Error::Beyond`] if a sample is out of range.
pub fn gaussian(sigma_milli: u128, many: usize, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    if sigma_milli == 0 || sigma_milli >= MAX_SIGMA_MILLI {
        return Err(Error::Sigma);
    }
    let mut coins = Coins { rng, bits: 0, left: 0 };
    (0..many).map(|_| coins.gaussian(sigma_milli)).collect()
}

/// Random choices with exact probabilities.
struct Coins<'a> {
    rng: &'a mut ChaCha20Rng,
    /// Random bits that were not used yet, and their number.
    bits: u64,
    left: u32,
}

impl Coins<'_> {
    /// `count` random bits, 0 to 64.
    fn bits(&mut self, count: u32) -> u64 {
        if count == 0 {
            return 0;
        }
        if self.left < count {
            (self.bits, self.left) = (self.rng.next_u64(), u64::BITS);
        }
        let taken = self.bits & (u64::MAX >> (u64::BITS - count));
        self.bits = self.bits.checked_shr(count).unwrap_or(0);
        self.left -= count;
        taken
    }

    /// A uniform integer from 0 to `end` - 1: random bits, sampled again while they are too large.
    fn below(&mut self, end: u128) -> u128 {
        let width = u128::BITS - (end - 1).leading_zeros();
        loop {
            let high = self.bits(width.saturating_sub(u64::BITS));
            let sampled = u128::from(high) << u64::BITS | u128::from(self.bits(width.min(u64::BITS)));
            if sampled < end {
                return sampled;
            }
        }
    }

    /// True with the probability exp(-`numerator` / `denominator`), for a fraction from 0 to 1 (algorithm 1).
    fn exp_of_fraction(&mut self, numerator: u128, denominator: u128) -> bool {
        let mut trial = 1;
        // Each trial succeeds with the probability fraction / trial: two independent events.
        while self.below(trial) == 0 && self.below(denominator) < numerator {
            trial += 1;
        }
        trial % 2 == 1
    }

    /// True with the probability exp(-1).
    fn exp_of_one(&mut self) -> bool {
        self.exp_of_fraction(1, 1)
    }

    /// True with the probability exp(-`numerator` / `denominator`) (algorithm 1).
    fn exp(&mut self, numerator: u128, denominator: u128) -> bool {
        (0..numerator / denominator).all(|_| self.exp_of_one())
            && self.exp_of_fraction(numerator % denominator, denominator)
    }

    /// A sample of the discrete Laplace distribution of the scale `sigma_milli` / 1000: its absolute value, and whether
    /// it is negative (algorithm 2).
    fn laplace(&mut self, sigma_milli: u128) -> Result<(u128, bool), Error> {
        loop {
            let rest = loop {
                let rest = self.below(sigma_milli);
                if self.exp_of_fraction(rest, sigma_milli) {
                    break rest;
                }
            };
            let mut multiples = 0;
            while self.exp_of_one() {
                multiples += 1;
                if multiples >= MAX_MULTIPLES {
                    return Err(Error::Beyond);
                }
            }
            let absolute = (rest + sigma_milli * multiples) / MILLI;
            let is_negative = self.bits(1) == 1;
            // Otherwise 0 would be sampled twice as often as it should be.
            if absolute > 0 || !is_negative {
                return Ok((absolute, is_negative));
            }
        }
    }

    /// A sample of the discrete Gaussian distribution (algorithm 3).
    fn gaussian(&mut self, sigma_milli: u128) -> Result<i64, Error> {
        loop {
            let (absolute, is_negative) = self.laplace(sigma_milli)?;
            // (|y| - sigma^2 / scale)^2 / (2 sigma^2), where the scale is sigma = m / 1000.
            let distance = (MILLI * absolute).abs_diff(sigma_milli);
            if self.exp(distance * distance, 2 * sigma_milli * sigma_milli) {
                let absolute = i64::try_from(absolute).map_err(|_| Error::Beyond)?;
                return Ok(if is_negative { -absolute } else { absolute });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prio::dp::{Rational, distributions::DiscreteGaussian};
    use rand::{SeedableRng as _, distr::Distribution as _};

    use super::*;

    const DRAWS: usize = 200_000;

    fn counts(samples: impl IntoIterator<Item = i64>) -> BTreeMap<i64, f64> {
        let mut counts = BTreeMap::new();
        samples.into_iter().for_each(|sample| *counts.entry(sample).or_default() += 1.0);
        counts
    }

    /// The number of standard deviations by which a chi-square exceeds its mean (Wilson and Hilferty 1931).
    fn excess(statistic: f64, freedom: f64) -> f64 {
        let part = 2.0 / (9.0 * freedom);
        ((statistic / freedom).cbrt() - (1.0 - part)) / part.sqrt()
    }

    /// 3.72 is exceeded by one seed in 10,000.
    #[test]
    fn samples_have_the_exact_probabilities() {
        for sigma_milli in [300, 700, 1_000, 1_300, 3_141] {
            let sigma = sigma_milli as f64 / 1000.0;
            let weight = |x: i64| (-(x as f64).powi(2) / (2.0 * sigma * sigma)).exp();
            let sum: f64 = (-60..=60).map(weight).sum();
            let sampled = counts(gaussian(sigma_milli, DRAWS, &mut ChaCha20Rng::seed_from_u64(1)).unwrap());
            let (mut statistic, mut cells) = (0.0, 0.0);
            for x in -60..=60 {
                let expected = DRAWS as f64 * weight(x) / sum;
                if expected >= 10.0 {
                    statistic += (sampled.get(&x).unwrap_or(&0.0) - expected).powi(2) / expected;
                    cells += 1.0;
                }
            }
            let excess = excess(statistic, cells - 1.0);
            assert!(excess < 3.72, "sigma {sigma}: {statistic} with {cells} cells");
        }
    }

    /// The same distribution from another implementation, also at a sigma that is as large as that of a step.
    #[test]
    fn samples_are_distributed_as_those_of_prio() {
        for sigma_milli in [500, 2_600, 25_924, 19_674_775_073_520] {
            let mut rng = ChaCha20Rng::seed_from_u64(2);
            let other = DiscreteGaussian::new(Rational::from_unsigned(sigma_milli, MILLI).unwrap()).unwrap();
            // Cells of a quarter of sigma.
            let cell = |x: i64| (x * 4000).div_euclid(i64::try_from(sigma_milli).unwrap());
            let draws = 30_000;
            let others = counts((0..draws).map(|_| cell(i64::try_from(other.sample(&mut rng)).unwrap())));
            let own = counts(gaussian(sigma_milli, draws, &mut rng).unwrap().into_iter().map(cell));
            let (mut statistic, mut cells) = (0.0, 0.0);
            for (cell, count) in &others {
                let sum = count + own.get(cell).unwrap_or(&0.0);
                if sum >= 20.0 {
                    statistic += (2.0 * count - sum).powi(2) / sum;
                    cells += 1.0;
                }
            }
            let excess = excess(statistic, cells - 1.0);
            assert!(excess < 3.72, "sigma {sigma_milli} / 1000: {statistic} with {cells} cells");
        }
    }

    #[test]
    fn a_uniform_integer_is_below_its_end_and_takes_every_value() {
        let rng = &mut ChaCha20Rng::seed_from_u64(3);
        let mut coins = Coins { rng, bits: 0, left: 0 };
        for end in [1_u128, 2, 3, 7, 8, 100] {
            let sampled = counts((0..20_000).map(|_| i64::try_from(coins.below(end)).unwrap()));
            assert_eq!(
                sampled.keys().copied().collect::<Vec<_>>(),
                (0..i64::try_from(end).unwrap()).collect::<Vec<_>>()
            );
            let expected = 20_000.0 / end as f64;
            assert!(
                sampled.values().all(|count| (count - expected).abs() <= 5.0 * expected.sqrt()),
                "{end}: {sampled:?}"
            );
        }
        for end in [1 << 64, (1 << 64) + 1, (1 << 100) - 3, u128::MAX] {
            let sampled: Vec<u128> = (0..1_000).map(|_| coins.below(end)).collect();
            assert!(sampled.iter().all(|sampled| *sampled < end));
            let upper = sampled.iter().filter(|sampled| **sampled >= end / 2).count();
            assert!((400..=600).contains(&upper), "{end}: {upper} of 1,000 in the upper half");
        }
    }

    #[test]
    fn a_standard_deviation_out_of_range_is_an_error() {
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        assert!(matches!(gaussian(0, 1, &mut rng), Err(Error::Sigma)));
        assert!(matches!(gaussian(MAX_SIGMA_MILLI, 1, &mut rng), Err(Error::Sigma)));
        assert!(gaussian(MAX_SIGMA_MILLI - 1, 1_000, &mut rng).is_ok());
        assert_eq!(gaussian(1, 100, &mut rng).unwrap(), [0; 100]);
    }
}
