//! Estimates with intervals, computed from released sums. Post-processing: it costs no privacy budget and reads no
//! data.

pub mod behavior;
pub mod compatibility;
pub mod estimate;
pub mod implications;
pub mod knots;
pub mod measure;
pub mod mixture;
pub mod network;
pub mod personality;
