//! The quantum state of a person and of a product.
//!
//! A dimension x in [0, 1] is a two-level system, "much" and "little", with amplitudes x and 1 - x. The normalized
//! direct sum of twelve of them is a person: z = (x, 1 - x) / ||.|| in R^24. With u = x - 1/2, before normalization,
//! z = (1/2 + u, 1/2 - u), the image under an isometry of
//!
//! `psi = (sqrt 3, u) / sqrt(3 + ||u||^2)` in R^13.
//!
//! Component 0 is common to all people. The squared overlap of two people is
//! |<psi|phi>|^2 = (3 + u.v)^2 / ((3 + ||u||^2)(3 + ||v||^2)), in [0, 1], and 1 only if they are equal.

use nalgebra::SVector;

/// A vector of the 13 components.
pub type Vector = SVector<f64, 13>;

/// The state of a person with these dimensions, each in [0, 1].
#[must_use]
pub fn person(dimensions: &[f64; 12]) -> Vector {
    let mut state = Vector::zeros();
    state[0] = 3.0_f64.sqrt();
    for (component, x) in state.iter_mut().skip(1).zip(dimensions) {
        *component = x - 0.5;
    }
    state.normalize()
}

/// The dimensions that a product states: at least one of the twelve, each in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub struct ProductVector {
    dimensions: [Option<f64>; 12],
    /// A phi: the product's state multiplied by the reduction A.
    pub(super) weighted: Vector,
    /// The squares of the diagonal of A.
    pub(super) squares: Vector,
}

impl ProductVector {
    /// The state of a product; `None` if it states no dimension, or a value that is not a number in [0, 1].
    ///
    /// With S the m stated dimensions, A = diag(sqrt(m/12), 1 in S, 0 elsewhere) reduces the states of people to the
    /// stated dimensions, and phi = (sqrt(m/4), v in S), normalized, is the product: the state of a person in the space
    /// of m dimensions only.
    #[must_use]
    pub fn new(dimensions: [Option<f64>; 12]) -> Option<Self> {
        let stated = dimensions.iter().flatten().count();
        let in_range = dimensions.iter().flatten().all(|value| (0.0..=1.0).contains(value));
        if stated == 0 || !in_range {
            return None;
        }
        let (mut phi, mut squares) = (Vector::zeros(), Vector::zeros());
        phi[0] = (stated as f64 / 4.0).sqrt();
        squares[0] = stated as f64 / 12.0;
        for (k, value) in dimensions.iter().enumerate() {
            if let Some(value) = value {
                phi[k + 1] = value - 0.5;
                squares[k + 1] = 1.0;
            }
        }
        let weighted = phi.normalize().component_mul(&squares.map(f64::sqrt));
        Some(Self { dimensions, weighted, squares })
    }

    /// The dimensions that it states, with their values.
    pub fn stated(&self) -> impl Iterator<Item = (usize, f64)> + '_ {
        self.dimensions.iter().enumerate().filter_map(|(k, value)| Some((k, (*value)?)))
    }

    /// The same product restricted to the dimensions that `keep` accepts; `None` if it states none of them.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Option<Self> {
        let mut dimensions = self.dimensions;
        for (k, value) in dimensions.iter_mut().enumerate() {
            *value = value.filter(|_| keep(k));
        }
        Self::new(dimensions)
    }
}
