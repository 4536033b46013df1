//! Header -> key -> caller: who asks, and what they may.
//!
//! A key is `spots_{poc|live}_{partner}_{32 hex digits}`. Only its SHA-256 is stored; the prefix must never change,
//! secret scanners of other people look for it.

use std::fmt;

use axum::http::{HeaderMap, header::AUTHORIZATION};
use rand::{TryRng, rngs::SysRng};
use sha2::{Digest, Sha256};

use crate::error::Error;

mod directory;
mod issue;

pub use directory::Directory;
pub use issue::{NewKey, change_limits, create_key, ensure_partner, find_key, revoke_key, rotate_key};

/// The longest header that can hold a key.
const LONGEST_HEADER: usize = 256;

/// What a key may read or do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, clap::ValueEnum, async_graphql::Enum)]
pub enum Scope {
    /// Behavior of segments.
    Behavior,
    /// Personality of segments.
    Personality,
    /// Connections of segments.
    Network,
    /// The partner's own products.
    Catalog,
    /// Reserved for the operator's own tools.
    Admin,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Behavior, Self::Personality, Self::Network, Self::Catalog, Self::Admin];

    /// Those that read about people.
    pub const INSIGHT: &[Self] = &[Self::Behavior, Self::Personality, Self::Network];

    /// The word in the database, on the command line and in errors.
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

/// Where a key may be used; only a word in it, for people.
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

/// A key in the clear: shown once when it is made, and in a request's header. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(..)")
    }
}

impl ApiKey {
    /// A new key with 128 random bits.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn generate(environment: Environment, partner_id: &str) -> Result<Self, Error> {
        Ok(Self(format!("spots_{}_{partner_id}_{}", environment.word(), random_hex(16)?)))
    }

    /// What the headers offer: `Authorization: Bearer K`, `Authorization: ApiKey K`, or `X-API-Key: K`.
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

    /// Whether no key is offered at all, not even a wrong one.
    #[must_use]
    pub fn is_missing(headers: &HeaderMap) -> bool {
        !headers.contains_key(AUTHORIZATION) && !headers.contains_key("x-api-key")
    }

    /// What is stored and looked up.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        Sha256::digest(&self.0).to_vec()
    }

    /// The key itself, to be shown once to the person who asked for it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// What a key may spend. All of them are at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests in a minute, which begins with the first of them.
    pub per_minute: u64,
    /// Requests in a day, UTC.
    pub per_day: u64,
    /// Points of one document.
    pub max_query_points: u64,
    /// Points that the bucket holds, and that come back in a minute.
    pub points_per_minute: u64,
    /// Points in a day, UTC.
    pub points_per_day: u64,
}

impl Limits {
    /// What a key gets unless the operator says otherwise.
    pub const DEFAULT: Self = Self {
        per_minute: 100,
        per_day: 10_000,
        max_query_points: 1_000,
        points_per_minute: 6_000,
        points_per_day: 1_000_000,
    };

    /// Points that one document may cost: more than a bucket or a day holds could never be paid.
    #[must_use]
    pub fn largest_query(&self) -> u64 {
        self.max_query_points.min(self.points_per_minute).min(self.points_per_day)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub key_id: String,
    pub partner_id: String,
    pub environment: String,
    pub scopes: Vec<Scope>,
    pub limits: Limits,
    /// The account that pays units and points; a rotated key and its follower share it.
    pub account: String,
    pub expires_at: Option<i64>,
}

impl Caller {
    /// Whoever asks without a key, where the operator lets introspection be public.
    #[must_use]
    pub fn public() -> Self {
        Self {
            key_id: String::new(),
            partner_id: String::new(),
            environment: String::new(),
            scopes: Vec::new(),
            // All of them together: enough for a team's tools, not enough to keep a server busy.
            limits: Limits { per_minute: 600, per_day: 100_000, max_query_points: 50, ..Limits::DEFAULT },
            account: "public".to_owned(),
            expires_at: None,
        }
    }

    /// Whether there is no key behind it.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.key_id.is_empty()
    }
}

/// Random bytes as hexadecimal digits.
///
/// # Errors
/// [`Error::Unavailable`] when the operating system gives no randomness.
pub fn random_hex(bytes: usize) -> Result<String, Error> {
    let mut random = vec![0; bytes];
    SysRng.try_fill_bytes(&mut random).map_err(|cause| {
        tracing::error!(%cause, "the operating system gives no randomness");
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
