//! The noise of a release: exact discrete Gaussian numbers (see the crate `sampler`), from a generator of its own.

use rand::{SeedableRng, rngs::SysRng};
use rand_chacha::ChaCha20Rng;

use super::bundles::Bundle;
use crate::{error::Error, mutant::Mutant};

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
pub fn sample(bundle: Bundle, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let mut noise = Vec::with_capacity(bundle.width());
    for group in bundle.groups() {
        noise.extend(gaussian(group.sigma_milli, group.size, rng)?);
    }
    Ok(noise)
}

/// Samples of the discrete Gaussian distribution over the integers with this standard deviation, in thousandths.
///
/// # Errors
/// [`Error::Internal`] if it is zero.
pub fn gaussian(sigma_milli: u128, many: usize, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let sigma_milli = if Mutant::Sigma.is_on() { sigma_milli * 9 / 10 } else { sigma_milli };
    sampler::gaussian(sigma_milli, many, rng).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_gets_as_many_numbers_as_it_holds_and_no_two_draws_are_alike() {
        for bundle in Bundle::ALL {
            let (one, two) = (OsNoise.draw("k", bundle).unwrap(), OsNoise.draw("k", bundle).unwrap());
            assert_eq!((one.len(), two.len()), (bundle.width(), bundle.width()));
            // Four numbers of the smallest sigma that has four repeat by chance once in 10^10 draws.
            assert!(bundle == Bundle::Size || one != two);
        }
    }
}
