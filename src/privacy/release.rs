//! The only path from exact sums to a response: [`Exact`] -> noise -> stored row -> [`Released`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    bundles::{Bundle, Group, K_MIN, PUBLICATION_THRESHOLD},
    noise::NoiseSource,
};
use crate::domain::{epoch::Window, error::Error, mutant::Mutant};

/// An exact value about people. It cannot be output: it has no `Debug`, no `Display`, no serialization and no GraphQL
/// output type.
///
/// A released value can be a field:
///
/// ```
/// struct Answer;
/// #[async_graphql::Object]
/// impl Answer {
///     async fn size(&self) -> i64 { 300 }
/// }
/// ```
///
/// The same field with an exact value does not compile:
///
/// ```compile_fail
/// struct Answer(spots_enrichment::privacy::Exact<i64>);
/// #[async_graphql::Object]
/// impl Answer {
///     async fn size(&self) -> &spots_enrichment::privacy::Exact<i64> { &self.0 }
/// }
/// ```
///
/// A function can take it as an argument, but cannot print it:
///
/// ```
/// fn log(value: &spots_enrichment::privacy::Exact<i64>) { let _ = value; }
/// ```
///
/// ```compile_fail
/// fn log(value: &spots_enrichment::privacy::Exact<i64>) { println!("{value:?}"); }
/// ```
pub struct Exact<T>(T);

impl<T> Exact<T> {
    /// Wraps an exact value. Only [`Exact::publish`] unwraps it.
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

/// Sums over a cohort, in the order of the bundle's groups.
pub type Sums = Vec<i64>;

impl Exact<Sums> {
    /// Whether two vectors of sums are equal. For tests that compare engines; it reveals nothing else about the sums.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Adds noise and applies the size rule. Consumes the exact sums.
    ///
    /// All noise is sampled, also for a release that will be suppressed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the random number generator is unavailable. [`Error::Internal`] if the number of sums
    /// or of noise values differs from the width of the bundle.
    pub fn publish(self, release_key: &str, bundle: Bundle, noise: &dyn NoiseSource) -> Result<Outcome, Error> {
        let noise = noise.sample(release_key, bundle)?;
        if self.0.len() != bundle.width() || noise.len() != bundle.width() {
            return Err(Error::internal(format!("{}: wrong number of values ({} sums)", bundle.name(), self.0.len())));
        }
        let noisy: Vec<i64> = self.0.iter().zip(&noise).map(|(sum, noise)| sum.saturating_add(*noise)).collect();
        // A test of the exact count alone would distinguish 99 from 100 people with certainty. With the noisy
        // threshold, a segment of 100 people is published with a probability of only 1e-9.
        let floor = if Mutant::Floor.is_on() { 0 } else { K_MIN };
        if bundle == Bundle::Size && (self.0[0] < floor || noisy[0] < PUBLICATION_THRESHOLD) {
            return Ok(Outcome::Suppressed);
        }
        Ok(Outcome::Ready(Payload { values: noisy }))
    }
}

/// The outcome of a release.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Ready(Payload),
    /// The size rule is not met. No values are kept, not even the noisy size.
    Suppressed,
}

/// The content of a stored release: noisy integers in the order of the bundle's groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payload {
    pub values: Vec<i64>,
}

/// A stored release, as read back from its row.
#[derive(Clone, Debug)]
pub struct Release {
    pub key: String,
    pub bundle: Bundle,
    pub window: Window,
    /// `None` if the release was suppressed.
    pub payload: Option<Payload>,
}

/// A release that may be returned, with the noisy size by which its means are divided.
#[derive(Clone, Debug)]
pub struct Released {
    pub size: Arc<Release>,
    pub release: Arc<Release>,
    pub people: i64,
    values: Arc<[i64]>,
}

impl Released {
    /// Pairs a release with the size of its segment.
    ///
    /// # Errors
    /// [`Error::InsufficientData`] if one of the two was suppressed.
    pub fn pair(size: Arc<Release>, release: Arc<Release>) -> Result<Self, Error> {
        let people = size.payload.as_ref().ok_or_else(Error::below_threshold)?.values[0];
        let values = release.payload.as_ref().ok_or_else(Error::below_threshold)?.values.clone().into();
        Ok(Self { size, release, people, values })
    }

    /// The noisy sums of a group and their sigma, both divided by the scale of the group.
    ///
    /// # Errors
    /// [`Error::Internal`] if the group is not part of the release.
    pub fn sums(&self, group: Group) -> Result<(Vec<f64>, f64), Error> {
        let values = self.values.get(group.range()).filter(|_| group.bundle() == self.release.bundle);
        let values = values.ok_or_else(|| Error::internal(format!("{group:?} is not part of the release")))?;
        let spec = group.spec();
        let scale = spec.scale as f64;
        Ok((values.iter().map(|value| *value as f64 / scale).collect(), spec.sigma_of_sums()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constant noise, for tests only.
    struct Fixed(i64);

    impl NoiseSource for Fixed {
        fn sample(&self, _: &str, bundle: Bundle) -> Result<Vec<i64>, Error> {
            Ok(vec![self.0; bundle.width()])
        }
    }

    #[test]
    fn a_size_is_published_only_above_the_floor_and_the_noisy_line() {
        let publish = |n: i64, noise: i64| Exact::new(vec![n]).publish("k", Bundle::Size, &Fixed(noise)).unwrap();
        assert_eq!(publish(99, 10_000), Outcome::Suppressed);
        assert_eq!(publish(100, 155), Outcome::Suppressed);
        assert_eq!(publish(100, 156), Outcome::Ready(Payload { values: vec![256] }));
        assert_eq!(publish(5_000, -4_745), Outcome::Suppressed);
        assert_eq!(publish(5_000, 3), Outcome::Ready(Payload { values: vec![5_003] }));
    }

    #[test]
    fn sums_of_the_wrong_width_are_refused() {
        assert_eq!(Exact::new(vec![1, 2]).publish("k", Bundle::Size, &Fixed(0)), Err(Error::Internal));
    }
}
