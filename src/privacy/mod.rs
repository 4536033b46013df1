//! The release service: charge the budget, sum, add noise, store, read back.
//!
//! Equal questions share one release, for all keys and all requests: the noise is sampled once and stored. Fresh noise
//! for each request could be averaged away.

mod accountant;
pub mod budget;
pub mod bundles;
pub mod contribution;
pub mod engine;
pub mod ledger;
pub mod minimum_difference;
pub mod noise;
mod publish;
mod question;
mod release;
pub mod report;
mod service;

pub use bundles::{Bundle, Group};
pub use engine::{Engine, SumRequest};
pub use noise::{NoiseSource, OsNoise};
pub use question::Question;
pub use release::{Exact, Outcome, Payload, Release, Released, Sums};
pub use service::{Answers, ReleaseService};
