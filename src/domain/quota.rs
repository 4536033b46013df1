//! What an error says about an exceeded limit.

/// A limit that is exceeded, and how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitExceeded {
    /// `minute`, `day`, `points_per_minute` or `points_per_day`.
    pub limit: &'static str,
    /// The limit's value.
    pub allowed: u64,
    /// What is left of it.
    pub available: u64,
    /// Whole seconds, rounded up, until the same request fits.
    pub retry_after_s: u64,
}
