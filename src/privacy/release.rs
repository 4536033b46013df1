//! The only way out: `Exact<T>` -> noise -> a stored row -> [`Released`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    bundles::{Bundle, K_MIN, PUBLICATION_LINE},
    noise::NoiseSource,
};
use crate::{epoch::Window, error::Error, mutant::Mutant};

/// An exact value about people. It has no way out: no `Debug`, no `Display`, no serialization, no GraphQL output.
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
/// Nor can it be printed, where the struct around it can:
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
    /// Marks a value as exact. There is no way to unmark it but [`Exact::publish`].
    pub fn new(value: T) -> Self {
        Self(value)
    }
}

/// Sums over a cohort, in the order of the bundle's groups.
pub type Sums = Vec<i64>;

impl Exact<Sums> {
    /// Whether two engines agree to the last bit, and nothing else about either.
    #[must_use]
    pub fn same_as(&self, other: &Self) -> bool {
        self.0 == other.0
    }

    /// Adds the noise and applies the size rule: the exact sums are gone after it.
    ///
    /// All noise is drawn, also for a release that will be suppressed.
    ///
    /// # Errors
    /// No randomness, or a sum of the wrong width (a slip of an engine).
    pub fn publish(self, release_key: &str, bundle: Bundle, noise: &dyn NoiseSource) -> Result<Outcome, Error> {
        let noise = noise.draw(release_key, bundle)?;
        if self.0.len() != bundle.width() || noise.len() != bundle.width() {
            return Err(Error::internal(format!("{} sums of {} numbers", bundle.name(), self.0.len())));
        }
        let noisy: Vec<i64> = self.0.iter().zip(&noise).map(|(sum, noise)| sum.saturating_add(*noise)).collect();
        // Testing the exact count alone would tell 99 from 100 with certainty; the noisy line makes that a 1e-9 event.
        let floor = if Mutant::Floor.is_on() { 0 } else { K_MIN };
        if bundle == Bundle::Size && (self.0[0] < floor || noisy[0] < PUBLICATION_LINE) {
            return Ok(Outcome::Suppressed);
        }
        Ok(Outcome::Ready(Payload { values: noisy }))
    }
}

/// What a draw ended in.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    Ready(Payload),
    /// Below the size rule. Nothing of it is kept, not even the noisy size.
    Suppressed,
}

/// What a stored release holds: noisy integers in the order of the bundle's groups.
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
    /// `None`: suppressed.
    pub payload: Option<Payload>,
}

/// A release that may be shown, with the noisy size by which its means are divided.
#[derive(Clone, Debug)]
pub struct Released {
    pub size: Arc<Release>,
    pub release: Arc<Release>,
    pub people: i64,
    values: Arc<[i64]>,
}

impl Released {
    /// Pairs a release with its segment's size.
    ///
    /// # Errors
    /// [`Error::InsufficientData`] if the size was suppressed.
    pub fn pair(size: Arc<Release>, release: Arc<Release>) -> Result<Self, Error> {
        let people = size.payload.as_ref().ok_or_else(Error::below_threshold)?.values[0];
        let values = release.payload.as_ref().ok_or_else(Error::below_threshold)?.values.clone().into();
        Ok(Self { size, release, people, values })
    }

    /// The noisy sums of a group, in its units, and their sigma in the same units.
    #[must_use]
    pub fn sums(&self, group: &str) -> (Vec<f64>, f64) {
        let (group, start) = self.release.bundle.group(group);
        let scale = group.scale as f64;
        let sums = self.values[start..start + group.size].iter().map(|value| *value as f64 / scale).collect();
        (sums, group.sigma() / scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of the test's choosing: only here, where nothing can be published.
    struct Fixed(i64);

    impl NoiseSource for Fixed {
        fn draw(&self, _: &str, bundle: Bundle) -> Result<Vec<i64>, Error> {
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
