//! Exact discrete Gaussian noise (Canonne, Kamath & Steinke 2020), from the `prio` crate's sampler.
//!
//! Never a floating-point sampler: their outputs have gaps that give the true value away (Mironov 2012).

use prio::dp::{Rational, distributions::DiscreteGaussian};
use rand::{Rng, SeedableRng, distr::Distribution, rngs::SysRng};
use rand_chacha::ChaCha20Rng;

use super::bundles::Bundle;
use crate::error::Error;

/// Where noise comes from: chance is an argument, so that a test may repeat it.
pub trait NoiseSource: Send + Sync {
    /// All the noise of one release, in the order of the bundle's groups.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when there is no randomness to be had.
    fn draw(&self, release_key: &str, bundle: Bundle) -> Result<Vec<i64>, Error>;
}

/// `ChaCha20`, seeded from the operating system for each release.
pub struct OsNoise;

impl NoiseSource for OsNoise {
    fn draw(&self, _release_key: &str, bundle: Bundle) -> Result<Vec<i64>, Error> {
        let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng).map_err(|cause| {
            tracing::error!(%cause, "the operating system gives no randomness");
            Error::Unavailable
        })?;
        sample(bundle, &mut rng)
    }
}

/// Samples the noise of a bundle: independent, of mean 0 and the sigma of each group.
///
/// # Errors
/// [`Error::Internal`] for a sample beyond 63 bits, of which there is no chance worth naming.
pub fn sample(bundle: Bundle, rng: &mut impl Rng) -> Result<Vec<i64>, Error> {
    let mut noise = Vec::with_capacity(bundle.width());
    for group in bundle.groups() {
        let sigma = Rational::from_unsigned(group.sigma_milli, 1000_u128).map_err(Error::internal)?;
        let gaussian = DiscreteGaussian::new(sigma).map_err(Error::internal)?;
        for _ in 0..group.size {
            noise.push(i64::try_from(gaussian.sample(rng)).map_err(Error::internal)?);
        }
    }
    Ok(noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each group's sample variance over 20,000 draws lies within 5 standard errors of sigma squared
    /// (a correct sampler fails with probability below 1e-5 in all, and the seed is fixed).
    #[test]
    fn the_noise_of_every_group_has_its_sigma() {
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        for bundle in Bundle::ALL {
            let draws = 20_000_usize.div_ceil(bundle.groups().iter().map(|group| group.size).min().unwrap_or(1));
            let mut squares = vec![0.0; bundle.groups().len()];
            let mut counts = vec![0.0; bundle.groups().len()];
            for _ in 0..draws {
                let noise = sample(bundle, &mut rng).unwrap();
                let mut start = 0;
                for (number, group) in bundle.groups().iter().enumerate() {
                    for value in &noise[start..start + group.size] {
                        squares[number] += (*value as f64 / group.sigma()).powi(2);
                        counts[number] += 1.0;
                    }
                    start += group.size;
                }
            }
            for (number, group) in bundle.groups().iter().enumerate() {
                let count: f64 = counts[number];
                let ratio = squares[number] / count;
                assert!((ratio - 1.0).abs() < 5.0 * (2.0 / count).sqrt(), "{}: {ratio}", group.name);
            }
        }
    }
}
