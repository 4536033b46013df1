//! Exact discrete Gaussian noise (Canonne, Kamath & Steinke 2020), from the `prio` crate's sampler.
//!
//! Never a floating-point sampler: their outputs have gaps that give the true value away (Mironov 2012).

use prio::dp::{Rational, distributions::DiscreteGaussian};
use rand::{Rng, SeedableRng, distr::Distribution, rngs::SysRng};
use rand_chacha::ChaCha20Rng;

use super::bundles::{Bundle, Group};
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
        let gaussian = gaussian(group)?;
        for _ in 0..group.size {
            noise.push(i64::try_from(gaussian.sample(rng)).map_err(Error::internal)?);
        }
    }
    Ok(noise)
}

fn gaussian(group: &Group) -> Result<DiscreteGaussian, Error> {
    let sigma = Rational::from_unsigned(group.sigma_milli, 1000_u128).map_err(Error::internal)?;
    DiscreteGaussian::new(sigma).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each group's sample variance over 5,000 draws lies within 5 standard errors (10 %) of sigma squared
    /// (a correct sampler fails with probability below 1e-5 in all, and the seed is fixed).
    #[test]
    fn the_noise_of_every_group_has_its_sigma() {
        const DRAWS: u32 = 5_000;
        let mut rng = ChaCha20Rng::seed_from_u64(7);
        for group in Bundle::ALL.into_iter().flat_map(Bundle::groups) {
            let gaussian = gaussian(group).unwrap();
            let mut draw = || i64::try_from(gaussian.sample(&mut rng)).unwrap() as f64 / group.sigma();
            let variance = (0..DRAWS).map(|_| draw().powi(2)).sum::<f64>() / f64::from(DRAWS);
            assert!((variance - 1.0).abs() < 5.0 * (2.0 / f64::from(DRAWS)).sqrt(), "{}: {variance}", group.name);
        }
    }

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
