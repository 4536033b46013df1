//! A segment's mixed state: the density matrix rho, the mean of psi psi^T over its people.

use nalgebra::SMatrix;

use super::{ProductVector, Vector, simplex_shift};

/// Components of a state.
pub const SIDE: usize = 13;

/// A 13 x 13 matrix.
pub type Square = SMatrix<f64, SIDE, SIDE>;

/// A density matrix: symmetric, no negative eigenvalue, trace 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Density(Square);

impl Density {
    /// The mixture of states with equal weights; `None` if there are no states.
    #[must_use]
    pub fn mixture<'a>(states: impl IntoIterator<Item = &'a Vector>) -> Option<Self> {
        let (mut sum, mut count) = (Square::zeros(), 0.0);
        for state in states {
            sum += state * state.transpose();
            count += 1.0;
        }
        (count > 0.0).then(|| Self(sum / count))
    }

    /// The density matrix nearest to a symmetric matrix in the Frobenius norm: the eigenvectors are unchanged, the
    /// eigenvalues are projected onto the simplex (Smolin, Gambetta & Smith 2012).
    #[must_use]
    pub fn nearest(matrix: &Square) -> Self {
        let mut eigen = matrix.symmetric_eigen();
        let shift = simplex_shift(eigen.eigenvalues.as_slice());
        eigen.eigenvalues.apply(|value| *value = (*value - shift).max(0.0));
        let mut nearest = eigen.recompose();
        nearest = (nearest + nearest.transpose()) / 2.0;
        Self(nearest / nearest.trace())
    }

    /// The matrix.
    #[must_use]
    pub fn matrix(&self) -> &Square {
        &self.0
    }

    /// The mean of |<psi|phi>|^2 over the people, 0 to 1. Both states are reduced to the dimensions that the product
    /// states, and a person is weighted by the squared length of the reduced state: `phi^T rho_S phi` with
    /// `rho_S = A rho A / tr(A rho A)`.
    #[must_use]
    pub fn compatibility(&self, product: &ProductVector) -> f64 {
        let weighted = &product.weighted;
        let above: f64 = (0..SIDE)
            .filter(|row| weighted[*row] != 0.0)
            .map(|row| weighted[row] * self.0.column(row).dot(weighted))
            .sum();
        above / self.kept(product)
    }

    /// tr(A rho A): the mean squared length of the people's states after the reduction to the product's dimensions.
    /// Never 0, because component 0 is at least one half of a person's squared length.
    fn kept(&self, product: &ProductVector) -> f64 {
        (0..SIDE).map(|k| product.squares[k] * self.0[(k, k)]).sum()
    }

    /// The gradient of [`Self::compatibility`] by the entries of rho: (w w^T - f A^2) / tr(A rho A).
    #[must_use]
    pub fn compatibility_gradient(&self, product: &ProductVector) -> Square {
        let outer = product.weighted * product.weighted.transpose();
        let lost = Square::from_diagonal(&product.squares) * self.compatibility(product);
        (outer - lost) / self.kept(product)
    }

    /// tr(rho sigma): the mean of |<psi|phi>|^2 over all pairs of a person of this segment and a person of the other.
    /// The overlap of a state with itself is its purity, 1/13 to 1: the similarity of the people of a segment.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f64 {
        self.0.dot(&other.0)
    }

    /// The eigenvalues, which sum to 1.
    #[must_use]
    pub fn eigenvalues(&self) -> Vector {
        self.0.symmetric_eigenvalues()
    }

    /// (tr sqrt(sqrt(rho) sigma sqrt(rho)))^2, 0 to 1; 1 only for equal states (Uhlmann 1976, Jozsa 1994).
    #[must_use]
    pub fn fidelity(&self, other: &Self) -> f64 {
        let mut eigen = self.0.symmetric_eigen();
        eigen.eigenvalues.apply(|value| *value = value.max(0.0).sqrt());
        let root = eigen.recompose();
        let within = root * other.0 * root;
        let within = (within + within.transpose()) / 2.0;
        // The square root would amplify the rounding error of an eigenvalue 0.
        let eigenvalues = within.symmetric_eigenvalues();
        let trace: f64 = eigenvalues.iter().filter(|value| **value > 1e-14).map(|value| value.sqrt()).sum();
        (trace * trace).min(1.0)
    }

    /// The mean of u of dimension k, people weighted by 1 / (3 + ||u||^2): `sqrt 3 rho_0k / rho_00`.
    fn mean(&self, k: usize) -> f64 {
        3.0_f64.sqrt() * self.0[(0, k + 1)] / self.0[(0, 0)]
    }

    fn covariance(&self, i: usize, j: usize) -> f64 {
        3.0 * self.0[(i + 1, j + 1)] / self.0[(0, 0)] - self.mean(i) * self.mean(j)
    }

    /// The correlation of two dimensions over the people (weighted by 1 / (3 + ||u||^2)), -1 to 1; 0 where a
    /// variance is not positive.
    #[must_use]
    pub fn correlation(&self, i: usize, j: usize) -> f64 {
        let variances = self.covariance(i, i) * self.covariance(j, j);
        if self.covariance(i, i) <= 0.0 || self.covariance(j, j) <= 0.0 {
            return 0.0;
        }
        (self.covariance(i, j) / variances.sqrt()).clamp(-1.0, 1.0)
    }

    /// The gradient of [`Self::correlation`] by the entries of rho; `None` where a variance is not positive.
    #[must_use]
    pub fn correlation_gradient(&self, i: usize, j: usize) -> Option<Square> {
        let (a, b) = (self.covariance(i, i), self.covariance(j, j));
        if a <= 0.0 || b <= 0.0 {
            return None;
        }
        let correlation = self.covariance(i, j) / (a * b).sqrt();
        let gradient = self.covariance_gradient(i, j) / (a * b).sqrt()
            - self.covariance_gradient(i, i) * (correlation / (2.0 * a))
            - self.covariance_gradient(j, j) * (correlation / (2.0 * b));
        Some(gradient)
    }

    fn covariance_gradient(&self, i: usize, j: usize) -> Square {
        let first = self.0[(0, 0)];
        let mut gradient = Square::zeros();
        // An entry off the diagonal occurs twice in a symmetric matrix.
        let mut add = |row: usize, column: usize, slope: f64| {
            gradient[(row, column)] += slope / 2.0;
            gradient[(column, row)] += slope / 2.0;
        };
        let (at_i, at_j) = (self.0[(0, i + 1)], self.0[(0, j + 1)]);
        add(i + 1, j + 1, 3.0 / first);
        add(0, i + 1, -3.0 * at_j / first.powi(2));
        add(0, j + 1, -3.0 * at_i / first.powi(2));
        add(0, 0, -3.0 * self.0[(i + 1, j + 1)] / first.powi(2) + 6.0 * at_i * at_j / first.powi(3));
        gradient
    }
}

/// -sum of p ln p, in nats: the von Neumann entropy of a state with these eigenvalues.
#[must_use]
pub fn entropy(eigenvalues: impl IntoIterator<Item = f64>) -> f64 {
    eigenvalues.into_iter().filter(|p| *p > 0.0).map(|p| -p * p.ln()).sum::<f64>().max(0.0)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same operations give the same bits")]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::person;

    fn pure(x: f64) -> Density {
        Density::mixture([&person(&[x; 12])]).unwrap()
    }

    fn product(x: f64) -> ProductVector {
        ProductVector::new([Some(x); 12]).unwrap()
    }

    #[test]
    fn people_of_all_two_tenths_score_0_2215_with_a_product_of_all_eight_tenths() {
        let segment = pure(0.2);
        // u = -0.3, v = 0.3 in each of twelve: (3 - 1.08)^2 / (3 + 1.08)^2.
        let by_hand = (3.0_f64 - 12.0 * 0.09).powi(2) / (3.0_f64 + 12.0 * 0.09).powi(2);
        assert!((segment.compatibility(&product(0.8)) - by_hand).abs() < 1e-15);
        assert_eq!((by_hand * 1e4).round(), 2_215.0);
        assert!((segment.compatibility(&product(0.2)) - 1.0).abs() < 1e-15);
    }

    /// The squared overlap by the formula of 24 dimensions, before the isometry.
    fn overlap_of_24(x: &[f64], y: &[f64]) -> f64 {
        let double = |x: &[f64]| -> Vec<f64> { x.iter().copied().chain(x.iter().map(|x| 1.0 - x)).collect() };
        let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
        let (a, b) = (double(x), double(y));
        dot(&a, &b).powi(2) / (dot(&a, &a) * dot(&b, &b))
    }

    fn dimensions() -> impl Strategy<Value = [f64; 12]> {
        prop::array::uniform12(0.0..=1.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn compatibility_is_the_mean_over_people(
            people in prop::collection::vec(dimensions(), 1..40),
            other in dimensions(),
        ) {
            let states: Vec<Vector> = people.iter().map(person).collect();
            let rho = Density::mixture(&states).unwrap();
            let mean = people.iter().map(|x| overlap_of_24(x, &other)).sum::<f64>() / people.len() as f64;
            prop_assert!((rho.compatibility(&ProductVector::new(other.map(Some)).unwrap()) - mean).abs() < 1e-12);
        }

        #[test]
        fn a_product_that_states_some_is_compared_with_what_people_are_in_those(
            people in prop::collection::vec(dimensions(), 1..20),
            other in dimensions(),
            stated in prop::array::uniform12(any::<bool>()),
        ) {
            prop_assume!(stated.contains(&true));
            let only = |x: &[f64; 12]| -> Vec<f64> { (0..12).filter(|k| stated[*k]).map(|k| x[k]).collect() };
            // Each person's weight is the part of the squared length that the reduction keeps.
            let weight = |x: &[f64; 12]| {
                let length = |x: &[f64]| x.iter().map(|x| x * x + (1.0 - x) * (1.0 - x)).sum::<f64>();
                length(&only(x)) / length(x)
            };
            let all: f64 = people.iter().map(weight).sum();
            let mean = people.iter().map(|x| weight(x) * overlap_of_24(&only(x), &only(&other))).sum::<f64>() / all;
            let states: Vec<Vector> = people.iter().map(person).collect();
            let mut some = other.map(Some);
            (0..12).filter(|k| !stated[*k]).for_each(|k| some[k] = None);
            let found = Density::mixture(&states).unwrap().compatibility(&ProductVector::new(some).unwrap());
            prop_assert!((found - mean).abs() < 1e-12);
        }

        #[test]
        fn the_nearest_density_matrix_is_one_and_is_itself(people in prop::collection::vec(dimensions(), 1..20)) {
            let states: Vec<Vector> = people.iter().map(person).collect();
            let rho = Density::mixture(&states).unwrap();
            prop_assert!((Density::nearest(rho.matrix()).matrix() - rho.matrix()).norm() < 1e-12);
            let mut noisy = *rho.matrix() * 1.1;
            noisy[(3, 3)] -= 0.2;
            let nearest = Density::nearest(&noisy);
            prop_assert!(nearest.eigenvalues().min() > -1e-12);
            prop_assert!((nearest.matrix().trace() - 1.0).abs() < 1e-12);
        }

        #[test]
        fn gradients_are_slopes(people in prop::collection::vec(dimensions(), 5..20), other in dimensions()) {
            let states: Vec<Vector> = people.iter().map(person).collect();
            let rho = Density::mixture(&states).unwrap();
            let mut some = other.map(Some);
            some[4] = None;
            let product = ProductVector::new(some).unwrap();
            let step = 1e-6;
            for (row, column) in [(0, 0), (0, 3), (2, 2), (2, 5), (5, 5), (5, 7)] {
                let moved = |by: f64| {
                    let mut matrix = *rho.matrix();
                    matrix[(row, column)] += by / 2.0;
                    matrix[(column, row)] += by / 2.0;
                    Density(matrix)
                };
                let slope = |of: &dyn Fn(&Density) -> f64| (of(&moved(step)) - of(&moved(-step))) / (2.0 * step);
                let compatibility = slope(&|rho| rho.compatibility(&product));
                prop_assert!((rho.compatibility_gradient(&product)[(row, column)] - compatibility).abs() < 1e-6);
                let correlation = slope(&|rho| rho.correlation(1, 4));
                let found = rho.correlation_gradient(1, 4).unwrap()[(row, column)];
                prop_assert!((found - correlation).abs() < 1e-4 * (1.0 + correlation.abs()), "{found} {correlation}");
            }
        }
    }

    #[test]
    fn equal_states_have_fidelity_one_and_pure_ones_their_overlap() {
        let (low, high) = (pure(0.2), pure(0.8));
        assert!((low.fidelity(&low) - 1.0).abs() < 1e-9);
        assert!((low.fidelity(&high) - low.overlap(&high)).abs() < 1e-9);
        let states = [0.2, 0.5, 0.9].map(|x| person(&[x; 12]));
        let mixed = Density::mixture(&states).unwrap();
        assert!((mixed.fidelity(&mixed) - 1.0).abs() < 1e-9);
        assert!((mixed.fidelity(&low) - low.fidelity(&mixed)).abs() < 1e-9);
        assert!(mixed.overlap(&mixed) < 1.0 && entropy(mixed.eigenvalues().iter().copied()) > 0.1);
        assert!(entropy(low.eigenvalues().iter().copied()) < 1e-9);
    }

    #[test]
    fn correlations_are_those_of_the_people() {
        let mut people = Vec::new();
        for step in 0..50 {
            let x = f64::from(step) / 49.0;
            let mut dimensions = [0.5; 12];
            (dimensions[0], dimensions[1], dimensions[2]) = (x, 1.0 - x, (x * 7.0) % 1.0);
            people.push(dimensions);
        }
        let states: Vec<Vector> = people.iter().map(person).collect();
        let rho = Density::mixture(&states).unwrap();
        assert!((rho.correlation(0, 1) + 1.0).abs() < 1e-9);
        assert_eq!(rho.correlation(0, 5), 0.0);
        // Computed directly, with the weights.
        let weights: Vec<f64> =
            people.iter().map(|x| 1.0 / (3.0 + x.iter().map(|x| (x - 0.5).powi(2)).sum::<f64>())).collect();
        let all: f64 = weights.iter().sum();
        let mean = |of: &dyn Fn(&[f64; 12]) -> f64| {
            people.iter().zip(&weights).map(|(x, weight)| of(x) * weight).sum::<f64>() / all
        };
        let (a, b) = (mean(&|x| x[0]), mean(&|x| x[2]));
        let covariance = mean(&|x| (x[0] - a) * (x[2] - b));
        let deviation = |k: usize, m: f64| mean(&|x| (x[k] - m).powi(2)).sqrt();
        let expected = covariance / (deviation(0, a) * deviation(2, b));
        assert!((rho.correlation(0, 2) - expected).abs() < 1e-9);
    }

    #[test]
    fn a_product_that_states_nothing_or_nonsense_is_none() {
        assert_eq!(ProductVector::new([None; 12]), None);
        for wrong in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            let mut dimensions = [None; 12];
            dimensions[3] = Some(wrong);
            assert_eq!(ProductVector::new(dimensions), None);
        }
    }
}
