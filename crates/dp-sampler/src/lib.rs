//! Exact discrete Gaussian noise (Canonne, Kamath & Steinke 2020), from the `prio` crate's sampler.
//!
//! Floating-point samplers must not be used: their outputs have gaps that reveal the true value (Mironov 2012).
//!
//! This is a separate crate because the sampler is generic and therefore compiled in the crate that calls it. Tests
//! that draw millions of numbers need it optimized while the rest of the server is not.

use std::fmt;

use prio::dp::{Rational, distributions::DiscreteGaussian};
use rand::distr::Distribution;
use rand_chacha::ChaCha20Rng;

/// The reason why sampling failed.
#[derive(Debug)]
pub enum Error {
    /// The standard deviation is not valid (zero).
    Sigma,
    /// A sample does not fit into a signed 64-bit integer. The probability is negligible.
    Beyond,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sigma => "the standard deviation of the noise must be above 0",
            Self::Beyond => "a noise sample does not fit into a signed 64-bit integer",
        })
    }
}

impl std::error::Error for Error {}

/// Samples `many` independent integers with mean 0. `sigma_milli` is the standard deviation in thousandths.
///
/// # Errors
/// [`Error::Sigma`] if the standard deviation is not valid; [`Error::Beyond`] if a sample does not fit into an `i64`.
pub fn gaussian(sigma_milli: u128, many: usize, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let sigma = Rational::from_unsigned(sigma_milli, 1000_u128).map_err(|_| Error::Sigma)?;
    let gaussian = DiscreteGaussian::new(sigma).map_err(|_| Error::Sigma)?;
    (0..many).map(|_| i64::try_from(gaussian.sample(rng)).map_err(|_| Error::Beyond)).collect()
}
