//! The only path from exact sums to a response: [`Exact`] -> noise -> stored rows -> [`Released`].

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    bundles::{Bundle, Group, K_MIN},
    noise::NoiseSource,
    steps::{STEPS, publication_threshold, weight},
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

    /// Samples steps of a bundle: adds the noise of each step to the sums, and applies the size rule to a size.
    /// Consumes the exact sums.
    ///
    /// `before` are the steps of the same bundle that come before the first of `keys`: pairs of a step and the key of
    /// its release, one after the other.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the random number generator is unavailable. [`Error::Internal`] if the number of sums
    /// or of noise values differs from the width of the bundle.
    pub fn publish(
        self,
        bundle: Bundle,
        before: &[Arc<StepRow>],
        keys: &[(u8, String)],
        noise: &dyn NoiseSource,
    ) -> Result<Vec<Arc<StepRow>>, Error> {
        // A test of the exact count alone would distinguish 99 from 100 people with certainty. With the noisy
        // threshold, a segment of 100 people passes a step with a probability of only 1e-9.
        let floor = if Mutant::Floor.is_on() { 0 } else { K_MIN };
        let mut rows = before.to_vec();
        for (step, key) in keys {
            let mut noise = noise.sample(key, bundle, *step)?;
            if Mutant::Reuse.is_on() {
                // The noise of the first step again, scaled to the sigma of this one.
                noise = first_again(bundle, before, &rows, *step, &self.0).unwrap_or(noise);
            }
            if self.0.len() != bundle.width() || noise.len() != bundle.width() {
                let message = format!("{}: wrong number of values ({} sums)", bundle.name(), self.0.len());
                return Err(Error::internal(message));
            }
            let values: Vec<i64> = self.0.iter().zip(&noise).map(|(sum, noise)| sum.saturating_add(*noise)).collect();
            let mut row = StepRow { key: key.clone(), step: *step, passed: true, values: Some(values) };
            if bundle == Bundle::Size && !rows.iter().any(|row| row.passed) {
                let people = people_of(rows.iter().map(Arc::as_ref).chain([&row]));
                row.passed = self.0[0] >= floor && people >= publication_threshold(*step) as f64;
                if !row.passed && *step == STEPS {
                    row.values = None;
                }
            }
            rows.push(Arc::new(row));
        }
        Ok(rows.split_off(before.len()))
    }
}

/// The fault [`Mutant::Reuse`]: the noise of the first step, scaled to the noise of `step`.
fn first_again(
    bundle: Bundle,
    before: &[Arc<StepRow>],
    rows: &[Arc<StepRow>],
    step: u8,
    sums: &[i64],
) -> Option<Vec<i64>> {
    let first = rows.first().filter(|row| before.is_empty() && row.step == 1)?.values.as_ref()?;
    let weights = (weight(1), weight(step));
    let scaled = |(value, sum): (&i64, &i64)| {
        #[expect(clippy::cast_possible_truncation, reason = "a fault for tests")]
        let scaled = ((value - sum) as f64 * (weights.0 as f64 / weights.1 as f64).sqrt()) as i64;
        scaled
    };
    (bundle.width() == sums.len()).then(|| first.iter().zip(sums).map(scaled).collect())
}

/// A stored step of a bundle, as read back from its row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// The key of the release.
    pub key: String,
    /// From 1; 0 for a release of the policy 2026-1.
    pub step: u8,
    /// Of a size: whether the segment passes the size rule with this step or passed it before. True for other bundles.
    pub passed: bool,
    /// The noisy sums, in the order of the bundle's groups. `None` for the last step of a size that does not pass.
    pub values: Option<Vec<i64>>,
}

/// The noisy sums of steps, as stored.
#[derive(Serialize, Deserialize)]
pub struct Payload {
    pub values: Vec<i64>,
}

/// The mean of the steps of a release, weighted by their shares of the privacy loss.
fn weighted<'a>(rows: impl Iterator<Item = &'a StepRow>) -> Vec<f64> {
    let (mut sums, mut weights): (Vec<f64>, i64) = (Vec::new(), 0);
    for row in rows {
        let Some(values) = &row.values else { continue };
        let weight = if Mutant::Weights.is_on() { 1 } else { weight(row.step) };
        sums.resize(values.len(), 0.0);
        for (sum, value) in sums.iter_mut().zip(values) {
            *sum += weight as f64 * *value as f64;
        }
        weights += weight;
    }
    sums.iter().map(|sum| sum / weights as f64).collect()
}

/// The noisy number of people from the steps of a size; 0 if no value is stored.
pub fn people_of<'a>(rows: impl Iterator<Item = &'a StepRow>) -> f64 {
    weighted(rows).first().copied().unwrap_or(0.0)
}

/// A release that may be returned: the mean of its first steps.
#[derive(Clone, Debug)]
pub struct Release {
    /// The key of the last step. Equal keys mean the same numbers.
    pub key: String,
    pub bundle: Bundle,
    pub window: Window,
    /// The number of steps; 0 for a release of the policy 2026-1.
    pub steps: u8,
    /// The noisy sums in integer steps of their group.
    values: Vec<f64>,
}

impl Release {
    /// Combines the first steps of a release.
    ///
    /// # Errors
    /// [`Error::InsufficientData`] if they are a size that does not pass the size rule. [`Error::Internal`] if there is
    /// no step.
    pub fn combine(bundle: Bundle, window: Window, rows: &[Arc<StepRow>]) -> Result<Self, Error> {
        let last = rows.last().ok_or_else(|| Error::internal("a release has no step"))?;
        if !last.passed {
            return Err(Error::below_threshold());
        }
        let values = weighted(rows.iter().map(Arc::as_ref));
        Ok(Self { key: last.key.clone(), bundle, window, steps: last.step, values })
    }
}

/// A release with the noisy size by which its means are divided.
#[derive(Clone, Debug)]
pub struct Released {
    pub size: Arc<Release>,
    pub release: Arc<Release>,
    /// The noisy number of people.
    pub people: f64,
}

impl Released {
    /// Pairs a release with the size of its segment.
    #[must_use]
    pub fn pair(size: Arc<Release>, release: Arc<Release>) -> Self {
        Self { people: size.values.first().copied().unwrap_or(0.0), size, release }
    }

    /// The standard error of the noisy number of people.
    #[must_use]
    pub fn sigma_people(&self) -> f64 {
        Group::Size.spec().sigma_of_first(self.size.steps)
    }

    /// The noisy sums of a group and their sigma, both divided by the scale of the group.
    ///
    /// # Errors
    /// [`Error::Internal`] if the group is not part of the release.
    pub fn sums(&self, group: Group) -> Result<(Vec<f64>, f64), Error> {
        let values = self.release.values.get(group.range()).filter(|_| group.bundle() == self.release.bundle);
        let values = values.ok_or_else(|| Error::internal(format!("{group:?} is not part of the release")))?;
        let spec = group.spec();
        let scale = spec.scale as f64;
        Ok((values.iter().map(|value| value / scale).collect(), spec.sigma_of_first(self.release.steps)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Constant noise, for tests only.
    struct Fixed(i64);

    impl NoiseSource for Fixed {
        fn sample(&self, _: &str, bundle: Bundle, _: u8) -> Result<Vec<i64>, Error> {
            Ok(vec![self.0; bundle.width()])
        }
    }

    fn keys(steps: std::ops::RangeInclusive<u8>) -> Vec<(u8, String)> {
        steps.map(|step| (step, format!("k{step}"))).collect()
    }

    /// The step with which a size of `people` passes, with the same noise in each step.
    fn passes_at(people: i64, noise: i64) -> Option<u8> {
        let rows = Exact::new(vec![people]).publish(Bundle::Size, &[], &keys(1..=5), &Fixed(noise)).unwrap();
        rows.iter().find(|row| row.passed).map(|row| row.step)
    }

    #[test]
    fn a_size_passes_only_above_the_floor_and_the_threshold_of_its_steps() {
        assert_eq!([passes_at(99, 10_000), passes_at(100, 155), passes_at(100, 156)], [None, None, Some(5)]);
        assert_eq!([passes_at(2_596, 0), passes_at(2_595, 0), passes_at(1_347, 0)], [Some(1), Some(2), Some(3)]);
        assert_eq!([passes_at(500, 0), passes_at(411, 0), passes_at(5_000, -4_745)], [Some(4), Some(5), None]);
    }

    #[test]
    fn later_steps_of_a_size_that_passed_are_published_too() {
        let first = Exact::new(vec![3_000]).publish(Bundle::Size, &[], &keys(1..=1), &Fixed(0)).unwrap();
        let later = Exact::new(vec![3_000]).publish(Bundle::Size, &first, &keys(2..=2), &Fixed(-2_900)).unwrap();
        assert!(later[0].passed && later[0].values == Some(vec![100]));
        let refused = Exact::new(vec![50]).publish(Bundle::Size, &[], &keys(1..=5), &Fixed(0)).unwrap();
        assert_eq!(refused[4], StepRow { key: "k5".to_owned(), step: 5, passed: false, values: None }.into());
    }

    #[test]
    fn steps_are_weighted_by_their_shares() {
        let row = |step: u8, value: i64| {
            Arc::new(StepRow {
                key: format!("k{step}"),
                step,
                passed: true,
                values: Some(vec![value, 0, 0, 4 * value]),
            })
        };
        let window = Window { epoch_id: 1, ends_at: 0, length: crate::domain::epoch::WindowLength::Days28 };
        let combine = |rows: &[Arc<StepRow>]| Release::combine(Bundle::Network, window, rows).unwrap();
        assert_eq!(combine(&[row(1, 40_000)]).values, [40_000.0, 0.0, 0.0, 160_000.0]);
        let three = combine(&[row(1, 40_000), row(2, 8_000), row(3, -8_000)]);
        assert_eq!((three.values[0], three.steps, three.key.as_str()), (-2_000.0, 3, "k3"));
        let released = Released::pair(Arc::new(combine(&[row(0, 7)])), Arc::new(three));
        let (sums, sigma) = released.sums(Group::Network).unwrap();
        assert!((sums[3] + 0.8).abs() < 1e-12 && (sigma / 49.187 - 4.0).abs() < 1e-4, "{sums:?} {sigma}");
    }

    #[test]
    fn sums_of_the_wrong_width_are_refused() {
        let refused = Exact::new(vec![1, 2]).publish(Bundle::Size, &[], &keys(1..=1), &Fixed(0));
        assert_eq!(refused, Err(Error::Internal));
    }
}
