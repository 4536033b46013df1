//! The release service: charge the budget, sum, add noise, store, read back.
//!
//! Equal questions share one release, for all keys and all requests: the noise is sampled once and stored. Fresh noise
//! for each request could be averaged away.

mod accountant;
mod answering;
pub mod budget;
pub mod bundles;
pub mod contribution;
mod document;
pub mod engine;
mod holdings;
pub mod ledger;
pub mod minimum_difference;
pub mod noise;
pub mod precision;
mod question;
pub mod quote;
mod release;
pub mod report;
mod sampling;
mod segment;
mod service;
pub mod steps;
mod stored;

pub use bundles::{Bundle, Group};
pub use document::Answers;
pub use engine::{Engine, SumRequest};
pub use noise::{NoiseSource, OsNoise};
pub use question::Question;
pub use release::{Exact, Payload, Release, Released, StepRow, Sums, people_of};
pub use service::ReleaseService;
