// The properties that must hold for any input bytes, shared by the fuzz target and the test over its corpus.

use async_graphql::Variables;
use spots_enrichment::{gate::documents::DocumentReader, graphql::schema};

/// The steps that process a document before its execution.
pub struct Check {
    reader: DocumentReader,
}

impl Check {
    pub fn new() -> Self {
        Self { reader: schema::document_reader().expect("the price table fits the schema") }
    }

    /// Checks that nothing panics, and that the price of an accepted document is the sum of its parts. Returns whether
    /// the document was accepted.
    pub fn run(&self, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let read = self.reader.read(text, None, Variables::default());
        let Some(Ok(priced)) = futures_util::FutureExt::now_or_never(read) else { return false };
        let estimate = &priced.cost.points;
        let parts: u64 = estimate.most_expensive(usize::MAX).iter().map(|path| path.points).sum();
        assert_eq!(parts, estimate.points, "{text}");
        true
    }
}
