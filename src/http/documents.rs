//! Documents that were read and priced: a partner ships one query and asks it again and again.

use std::sync::Arc;

use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::{cost::Bill, document::Normal};

/// Bytes of all requests that are remembered, times what a document takes when it is read.
const MEMORY: u64 = 32 << 20;
/// A byte of a request takes about this many once it is read.
const GROWTH: usize = 16;
/// Larger requests are read anew: they are few, and one must not push out a hundred others.
const LARGEST: usize = 64 << 10;

/// A document in its normal form, and its price.
pub struct Priced {
    pub document: Normal,
    pub bill: Bill,
    /// Bytes of the request.
    pub bytes: usize,
}

/// What was read and priced of late.
pub struct Documents(Cache<[u8; 32], Arc<Priced>>);

impl Default for Documents {
    fn default() -> Self {
        let weight = |_: &[u8; 32], priced: &Arc<Priced>| u32::try_from(priced.bytes * GROWTH).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MEMORY).weigher(weight).build())
    }
}

/// What stands for a request, to the last byte: document, variables and operation name. Of an account: how fast an
/// answer comes must not tell what others ask.
#[must_use]
pub fn key(account: &str, request: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((account.len() as u64).to_be_bytes());
    hasher.update(account);
    hasher.update(request);
    hasher.finalize().into()
}

impl Documents {
    #[must_use]
    pub fn find(&self, key: &[u8; 32]) -> Option<Arc<Priced>> {
        self.0.get(key)
    }

    /// Remembers, if it is worth it.
    pub fn keep(&self, key: [u8; 32], priced: &Arc<Priced>) {
        if priced.bytes <= LARGEST {
            self.0.insert(key, Arc::clone(priced));
        }
    }
}
