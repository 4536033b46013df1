//! The vocabulary of an epoch: the regions of the counted people, and the interests and categories that enough of them
//! share.

use std::collections::BTreeMap;

use crate::domain::epoch::{TermKind, Vocabulary};

/// The minimum number of people who share an interest or category, for it to enter the vocabulary. A segment of a rarer
/// value could only be withheld, and a rare value may identify a person.
pub const MIN_PEOPLE_PER_TERM: u64 = 100;

/// The number of people who are counted in at least one window, and of those with each term.
#[derive(Default)]
pub(super) struct Counts {
    pub people: i64,
    regions: BTreeMap<String, u64>,
    interests: BTreeMap<String, u64>,
    categories: BTreeMap<String, u64>,
}

impl Counts {
    /// Counts a person; `interests` and `categories` are separated by `|`.
    pub fn add(&mut self, region: &str, interests: &str, categories: &str) {
        self.people += 1;
        *self.regions.entry(region.to_owned()).or_default() += 1;
        for (terms, counts) in [(interests, &mut self.interests), (categories, &mut self.categories)] {
            for term in terms.split('|').filter(|term| !term.is_empty()) {
                *counts.entry(term.to_owned()).or_default() += 1;
            }
        }
    }

    /// The people of each term of a kind.
    pub fn terms_mut(&mut self, kind: TermKind) -> &mut BTreeMap<String, u64> {
        match kind {
            TermKind::Region => &mut self.regions,
            TermKind::Interest => &mut self.interests,
            TermKind::Category => &mut self.categories,
        }
    }

    /// The vocabulary of the epoch. Regions are those of the counted people; their codes are set by the operator.
    /// Interests and categories come from `lists` if given, otherwise from the data, if at least
    /// [`MIN_PEOPLE_PER_TERM`] people share them.
    pub fn vocabulary(&self, lists: Option<&Vocabulary>) -> Vocabulary {
        let mut vocabulary = lists.cloned().unwrap_or_default();
        *vocabulary.terms_mut(TermKind::Region) = self.regions.keys().cloned().collect();
        if lists.is_none() {
            *vocabulary.terms_mut(TermKind::Interest) = common_terms(&self.interests).collect();
            *vocabulary.terms_mut(TermKind::Category) = common_terms(&self.categories).collect();
        }
        vocabulary
    }
}

fn common_terms(counts: &BTreeMap<String, u64>) -> impl Iterator<Item = String> + '_ {
    counts.iter().filter(|(_, count)| **count >= MIN_PEOPLE_PER_TERM).map(|(term, _)| term.clone())
}
