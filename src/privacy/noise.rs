//! The noise of a release: samples of the exact discrete Gaussian distribution (see the crate `dp-sampler`), from a
//! random number generator that is seeded for each release.

use rand::{SeedableRng, rngs::SysRng};
use rand_chacha::ChaCha20Rng;

use super::bundles::Bundle;
use crate::domain::{error::Error, mutant::Mutant};

/// A source of noise. Randomness is passed in as an argument, so that a test can reproduce it.
pub trait NoiseSource: Send + Sync {
    /// Samples all noise of one step of a bundle: one integer per value, in the order of the bundle's groups.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the random number generator cannot be seeded.
    fn sample(&self, release_key: &str, bundle: Bundle, step: u8) -> Result<Vec<i64>, Error>;
}

/// Noise from `ChaCha20`, seeded from the operating system for each release.
pub struct OsNoise;

impl NoiseSource for OsNoise {
    fn sample(&self, _release_key: &str, bundle: Bundle, step: u8) -> Result<Vec<i64>, Error> {
        let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng).map_err(|cause| {
            tracing::error!(%cause, "the random number generator of the operating system is unavailable");
            Error::Unavailable
        })?;
        sample(bundle, step, &mut rng)
    }
}

/// Samples the noise of a step of a bundle: independent samples with mean 0 and the sigma of their group in this step.
///
/// # Errors
/// [`Error::Internal`] if a sample does not fit in 64 bits, which has negligible probability.
pub fn sample(bundle: Bundle, step: u8, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let mut noise = Vec::with_capacity(bundle.width());
    for group in bundle.groups() {
        noise.extend(gaussian(group.sigma_milli_of_step(step), group.size, rng)?);
    }
    Ok(noise)
}

/// Draws `count` samples of the discrete Gaussian distribution over the integers. `sigma_milli` is the standard
/// deviation in thousandths.
///
/// # Errors
/// [`Error::Internal`] if `sigma_milli` is zero, or a sample does not fit in 64 bits.
pub fn gaussian(sigma_milli: u128, count: usize, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let sigma_milli = if Mutant::Sigma.is_on() { sigma_milli * 9 / 10 } else { sigma_milli };
    dp_sampler::gaussian(sigma_milli, count, rng).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_gets_as_many_numbers_as_it_holds_and_no_two_samples_are_equal() {
        for bundle in Bundle::ALL {
            let (one, two) = (OsNoise.sample("k", bundle, 5).unwrap(), OsNoise.sample("k", bundle, 5).unwrap());
            assert_eq!((one.len(), two.len()), (bundle.width(), bundle.width()));
            // Two samples of four numbers, at the smallest sigma of a group of four, are equal with probability 10^-10.
            assert!(bundle == Bundle::Size || one != two);
        }
    }
}
