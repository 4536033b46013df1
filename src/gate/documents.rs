//! Reads and prices documents, and caches the result: partners send the same query many times.

use std::sync::Arc;

use async_graphql::Variables;
use graphql_limits::{NormalizedOperation, SchemaIndex, Validator, document};
use moka::sync::Cache;
use sha2::{Digest as _, Sha256};

use super::prices::{DocumentCost, price};
use crate::domain::error::Error;

/// Maximum memory of all entries, in bytes (estimated).
const MAX_MEMORY_BYTES: u64 = 32 << 20;
/// Maximum memory of one entry, in bytes (estimated). Larger documents are parsed for each request: they are rare, and
/// one of them must not evict a hundred others.
const MAX_ENTRY_BYTES: usize = 1 << 20;

/// A normalized operation and its cost estimate.
pub struct PricedDocument {
    pub operation: NormalizedOperation,
    pub cost: DocumentCost,
    /// Estimated memory of both, in bytes. The cost estimate takes less per field than the document.
    bytes: usize,
}

impl PricedDocument {
    fn new(operation: NormalizedOperation, cost: DocumentCost) -> Self {
        let bytes = 1_024 + 2 * operation.bytes();
        Self { operation, cost, bytes }
    }
}

/// Reads and prices documents against one schema.
pub struct DocumentReader {
    validator: Validator,
    schema: SchemaIndex,
}

impl DocumentReader {
    #[must_use]
    pub fn new(validator: Validator, schema: SchemaIndex) -> Self {
        Self { validator, schema }
    }

    /// The index of the schema.
    #[must_use]
    pub fn schema(&self) -> &SchemaIndex {
        &self.schema
    }

    /// Parses, validates and normalizes a document.
    ///
    /// # Errors
    /// `DOCUMENT_TOO_LARGE`, `DOCUMENT_TOO_DEEP`, `DOCUMENT_TOO_COMPLEX`, or `INVALID_REQUEST` if the document does not
    /// parse or does not match the schema.
    pub async fn normalize(
        &self,
        text: &str,
        operation_name: Option<&str>,
        variables: Variables,
    ) -> Result<NormalizedOperation, Error> {
        Ok(document::read(text, operation_name, variables, &self.validator).await?)
    }

    /// Checks a document before any request sends it, without values for its variables.
    ///
    /// # Errors
    /// As [`DocumentReader::normalize`], except for errors of variables.
    pub async fn check(&self, text: &str) -> Result<(), Error> {
        Ok(document::check(text, &self.validator).await?)
    }

    /// Prices a normalized operation.
    ///
    /// # Errors
    /// `BAD_USER_INPUT` for an invalid page size, `DOCUMENT_TOO_COMPLEX` for too many `quote` fields or too large a
    /// response.
    pub fn price(&self, operation: NormalizedOperation) -> Result<PricedDocument, Error> {
        let cost = price(&operation, &self.schema)?;
        Ok(PricedDocument::new(operation, cost))
    }

    /// Reads and prices a document.
    ///
    /// # Errors
    /// Those of [`DocumentReader::normalize`] and [`DocumentReader::price`].
    pub async fn read(
        &self,
        text: &str,
        operation_name: Option<&str>,
        variables: Variables,
    ) -> Result<PricedDocument, Error> {
        self.price(self.normalize(text, operation_name, variables).await?)
    }
}

/// Cache of recently used documents.
pub struct DocumentCache(Cache<[u8; 32], Arc<PricedDocument>>);

impl Default for DocumentCache {
    fn default() -> Self {
        let weight = |_: &[u8; 32], priced: &Arc<PricedDocument>| u32::try_from(priced.bytes).unwrap_or(u32::MAX);
        Self(Cache::builder().max_capacity(MAX_MEMORY_BYTES).weigher(weight).build())
    }
}

/// The cache key of a request: a hash of the account and of all bytes of the request (document, variables and operation
/// name). The account is included because response times must not reveal the requests of other accounts.
#[must_use]
pub fn cache_key(account: &str, request: &[u8]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update((account.len() as u64).to_be_bytes());
    hasher.update(account);
    hasher.update(request);
    hasher.finalize().into()
}

impl DocumentCache {
    #[must_use]
    pub fn find(&self, key: &[u8; 32]) -> Option<Arc<PricedDocument>> {
        self.0.get(key)
    }

    /// Adds an entry, unless it is larger than `MAX_ENTRY_BYTES`.
    pub fn insert(&self, key: [u8; 32], priced: &Arc<PricedDocument>) {
        if priced.bytes <= MAX_ENTRY_BYTES {
            self.0.insert(key, Arc::clone(priced));
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::{EmptyMutation, EmptySubscription, Object, Schema};
    use graphql_limits::PriceTable;

    use super::*;

    struct Query;

    #[Object]
    impl Query {
        async fn segment(&self, slug: String) -> Segment {
            Segment { name: slug, size: 1 }
        }
    }

    #[derive(async_graphql::SimpleObject)]
    struct Segment {
        name: String,
        size: i32,
    }

    static PRICES: PriceTable = PriceTable {
        fields: &[],
        introspection_points: 0,
        max_response_bytes: usize::MAX,
        default_value_bytes: 0,
        value_bytes: &[],
        max_occurrences: &[],
    };

    async fn read(text: &str) -> Arc<PricedDocument> {
        let build = || Schema::build(Query, EmptyMutation, EmptySubscription);
        let index = SchemaIndex::parse(&build().finish().sdl(), &PRICES).unwrap();
        let reader = DocumentReader::new(Validator::new(build), index);
        Arc::new(reader.read(text, None, Variables::default()).await.unwrap())
    }

    #[tokio::test]
    async fn an_entry_counts_the_memory_of_expanded_fragments() {
        let keys: Vec<String> = (0..9).map(|number| format!("n{number}: name s{number}: size")).collect();
        let fragment = format!("fragment F on Segment {{ {} }}", keys.join(" "));
        let document = |number: usize| {
            let fields: Vec<String> = (0..number).map(|n| format!("a{n}: segment(slug: \"a\") {{ ...F }}")).collect();
            format!("{{ {} }} {fragment}", fields.join(" "))
        };
        let (one, many) = (read(&document(1)).await, read(&document(50)).await);
        assert!(document(50).len() < 4_000 && many.bytes > 40 * (one.bytes - 1_024), "{}", many.bytes);
        let documents = DocumentCache::default();
        documents.insert(cache_key("one", b"x"), &many);
        assert!(documents.find(&cache_key("one", b"x")).is_some());
        assert!(documents.find(&cache_key("other", b"x")).is_none());
        assert!(documents.find(&cache_key("on", b"ex")).is_none());
    }
}
