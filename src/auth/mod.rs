//! Authentication: API keys, their scopes and limits, and the caller of a request.
//!
//! A key has the form `spots_{poc|live}_{partner}_{32 hex digits}`. Only its SHA-256 is stored. The prefix must never
//! change, because external secret scanners search for it.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};

use crate::error::Error;

mod directory;
mod issue;

pub use directory::Directory;
pub use issue::{NewKey, change_limits, create_key, ensure_partner, find_key, revoke_key, rotate_key};

/// Maximum length of a key in a header, in bytes.
const LONGEST_HEADER: usize = 256;

/// A permission of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum, async_graphql::Enum)]
pub enum Scope {
    /// Behavior of segments.
    Behavior,
    /// Personality of segments, and everything derived from it.
    Personality,
    /// Ties of segments.
    Network,
    /// Read and change the partner's own products.
    Catalog,
    /// Reserved for the operator's tools.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 5] = [Self::Behavior, Self::Personality, Self::Network, Self::Catalog, Self::Admin];

    /// The scopes that read statistics about people.
    pub const INSIGHT: &[Self] = &[Self::Behavior, Self::Personality, Self::Network];

    /// The name of the scope in the database, on the command line and in errors.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Behavior => "behavior",
            Self::Personality => "personality",
            Self::Network => "network",
            Self::Catalog => "catalog",
            Self::Admin => "admin",
        }
    }

    fn parse_list(words: &str) -> Vec<Self> {
        Self::ALL.into_iter().filter(|scope| words.split('|').any(|word| word == scope.word())).collect()
    }
}

/// The environment that is part of a key. It informs readers and restricts nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Environment {
    Poc,
    Live,
}

impl Environment {
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Poc => "poc",
            Self::Live => "live",
        }
    }
}

/// An API key in plain text. It is displayed once when it is created, and sent in the header of each request. `Debug`
/// output does not contain it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(..)")
    }
}

impl ApiKey {
    /// Generates a key with 128 random bits.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the operating system provides no randomness.
    pub fn generate(environment: Environment, partner_id: &str) -> Result<Self, Error> {
        Ok(Self(format!("spots_{}_{partner_id}_{}", environment.word(), random_hex(16)?)))
    }

    /// Reads the key K from `Authorization: Bearer K`, `Authorization: ApiKey K` or `X-API-Key: K`. Returns `None` if
    /// it is missing, empty or longer than 256 bytes, or if `Authorization` has another scheme.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let text = |value: &axum::http::HeaderValue| value.to_str().ok().map(str::to_owned);
        let key = match headers.get(AUTHORIZATION) {
            Some(value) => {
                let value = text(value)?;
                let (scheme, key) = value.split_once(' ')?;
                let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("apikey");
                known.then(|| key.trim().to_owned())?
            }
            None => text(headers.get("x-api-key")?)?.trim().to_owned(),
        };
        (!key.is_empty() && key.len() <= LONGEST_HEADER).then_some(Self(key))
    }

    /// Whether the headers contain no key, not even an invalid one.
    #[must_use]
    pub fn is_missing(headers: &HeaderMap) -> bool {
        !headers.contains_key(AUTHORIZATION) && !headers.contains_key("x-api-key")
    }

    /// The SHA-256 of the key, under which it is stored.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }

    /// The key in plain text, to be displayed once when it is created.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
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
    pub fn largest_query(&self) -> u64 {
        self.max_query_points.min(self.points_per_minute).min(self.points_per_day)
    }
}

/// The caller of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub key_id: String,
    pub partner_id: String,
    pub environment: String,
    pub scopes: Vec<Scope>,
    pub limits: Limits,
    /// The account that is charged units and points. A rotated key and its replacement share it.
    pub account: String,
    pub expires_at: Option<i64>,
}

impl Caller {
    /// The caller without a key, if the operator has made introspection public.
    #[must_use]
    pub fn public() -> Self {
        Self {
            key_id: String::new(),
            partner_id: String::new(),
            environment: String::new(),
            scopes: Vec::new(),
            // Shared by all callers without a key: enough for a team's tools, too little to load a server.
            limits: Limits { per_minute: 600, per_day: 100_000, max_query_points: 50, ..Limits::DEFAULT },
            account: "public".to_owned(),
            expires_at: None,
        }
    }

    /// Whether the caller has no key.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.key_id.is_empty()
    }
}

/// Returns `bytes` random bytes as hexadecimal digits.
///
/// # Errors
/// [`Error::Unavailable`] if the operating system provides no randomness.
pub fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).map_err(|cause| {
        tracing::error!(%cause, "the operating system provides no randomness");
        Error::Unavailable
    })?;
    Ok(hex::encode(random))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_format_and_does_not_show_in_debug() {
        let key = ApiKey::generate(Environment::Poc, "acme").unwrap();
        let digits = key.reveal().strip_prefix("spots_poc_acme_").unwrap();
        assert_eq!((digits.len(), digits.chars().all(|digit| digit.is_ascii_hexdigit())), (32, true));
        assert_eq!(format!("{key:?}"), "ApiKey(..)");
        assert_ne!(key, ApiKey::generate(Environment::Poc, "acme").unwrap());
    }

    #[test]
    fn a_key_comes_in_one_of_three_headers() {
        let key = |name: &'static str, value: &str| {
            let headers = HeaderMap::from_iter([(
                axum::http::HeaderName::from_static(name),
                axum::http::HeaderValue::from_str(value).unwrap(),
            )]);
            ApiKey::from_headers(&headers).map(|key| key.0)
        };
        assert_eq!(key("authorization", "Bearer k"), Some("k".to_owned()));
        assert_eq!(key("authorization", "apikey  k "), Some("k".to_owned()));
        assert_eq!(key("x-api-key", "k"), Some("k".to_owned()));
        for (name, value) in [("authorization", "Basic k"), ("authorization", "Bearer "), ("authorization", "k")] {
            assert_eq!(key(name, value), None, "{value}");
        }
        assert_eq!(key("x-api-key", &"k".repeat(300)), None);
    }
}
