//! The mathematics behind personality: states and mixtures, and knots as fingerprints (`docs/personality.md`).
//!
//! The functions are pure: they use no stored data, no noise and no partner. States are computed in f64. Knots are
//! computed in exact integers; a result that does not fit into 64 bits is [`Overflow`].

mod alexander;
mod braid;
mod density;
mod jones;
mod knot;
mod polynomial;
mod simplex;
mod state;

pub use alexander::alexander;
pub use braid::{Braid, Crossing, MAX_LETTERS, MAX_STRANDS, Weave};
pub use density::{Density, SIDE, Square, entropy};
pub use jones::jones;
pub use knot::{Knot, Likeness};
pub use polynomial::Laurent;
pub use simplex::simplex_shift;
pub use state::{ProductVector, Vector, person};

/// An exact result that does not fit into 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;
