//! The quantum state of a person and of a product.
//!
//! A dimension x in [0, 1] is a two-level system, "much" and "little", with amplitudes x and 1 - x. Twelve of them in a
//! direct sum, normalised, are a person: z = (x, 1 - x) / ||.|| in R^24. With u = x - 1/2 that is z = (1/2 + u, 1/2 - u),
//! the image under an isometry of
//!
//! `psi = (sqrt 3, u) / sqrt(3 + ||u||^2)` in R^13.
//!
//! Component 0 is what all people share. Two people: |<psi|phi>|^2 = (3 + u.v)^2 / ((3 + ||u||^2)(3 + ||v||^2)), in
//! [0, 1], and 1 only if they are equal.

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

/// What a product states: some of the twelve dimensions, at least one, each in [0, 1].
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    dimensions: [Option<f64>; 12],
    /// A phi: the state with the people's weights put in.
    pub(super) weighted: Vector,
    /// The squares of the diagonal of A.
    pub(super) squares: Vector,
}

impl Product {
    /// The state of a product; `None` if it states nothing, or something that is no number in [0, 1].
    ///
    /// With S the m stated dimensions: A = diag(sqrt(m/12), 1 in S, 0 elsewhere) reduces people to what the product can
    /// be compared with, and phi = (sqrt(m/4), v in S), normalised, is the product: the state of a person in the space
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

    /// The same product, as far as these dimensions go; `None` if it states none of them.
    #[must_use]
    pub fn only(&self, keep: impl Fn(usize) -> bool) -> Option<Self> {
        let mut dimensions = self.dimensions;
        for (k, value) in dimensions.iter_mut().enumerate() {
            *value = value.filter(|_| keep(k));
        }
        Self::new(dimensions)
    }
}
