//! Cache of normalized operations and their cost estimates: partners send the same query many times.

use std::sync::Arc;

use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use crate::{cost::Bill, document::Normal};

/// Maximum memory of all entries, in bytes (estimated).
const MEMORY: u64 = 32 << 20;
/// Maximum memory of one entry, in bytes (estimated). Larger documents are parsed for each request: they are rare, and
/// one of them must not evict a hundred others.
const LARGEST: usize = 1 << 20;

/// A normalized operation and its cost estimate.
pub struct Priced {
    pub document: Normal,
    pub bill: Bill,
    /// Estimated memory of both, in bytes. The cost estimate takes less per field than the document.
    bytes: usize,
}

impl Priced {
    #[must_use]
    pub fn new(document: Normal, bill: Bill) -> Self {
        let bytes = 1_024 + 2 * document.bytes();
        Self { document, bill, bytes }
    }
}

/// Cache of recently used documents.
pub struct Documents(Cache<[u8; 32], Arc<Priced>>);

impl Default for Documents {
    fn default() -> Self {
        let weight = |_: &[u8; 32], priced: &Arc<Priced>| u32::try_from(priced.bytes).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MEMORY).weigher(weight).build())
    }
}

/// The cache key of a request: a hash of the account and of all bytes of the request (document, variables and operation
/// name). The account is included because response times must not reveal the requests of other accounts.
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

    /// Adds an entry, unless it is larger than `LARGEST`.
    pub fn keep(&self, key: [u8; 32], priced: &Arc<Priced>) {
        if priced.bytes <= LARGEST {
            self.0.insert(key, Arc::clone(priced));
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{Variables, parser::parse_query};

    use super::*;
    use crate::{
        cost::{self, Shape},
        document::normalize,
        schema,
    };

    fn priced(text: &str) -> Arc<Priced> {
        let document = normalize(&parse_query(text).unwrap(), None, &Variables::default()).unwrap();
        let bill = cost::price(&document, &Shape::parse(&schema::build().sdl()).unwrap()).unwrap();
        Arc::new(Priced::new(document, bill))
    }

    #[test]
    fn a_document_weighs_what_it_takes_and_not_what_it_was_sent_as() {
        let measure = "{ value unit quality interpretation interval95 { low high } }";
        let network = ["connectionsPerPerson", "density", "tieCompatibility", "viralPotential", "trendSetting"];
        let fields: Vec<String> = network.iter().map(|field| format!("{field} {measure}")).collect();
        let fragment = format!("fragment F on Segment {{ network {{ {} }} }}", fields.join(" "));
        let of = |number: usize| {
            let all: Vec<String> = (0..number).map(|n| format!("a{n}: segment(slug: \"a\") {{ ...F }}")).collect();
            format!("{{ {} }} {fragment}", all.join(" "))
        };
        let (one, many) = (priced(&of(1)), priced(&of(50)));
        assert!(of(50).len() < 4_000 && many.bytes > 40 * (one.bytes - 1_024), "{}", many.bytes);
        let documents = Documents::default();
        documents.keep(key("one", b"x"), &many);
        assert!(documents.find(&key("one", b"x")).is_some());
        assert!(documents.find(&key("other", b"x")).is_none() && documents.find(&key("on", b"ex")).is_none());
    }
}
