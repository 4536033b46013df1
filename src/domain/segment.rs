//! Segment definitions and their canonical form: a [`Definition`] is parsed into a [`Cohort`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use super::age::{AGE_BANDS, AgeBand, age_band};
use super::{epoch::Vocabulary, error::Error};

/// The maximum number of values in one field of a definition.
pub const MAX_VALUES: usize = 3;

/// The definition of a segment. Fields are combined with AND, the values of one field with OR. An absent field does not
/// restrict the segment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, async_graphql::InputObject)]
#[graphql(name = "SegmentDefinition")]
pub struct Definition {
    /// Home regions, at most three; absent = all regions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub regions: Option<Vec<String>>,
    /// Age range, widened to whole age bands; absent or without limits = all adults and people of unknown age.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<AgeRange>,
    /// Interests, at most three; includes people with at least one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interests: Option<Vec<String>>,
    /// Preferred categories of places, at most three; includes people with at least one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<String>>,
}

/// An age range in years, both ends included. It is widened to whole age bands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, async_graphql::InputObject)]
pub struct AgeRange {
    /// Minimum age; absent = 18. Minors are never counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<i32>,
    /// Maximum age; absent = no upper limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<i32>,
}

/// A definition in canonical form: values are sorted and unique, ages are age bands, and an empty list means all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cohort {
    pub regions: Vec<String>,
    /// Numbers of the [`AGE_BANDS`], from 1.
    pub bands: Vec<i32>,
    pub interests: Vec<String>,
    pub categories: Vec<String>,
}

impl Cohort {
    /// Parses a definition and validates it against the vocabulary of an epoch.
    ///
    /// # Errors
    /// [`Error::NotInVocabulary`] for an unknown value, with similar values as suggestions. [`Error::BadUserInput`] for
    /// more than [`MAX_VALUES`] values in a field, or an invalid age range. Both name the field.
    pub fn parse(definition: &Definition, vocabulary: &Vocabulary) -> Result<Self, Error> {
        Ok(Self {
            regions: parse_values("regions", definition.regions.as_deref(), &vocabulary.regions)?,
            bands: definition.age.map_or_else(|| Ok(Vec::new()), overlapping_bands)?,
            interests: parse_values("interests", definition.interests.as_deref(), &vocabulary.interests)?,
            categories: parse_values("categories", definition.categories.as_deref(), &vocabulary.categories)?,
        })
    }

    /// The canonical form as text. Equal texts identify equal releases.
    #[must_use]
    pub fn canonical(&self) -> String {
        let bands: Vec<_> = self.bands.iter().map(ToString::to_string).collect();
        format!(
            "regions={};bands={};interests={};categories={}",
            self.regions.join("|"),
            bands.join("|"),
            self.interests.join("|"),
            self.categories.join("|")
        )
    }

    /// Parses a canonical form; `None` if it is malformed. Values contain no delimiters of the form; `import` ensures
    /// this.
    #[must_use]
    pub fn from_canonical(text: &str) -> Option<Self> {
        let mut fields = text.split(';').zip(["regions=", "bands=", "interests=", "categories="]);
        let mut values = || -> Option<Vec<String>> {
            let (field, name) = fields.next()?;
            let values = field.strip_prefix(name)?;
            Some(values.split('|').filter(|value| !value.is_empty()).map(str::to_owned).collect())
        };
        let (regions, bands) = (values()?, values()?);
        let bands = bands.iter().map(|band| band.parse().ok()).collect::<Option<_>>()?;
        Some(Self { regions, bands, interests: values()?, categories: values()? })
    }

    /// Whether every person in this cohort is also in `other`, decided by the definitions only.
    #[must_use]
    pub fn is_within(&self, other: &Self, vocabulary: &Vocabulary) -> bool {
        fn within<T: PartialEq>(inner: &[T], outer: &[T]) -> bool {
            outer.is_empty() || (!inner.is_empty() && inner.iter().all(|value| outer.contains(value)))
        }
        let (inner, outer) = (self.regions_charged(vocabulary), other.regions_charged(vocabulary));
        within(&inner, &outer)
            && within(&self.bands, &other.bands)
            && within(&self.interests, &other.interests)
            && within(&self.categories, &other.categories)
    }

    /// The regions that the cohort covers, whose accounts are charged for its releases.
    pub fn regions_charged<'a>(&'a self, vocabulary: &'a Vocabulary) -> Vec<&'a str> {
        if self.regions.is_empty() {
            vocabulary.regions.iter().map(String::as_str).collect()
        } else {
            self.regions.iter().map(String::as_str).collect()
        }
    }
}

fn parse_values(field: &str, given: Option<&[String]>, known: &BTreeSet<String>) -> Result<Vec<String>, Error> {
    let mut values = BTreeSet::new();
    for value in given.unwrap_or_default() {
        let value = value.trim().to_lowercase();
        if !known.contains(&value) {
            let value: String = value.chars().take(64).collect();
            let similar = most_similar(&value, known.iter().map(String::as_str));
            let hint =
                if similar.is_empty() { String::new() } else { format!(" Did you mean {}?", similar.join(", ")) };
            return Err(Error::NotInVocabulary {
                field: format!("definition.{field}"),
                message: format!("{value:?} is not in the vocabulary; query `vocabulary` for all values.{hint}"),
            });
        }
        values.insert(value);
    }
    if values.len() > MAX_VALUES {
        return Err(Error::input(
            format!("definition.{field}"),
            format!("at most {MAX_VALUES} different values, not {}.", values.len()),
        ));
    }
    Ok(values.into_iter().collect())
}

/// The numbers of the age bands that overlap an age range.
///
/// A range without limits, as a form without entries sends it, does not restrict the age: no bands, like no range.
///
/// # Errors
/// [`Error::BadUserInput`] if the range is empty, negative, or contains minors only.
pub fn overlapping_bands(age: AgeRange) -> Result<Vec<i32>, Error> {
    if age == AgeRange::default() {
        return Ok(Vec::new());
    }
    let (from, to) = (age.from.unwrap_or(AGE_BANDS[0].from), age.to.unwrap_or(i32::MAX));
    if from < 0 || to < AGE_BANDS[0].from {
        return Err(Error::input("definition.age", "only adults are counted: the minimum age is 18."));
    }
    if from > to {
        return Err(Error::input("definition.age", format!("`from` ({from}) is above `to` ({to}).")));
    }
    let overlaps = |band: &AgeBand| from <= band.to.unwrap_or(i32::MAX) && to >= band.from;
    Ok((1..).zip(AGE_BANDS).filter(|(_, band)| overlaps(band)).map(|(number, _)| number).collect())
}

/// The maximum length of a slug.
pub const MAX_SLUG_CHARS: usize = 60;
/// The maximum length of a segment's name, in characters.
const MAX_NAME_CHARS: usize = 120;
/// The maximum number of saved segments per partner.
pub const MAX_SEGMENTS: u64 = 1_000;

/// A segment to be saved.
#[derive(Clone, Debug)]
pub struct NewSegment {
    pub slug: String,
    pub name: String,
    pub definition: Definition,
}

impl NewSegment {
    /// Trims the name and validates slug and name; the definition is validated by [`Cohort::parse`].
    ///
    /// # Errors
    /// [`Error::BadUserInput`], naming the field.
    pub fn validated(self) -> Result<Self, Error> {
        if !is_slug(&self.slug) {
            return Err(Error::input(
                "slug",
                format!("must be 2 to {MAX_SLUG_CHARS} lowercase letters, digits and hyphens."),
            ));
        }
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > MAX_NAME_CHARS || name.chars().any(char::is_control) {
            return Err(Error::input(
                "name",
                format!("must be 1 to {MAX_NAME_CHARS} characters, without control characters."),
            ));
        }
        Ok(Self { name: name.to_owned(), ..self })
    }
}

/// A saved segment.
#[derive(Clone, Debug)]
pub struct SavedSegment {
    pub segment_id: String,
    /// `None`: shared with every partner.
    pub partner_id: Option<String>,
    pub slug: String,
    pub name: String,
    /// The definition in JSON, as stored.
    pub definition: String,
}

impl SavedSegment {
    /// The definition.
    ///
    /// # Errors
    /// [`Error::Internal`] if the stored text is not a definition.
    pub fn definition(&self) -> Result<Definition, Error> {
        serde_json::from_str(&self.definition).map_err(Error::internal)
    }
}

/// The hash of a definition in text form: 32 hexadecimal digits of its SHA-256.
#[must_use]
pub fn definition_hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text)[..16])
}

/// Whether a text is a valid slug of a segment: 2 to 60 characters of `a` to `z`, `0` to `9` and `-`.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    let is_allowed = |character: char| character.is_ascii_lowercase() || character.is_ascii_digit() || character == '-';
    (2..=MAX_SLUG_CHARS).contains(&text.len()) && text.chars().all(is_allowed)
}

/// The names of age bands, such as `25-34`, by their numbers.
#[must_use]
pub fn band_names(numbers: &[i32]) -> Vec<String> {
    let bands = (1..).zip(AGE_BANDS).filter(|(number, _)| numbers.contains(number));
    bands.map(|(_, band)| band.name.to_owned()).collect()
}

/// Up to three known values that are similar to a misspelled one, most similar first.
pub fn most_similar<'a>(value: &str, known: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut similar: Vec<_> = known
        .map(|candidate| (strsim::normalized_damerau_levenshtein(value, candidate), candidate))
        .filter(|(similarity, candidate)| *similarity >= 0.5 || (value.len() >= 3 && candidate.contains(value)))
        .collect();
    similar.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    similar.into_iter().take(3).map(|(_, candidate)| candidate.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let set = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect();
        Vocabulary {
            regions: set(&["us-nyc-manhattan", "us-nyc-queens"]),
            interests: set(&["food", "nightlife", "outdoors", "shopping"]),
            categories: set(&["coffee_shop"]),
        }
    }

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn order_repeats_and_case_do_not_matter() {
        let one = Definition { interests: Some(list(&["Food", "nightlife", "food "])), ..Definition::default() };
        let two = Definition {
            interests: Some(list(&["nightlife", "food"])),
            regions: Some(list(&[])),
            ..Definition::default()
        };
        let canonical = |definition| Cohort::parse(definition, &vocabulary()).unwrap().canonical();
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(canonical(&one), "regions=;bands=;interests=food|nightlife;categories=");
    }

    #[test]
    fn a_canonical_form_is_read_back() {
        let cohort = Cohort {
            regions: list(&["us-nyc-manhattan", "us-nyc-queens"]),
            bands: vec![2, 3],
            interests: Vec::new(),
            categories: list(&["coffee_shop"]),
        };
        assert_eq!(Cohort::from_canonical(&cohort.canonical()), Some(cohort));
        assert_eq!(Cohort::from_canonical(&Cohort::default().canonical()), Some(Cohort::default()));
        assert_eq!(Cohort::from_canonical("regions=a;bands=x;interests=;categories="), None);
    }

    #[test]
    fn one_segment_lies_within_another_field_by_field() {
        let cohort = |regions: &[&str], bands: &[i32], interests: &[&str]| Cohort {
            regions: list(regions),
            bands: bands.to_vec(),
            interests: list(interests),
            categories: Vec::new(),
        };
        let within = |inner: &Cohort, outer: &Cohort| inner.is_within(outer, &vocabulary());
        let all = Cohort::default();
        let some = cohort(&["us-nyc-queens"], &[2], &["food"]);
        assert!(within(&some, &all) && within(&some, &some) && !within(&all, &some));
        assert!(within(&some, &cohort(&["us-nyc-queens"], &[2, 3], &["food", "nightlife"])));
        assert!(!within(&some, &cohort(&["us-nyc-manhattan"], &[2], &["food"])));
        // A list of all age bands is not equal to "all ages", because it excludes unknown ages. A list of all regions
        // is equal to "all regions".
        let named = cohort(&["us-nyc-manhattan", "us-nyc-queens"], &[1, 2, 3, 4, 5, 6], &[]);
        assert!(within(&named, &all) && !within(&all, &named));
        assert!(within(&all, &cohort(&["us-nyc-manhattan", "us-nyc-queens"], &[], &[])));
    }

    #[test]
    fn ages_are_widened_to_whole_bands() {
        let bands = |from, to| super::overlapping_bands(AgeRange { from, to });
        assert_eq!(bands(Some(30), Some(36)).unwrap(), [2, 3]);
        assert!(bands(None, None).unwrap().is_empty(), "a blank range includes people of unknown age");
        assert_eq!(bands(Some(18), None).unwrap(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(bands(Some(16), Some(18)).unwrap(), [1]);
        assert_eq!(bands(Some(90), None).unwrap(), [6]);
        for (from, to) in [(Some(40), Some(30)), (None, Some(17)), (Some(-1), None)] {
            assert_eq!(bands(from, to).unwrap_err().code(), "BAD_USER_INPUT");
        }
    }

    #[test]
    fn minors_have_no_band_and_unknown_ages_have_band_0() {
        assert_eq!(
            [None, Some(17), Some(18), Some(34), Some(99)].map(age_band),
            [Some(0), None, Some(1), Some(2), Some(6)]
        );
    }

    #[test]
    fn an_unknown_value_is_rejected_with_suggestions() {
        let definition = Definition { regions: Some(list(&["us-nyc-manhatan"])), ..Definition::default() };
        let error = Cohort::parse(&definition, &vocabulary()).unwrap_err();
        assert!(error.message().contains("Did you mean us-nyc-manhattan"), "{}", error.message());
        let four = Some(list(&["food", "nightlife", "outdoors", "shopping"]));
        let error = Cohort::parse(&Definition { interests: four, ..Definition::default() }, &vocabulary()).unwrap_err();
        assert!(error.message().contains("at most 3 different values"), "{}", error.message());
    }
}
