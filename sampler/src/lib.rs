//! Exact discrete Gaussian noise (Canonne, Kamath & Steinke 2020), from the `prio` crate's sampler.
//!
//! Never a floating-point sampler: their outputs have gaps that give the true value away (Mironov 2012).
//!
//! A crate of its own for one reason: the sampler is generic, so it is compiled where it is called, and tests that draw
//! millions of numbers need it optimized while everything around it is not.

use std::fmt;

use prio::dp::{Rational, distributions::DiscreteGaussian};
use rand::distr::Distribution;
use rand_chacha::ChaCha20Rng;

/// Why there is no sample.
#[derive(Debug)]
pub enum Error {
    /// A standard deviation that is none.
    Sigma,
    /// A number beyond 63 bits, of which there is no chance worth naming.
    Beyond,
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Sigma => "the noise has no standard deviation",
            Self::Beyond => "the noise is beyond 63 bits",
        })
    }
}

impl std::error::Error for Error {}

/// Draws independent numbers with mean 0 and this standard deviation, in thousandths.
///
/// # Errors
/// See [`Error`].
pub fn gaussian(sigma_milli: u128, many: usize, rng: &mut ChaCha20Rng) -> Result<Vec<i64>, Error> {
    let sigma = Rational::from_unsigned(sigma_milli, 1000_u128).map_err(|_| Error::Sigma)?;
    let gaussian = DiscreteGaussian::new(sigma).map_err(|_| Error::Sigma)?;
    (0..many).map(|_| i64::try_from(gaussian.sample(rng)).map_err(|_| Error::Beyond)).collect()
}
