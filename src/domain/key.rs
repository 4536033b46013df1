//! API keys: environment, limits, and what is stored of a key.

use super::scope::Scope;

/// The environment that is part of a key. It informs readers and restricts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    Poc,
    Live,
}

impl Environment {
    /// The name in a key, in the database and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Poc => "poc",
            Self::Live => "live",
        }
    }

    /// The environment of a stored name; unknown names count as live.
    #[must_use]
    pub fn parse(name: &str) -> Self {
        if name == Self::Poc.name() { Self::Poc } else { Self::Live }
    }
}

/// The limits of a key. Each is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute that begins with its first request.
    pub per_minute: u64,
    /// Requests in a UTC day.
    pub per_day: u64,
    /// Points of one document.
    pub max_query_points: u64,
    /// Capacity of the points bucket, and points that are restored per minute.
    pub points_per_minute: u64,
    /// Points in a UTC day.
    pub points_per_day: u64,
}

impl Limits {
    /// The limits of a key for which the operator sets none.
    pub const DEFAULT: Self = Self {
        per_minute: 100,
        per_day: 10_000,
        max_query_points: 1_000,
        points_per_minute: 6_000,
        points_per_day: 1_000_000,
    };

    /// Maximum cost of one document, in points. A document that costs more than a full bucket or a day's points could
    /// never be executed.
    #[must_use]
    pub fn max_document_points(&self) -> u64 {
        self.max_query_points.min(self.points_per_minute).min(self.points_per_day)
    }

    /// A short description of the limits, for the audit log.
    #[must_use]
    pub fn describe(&self) -> String {
        format!(
            "{} requests a minute and {} a day, {} points a query, {} a minute and {} a day",
            self.per_minute, self.per_day, self.max_query_points, self.points_per_minute, self.points_per_day
        )
    }
}

/// What is stored of a key; not the key itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    pub key_id: String,
    pub partner_id: String,
    pub environment: Environment,
    pub scopes: Vec<Scope>,
    pub limits: Limits,
    /// The account that is charged units and points. Rotated keys share it.
    pub account: String,
    /// Times are Unix seconds.
    pub created_at: i64,
    pub expires_at: Option<i64>,
    pub revoked_at: Option<i64>,
    /// Accurate to the minute.
    pub last_used_at: Option<i64>,
    /// The key that replaced this one by rotation.
    pub replaced_by: Option<String>,
    /// A name for people; may be empty.
    pub name: String,
    /// Whether the key may execute trusted documents only.
    pub documents_only: bool,
    /// Whether the key reads synthetic people only, at no privacy units.
    pub test_mode: bool,
}

impl Key {
    /// Whether the key is neither revoked nor expired.
    #[must_use]
    pub fn is_active(&self, now: i64) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }
}
