// The properties that must hold for any input bytes, shared by the fuzz target and the test over its corpus.

use async_graphql::Variables;
use spots_enrichment::{
    cost::{self, Shape},
    document,
    schema::{self, Checker},
};

/// The steps that process a document before its execution.
pub struct Check {
    checker: Checker,
    shape: Shape,
}

impl Check {
    pub fn new() -> Self {
        let shape = Shape::parse(&schema::sdl()).expect("the price table fits the schema");
        Self { checker: Checker::build(), shape }
    }

    /// Checks that nothing panics, and that the price of an accepted document is the sum of its parts. Returns whether
    /// the document was accepted.
    pub fn run(&self, bytes: &[u8]) -> bool {
        let Ok(text) = std::str::from_utf8(bytes) else { return false };
        let read = document::read(text, None, Variables::default(), &self.checker);
        let Some(Ok(document)) = futures_util::FutureExt::now_or_never(read) else { return false };
        let Ok(bill) = cost::price(&document, &self.shape) else { return false };
        let parts: u64 = bill.dearest(usize::MAX).iter().map(|path| path.points).sum();
        assert_eq!(parts, bill.points, "{text}");
        true
    }
}
