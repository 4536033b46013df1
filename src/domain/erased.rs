//! The people who were erased, as salted hashes of their ids: enough to recognize a person in a file, and no list of
//! who they were.

use std::{collections::HashSet, fmt};

use sha2::{Digest as _, Sha256};

/// The length of the salt, in bytes.
pub const SALT_BYTES: usize = 32;

/// A salted hash of a person's id.
pub type IdHash = [u8; 32];

/// The erased people.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ErasedPeople {
    salt: Vec<u8>,
    hashes: HashSet<IdHash>,
}

impl fmt::Debug for ErasedPeople {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "ErasedPeople({})", self.hashes.len())
    }
}

impl ErasedPeople {
    #[must_use]
    pub fn new(salt: Vec<u8>, hashes: HashSet<IdHash>) -> Self {
        Self { salt, hashes }
    }

    /// Whether a person was erased.
    #[must_use]
    pub fn contains(&self, id: &str) -> bool {
        !self.hashes.is_empty() && self.hashes.contains(&hash(&self.salt, id))
    }
}

/// The hash of an id: SHA-256 of the salt and the id.
#[must_use]
pub fn hash(salt: &[u8], id: &str) -> IdHash {
    Sha256::new().chain_update(salt).chain_update(id).finalize().into()
}
