//! A released mixture: the density matrix of a segment, computed from its noisy second moments, and numbers derived
//! from it with their errors. This is post-processing: it costs no privacy budget and reads no data.
//!
//! The noise of MOMENTS has the same standard error in every direction of length 1, so the error of a number follows
//! from the length of its gradient. All matrices here have trace 1, which removes the part of a gradient along I.
//! Values are computed from the nearest density matrix. Intervals are computed from the unbiased noisy matrix and
//! widened where they do not contain the value (`docs/personality.md`, "Intervals").

use std::f64::consts::FRAC_PI_2;

use super::estimate::{Estimate, Z95};
use crate::{
    domain::error::Error,
    privacy::{Group, Released, contribution::moment_places},
};
use personality_math::{Density, ProductVector, SIDE, Square, entropy};

/// The dimension of the space of symmetric 13 x 13 matrices of trace 1.
const DIRECTIONS: f64 = 90.0;
/// The bound on the change of an eigenvalue by the noise, in standard errors of the noise, with 97.5 % probability: the
/// largest absolute eigenvalue of the noise (simulated; a test repeats the simulation).
const EIGENVALUE_BOUND: f64 = 5.71;
/// 97.5 % of a normal error lie within this number of standard errors.
const Z_97_5: f64 = 2.2414;
/// The bound on the length of the noise, in standard errors of the noise, with 98.75 % probability (chi with 90 degrees
/// of freedom).
const NOISE_LENGTH_BOUND: f64 = 11.08;
/// 98.75 % of a normal error lie within this number of standard errors.
const Z_98_75: f64 = 2.4977;

/// The second moments of a segment's states.
pub struct Mixture {
    /// The unbiased noisy matrix: trace 1, possibly with negative eigenvalues.
    noisy: Square,
    rho: Density,
    /// The standard error of the noise in any direction of length 1.
    sigma: f64,
    /// The relative standard error of the size.
    sigma_size: f64,
}

impl Mixture {
    /// Computes the mixture of a release of MOMENTS.
    ///
    /// # Errors
    /// [`Error::Internal`] if the release is not one of MOMENTS.
    pub fn read(released: &Released) -> Result<Self, Error> {
        let (sums, sigma) = released.sums(Group::Moments)?;
        let people = released.people;
        let mut noisy = Square::identity() / SIDE as f64;
        for (sum, (i, j)) in sums.iter().zip(moment_places()) {
            if i == j {
                noisy[(i, i)] += sum / people;
            } else {
                noisy[(i, j)] = sum / people / 2.0_f64.sqrt();
                noisy[(j, i)] = noisy[(i, j)];
            }
        }
        Ok(Self::new(&noisy, sigma / people, released.sigma_people() / people))
    }

    fn new(noisy: &Square, sigma: f64, sigma_size: f64) -> Self {
        let lack = (1.0 - noisy.trace()) / SIDE as f64;
        let noisy = noisy + Square::identity() * lack;
        Self { rho: Density::nearest(&noisy), noisy, sigma, sigma_size }
    }

    /// The nearest density matrix.
    #[must_use]
    pub fn rho(&self) -> &Density {
        &self.rho
    }

    /// The standard error of the noise in any direction of length 1, and the relative standard error of the size.
    #[must_use]
    pub fn sigmas(&self) -> (f64, f64) {
        (self.sigma, self.sigma_size)
    }

    /// The compatibility of the people with a product, 0 to 1.
    #[must_use]
    pub fn compatibility(&self, product: &ProductVector) -> Estimate {
        let value = self.rho.compatibility(product);
        self.estimate(value, &self.rho.compatibility_gradient(product)).clamped(0.0, 1.0)
    }

    /// The correlation of two dimensions, -1 to 1.
    #[must_use]
    pub fn correlation(&self, i: usize, j: usize) -> Estimate {
        let value = self.rho.correlation(i, j);
        match self.rho.correlation_gradient(i, j) {
            Some(gradient) => self.estimate(value, &gradient).clamped(-1.0, 1.0),
            // The noise left no positive variance, so the interval covers the whole range.
            None => Estimate::new(value, 1.0).clamped(-1.0, 1.0),
        }
    }

    /// tr(rho^2): the mean of |<psi|phi>|^2 over all pairs of people, 1/13 to 1.
    #[must_use]
    pub fn purity(&self) -> Estimate {
        // The expectation of the squared noise is subtracted from the squared norm of the matrix.
        let unbiased = self.noisy.norm_squared() - DIRECTIONS * self.sigma.powi(2);
        let linear = self.sigma_along(&(self.noisy * 2.0));
        let sigma = linear.hypot((2.0 * DIRECTIONS).sqrt() * self.sigma.powi(2));
        widened(self.rho.overlap(&self.rho), unbiased, sigma).clamped(1.0 / SIDE as f64, 1.0)
    }

    /// tr(rho sigma): the mean of |<psi|phi>|^2 over all pairs of a person of this segment and a person of the other,
    /// 0 to 1.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Estimate {
        let linear = self.sigma_along(&other.noisy).hypot(other.sigma_along(&self.noisy));
        let sigma = linear.hypot(DIRECTIONS.sqrt() * self.sigma * other.sigma);
        widened(self.rho.overlap(&other.rho), self.noisy.dot(&other.noisy), sigma).clamped(0.0, 1.0)
    }

    /// The von Neumann entropy in nats, 0 to ln 13. Its interval contains the entropy of every spectrum that the noise
    /// allows: no eigenvalue moves further than the noise's largest eigenvalue (Weyl's inequality).
    #[must_use]
    pub fn entropy(&self) -> Estimate {
        let value = entropy(self.rho.eigenvalues().iter().copied());
        let reach =
            EIGENVALUE_BOUND * self.sigma + Z_97_5 * self.sigma_size * self.centered().symmetric_eigenvalues().amax();
        let mut noisy: Vec<f64> = self.noisy.symmetric_eigenvalues().iter().copied().collect();
        noisy.sort_by(|a, b| b.total_cmp(a));
        let ranges: Vec<(f64, f64)> =
            noisy.iter().map(|p| ((p - reach).clamp(0.0, 1.0), (p + reach).clamp(0.0, 1.0))).collect();
        let low = entropy(min_entropy_spectrum(&ranges)).min(value);
        let high = entropy(max_entropy_spectrum(&ranges)).max(value);
        Estimate { value, sigma: (high - low) / (2.0 * Z95), low, high }
    }

    /// The fidelity with another segment, 0 to 1. Its interval contains the fidelity of every pair of states that the
    /// noise allows: the angle arccos sqrt F is a distance (Bures), a state within trace distance D lies within the
    /// angle arccos(1 - D) (Fuchs & van de Graaf 1999), and F is at least the overlap.
    #[must_use]
    pub fn fidelity(&self, other: &Self) -> Estimate {
        let value = self.rho.fidelity(&other.rho);
        let reaches = [self, other].map(|mixture| {
            NOISE_LENGTH_BOUND * mixture.sigma + Z_98_75 * mixture.sigma_size * mixture.centered().norm()
        });
        // The projection onto density matrices moves no state further away, and a trace norm is at most sqrt 13 times
        // the Frobenius norm.
        let turn: f64 = reaches.iter().map(|reach| (1.0 - (SIDE as f64).sqrt() / 2.0 * reach).max(0.0).acos()).sum();
        let angle = value.sqrt().min(1.0).acos();
        let overlap = self.rho.overlap(&other.rho)
            - reaches[0] * other.centered().norm()
            - reaches[1] * self.centered().norm()
            - reaches[0] * reaches[1];
        let low = (angle + turn).min(FRAC_PI_2).cos().powi(2).max(overlap).min(value);
        let high = (angle - turn).max(0.0).cos().powi(2).max(value);
        Estimate { value, sigma: (high - low) / (2.0 * Z95), low, high }
    }

    /// X - I/13: the matrix that the relative error of the size scales.
    fn centered(&self) -> Square {
        self.noisy - Square::identity() / SIDE as f64
    }

    /// The standard error of a number with this gradient, from the noise of the matrix and of the size.
    fn sigma_along(&self, gradient: &Square) -> f64 {
        let within = gradient - Square::identity() * (gradient.trace() / SIDE as f64);
        (self.sigma * within.norm()).hypot(self.sigma_size * gradient.dot(&self.centered()))
    }

    fn estimate(&self, value: f64, gradient: &Square) -> Estimate {
        let unbiased = value + gradient.dot(&(self.noisy - self.rho.matrix()));
        widened(value, unbiased, self.sigma_along(gradient))
    }
}

/// A value with the 95 % interval of an unbiased estimate, widened to contain the value.
fn widened(value: f64, unbiased: f64, sigma: f64) -> Estimate {
    let Estimate { low, high, .. } = Estimate::new(unbiased, sigma);
    Estimate { value, sigma, low: low.min(value), high: high.max(value) }
}

/// The spectrum within these ranges (largest first) that sums to 1 and has the least entropy: the first eigenvalues
/// take as much of the remaining sum as their ranges allow.
fn min_entropy_spectrum(ranges: &[(f64, f64)]) -> Vec<f64> {
    let mut rest = 1.0 - ranges.iter().map(|(low, _)| low).sum::<f64>();
    let take = |(low, high): &(f64, f64)| {
        let more = rest.clamp(0.0, high - low);
        rest -= more;
        low + more
    };
    ranges.iter().map(take).collect()
}

/// The spectrum within these ranges that sums to 1 and has the most entropy: all eigenvalues are equal, clamped to
/// their ranges.
fn max_entropy_spectrum(ranges: &[(f64, f64)]) -> Vec<f64> {
    let at = |level: f64| -> Vec<f64> { ranges.iter().map(|(low, high)| level.clamp(*low, *high)).collect() };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at(middle).iter().sum::<f64>() < 1.0 { low = middle } else { high = middle }
    }
    at(high)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand_chacha::ChaCha20Rng;

    use super::*;
    use crate::privacy::{Bundle, noise};
    use personality_math::{Vector, person};

    /// The states of deterministic people around a center.
    fn states(centre: f64, count: u32) -> Vec<Vector> {
        let x = |number: u32, k: u32| {
            let phase = f64::from(number * (k + 3)) * 0.618_034;
            (centre + 0.35 * (phase.fract() - 0.5) + 0.2 * ((f64::from(number) * 0.414_214).fract() - 0.5))
                .clamp(0.0, 1.0)
        };
        (0..count).map(|number| person(&std::array::from_fn(|k| x(number, u32::try_from(k).unwrap())))).collect()
    }

    fn exact(centre: f64) -> Density {
        Density::mixture(&states(centre, 500)).unwrap()
    }

    /// The mixture that a release of this number of people with the state `rho` would show.
    fn noisy(rho: &Density, people: f64, rng: &mut ChaCha20Rng) -> Mixture {
        let size = people + noise::sample(Bundle::Size, 0, rng).unwrap()[0] as f64;
        let noise = noise::sample(Bundle::Moments, 0, rng).unwrap();
        let mut matrix = Square::identity() / SIDE as f64;
        let centered = rho.matrix() - matrix;
        for (noise, (i, j)) in noise.iter().zip(moment_places()) {
            let noise = *noise as f64 / 1e8 / if i == j { 1.0 } else { 2.0_f64.sqrt() };
            let entry = (centered[(i, j)] * people + noise) / size;
            matrix[(i, j)] += entry;
            if i != j {
                matrix[(j, i)] += entry;
            }
        }
        let group = Group::Moments.spec();
        Mixture::new(&matrix, group.sigma() / 1e8 / size, Group::Size.spec().sigma() / size)
    }

    /// 95 % of 200 intervals contain the number without noise, for each number and at each size. The bound lies four
    /// standard errors (3.1 each) below, and the seed is fixed.
    #[test]
    fn intervals_hold_what_they_promise() {
        let (here, there) = (exact(0.4), exact(0.6));
        let full = ProductVector::new([Some(0.7); 12]).unwrap();
        let some = full.only(|k| k % 5 == 0).unwrap();
        let one = full.only(|k| k == 10).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        for people in [300.0, 1_000.0, 3_000.0, 30_000.0] {
            let mut held = [0; 9];
            for _ in 0..200 {
                let (a, b) = (noisy(&here, people, &mut rng), noisy(&there, 2.0 * people, &mut rng));
                let numbers = [
                    (a.compatibility(&full), here.compatibility(&full)),
                    (a.compatibility(&some), here.compatibility(&some)),
                    (a.compatibility(&one), here.compatibility(&one)),
                    (a.purity(), here.overlap(&here)),
                    (a.overlap(&b), here.overlap(&there)),
                    (a.entropy(), entropy(here.eigenvalues().iter().copied())),
                    (a.fidelity(&b), here.fidelity(&there)),
                    (a.correlation(0, 1), here.correlation(0, 1)),
                    (a.correlation(2, 7), here.correlation(2, 7)),
                ];
                for (held, (estimate, truth)) in held.iter_mut().zip(numbers) {
                    assert!(estimate.low <= estimate.value && estimate.value <= estimate.high, "{estimate:?}");
                    *held += i32::from(estimate.low <= truth && truth <= estimate.high);
                }
            }
            // Correlations are checked from 1,000 people on: below, the noise is as large as the variances, and a
            // correlation is not a linear function of it.
            let many = if people < 1_000.0 { 7 } else { 9 };
            assert!(held[..many].iter().all(|held| *held >= 178), "{people} people: {held:?} of 200");
        }
    }

    #[test]
    fn errors_fall_with_the_number_of_people() {
        let rho = exact(0.4);
        let product = ProductVector::new([Some(0.7); 12]).unwrap();
        let mut rng = ChaCha20Rng::seed_from_u64(5);
        let (few, many) = (noisy(&rho, 1_000.0, &mut rng), noisy(&rho, 1e6, &mut rng));
        let width = |estimate: Estimate| estimate.high - estimate.low;
        assert!((width(many.compatibility(&product)) * 1_000.0 / width(few.compatibility(&product)) - 1.0).abs() < 0.1);
        assert!(width(many.entropy()) < 0.01 && width(many.fidelity(&many)) < 0.01);
        assert!((many.rho().matrix() - rho.matrix()).norm() < 1e-3);
    }

    /// The 97.5 % quantile of the largest absolute eigenvalue of Gaussian noise, from 4,000 draws (standard error
    /// 0.025; the bound is four standard errors).
    #[test]
    fn eigenvalues_move_as_far_as_the_constant_says() {
        use rand::RngExt as _;
        let mut rng = ChaCha20Rng::seed_from_u64(6);
        let mut normal = || {
            let (radius, angle): (f64, f64) = (rng.random(), rng.random());
            (-2.0 * (1.0 - radius).ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
        };
        let mut largest: Vec<f64> = (0..4_000)
            .map(|_| {
                let mut matrix = Square::zeros();
                for (i, j) in moment_places() {
                    let noise = normal() / if i == j { 1.0 } else { 2.0_f64.sqrt() };
                    (matrix[(i, j)], matrix[(j, i)]) = (noise, noise);
                }
                matrix -= Square::identity() * (matrix.trace() / SIDE as f64);
                matrix.symmetric_eigenvalues().amax()
            })
            .collect();
        largest.sort_by(f64::total_cmp);
        assert!((largest[3_900] - EIGENVALUE_BOUND).abs() < 0.1, "{}", largest[3_900]);
    }

    #[test]
    fn spectra_within_ranges_sum_to_one() {
        let ranges = [(0.6, 0.9), (0.0, 0.3), (0.0, 0.2), (0.05, 0.1)];
        for spectrum in [min_entropy_spectrum(&ranges), max_entropy_spectrum(&ranges)] {
            assert!((spectrum.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{spectrum:?}");
            assert!(spectrum.iter().zip(ranges).all(|(p, (low, high))| low - 1e-9 <= *p && *p <= high + 1e-9));
        }
        assert!(
            min_entropy_spectrum(&ranges)[0] > 0.9 - 1e-9 && (min_entropy_spectrum(&ranges)[1] - 0.05).abs() < 1e-9
        );
    }
}
