//! Details of an exceeded limit, for errors.

/// An exceeded limit, and the time until it admits the same request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// `minute`, `day`, `points_per_minute` or `points_per_day`.
    pub limit: &'static str,
    /// The limit, in requests or points.
    pub allowed: u64,
    /// What remains of the limit, in requests or points.
    pub available: u64,
    /// Whole seconds, rounded up, until the same request fits.
    pub retry_after_s: u64,
}
