//! Random identifiers.

use rand::{TryRng, rngs::SysRng};

use super::error::Error;

/// `bytes` random bytes from the operating system, as hexadecimal digits.
///
/// # Errors
/// [`Error::Unavailable`] if the operating system provides no randomness.
pub fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).map_err(|cause| {
        tracing::error!(%cause, "the operating system provides no randomness");
        Error::Unavailable
    })?;
    Ok(hex::encode(random))
}
