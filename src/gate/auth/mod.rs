//! Authentication: API keys, their scopes and limits, and the caller of a request.
//!
//! A key has the form `spots_{poc|live}_{partner}_{32 hex digits}`. Only its SHA-256 is stored. The prefix must never
//! change, because external secret scanners search for it.

use std::fmt;

use axum::http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use sha2::{Digest, Sha256};

use crate::domain::{
    error::Error,
    key::{Environment, Key, Limits},
    random::random_hex,
    scope::Scope,
};

mod directory;
mod key_admin;

pub use directory::Directory;
pub use key_admin::{NewKey, change_limits, create_key, revoke_key, rotate_key};

/// Maximum length of a key in a header, in bytes.
const MAX_KEY_BYTES: usize = 256;

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
        Ok(Self(format!("spots_{}_{partner_id}_{}", environment.name(), random_hex(16)?)))
    }

    /// Reads the key K from `Authorization: Bearer K`, `Authorization: ApiKey K` or `X-API-Key: K`. If there are
    /// several credentials, such as those of a proxy, the one that has the form of a key counts.
    ///
    /// Returns `None` if there is no key, if it is longer than 256 bytes, or if there are different keys.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let of_scheme = |value: &str| {
            let (scheme, key) = value.split_once(' ')?;
            let known = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("apikey");
            known.then(|| key.trim().to_owned())
        };
        let text = |value: &HeaderValue| value.to_str().ok().map(str::to_owned);
        let authorization = headers.get_all(AUTHORIZATION).iter().filter_map(text);
        let mut keys: Vec<String> = authorization.filter_map(|value| of_scheme(&value)).collect();
        keys.extend(headers.get_all("x-api-key").iter().filter_map(text).map(|key| key.trim().to_owned()));
        keys.retain(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
        if keys.iter().any(|key| is_key(key)) {
            keys.retain(|key| is_key(key));
        }
        let key = keys.first()?.clone();
        keys.iter().all(|other| *other == key).then_some(Self(key))
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

/// Whether a text has the form of a key: `spots_{environment}_{partner}_{32 hex digits}`.
fn is_key(text: &str) -> bool {
    let digits = text.strip_prefix("spots_").and_then(|rest| rest.rsplit_once('_')).map(|(_, digits)| digits);
    digits.is_some_and(|digits| digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()))
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
    /// Whether the key may execute trusted documents only.
    pub documents_only: bool,
    /// Whether the key reads synthetic people only, at no privacy units.
    pub test_mode: bool,
}

impl From<Key> for Caller {
    fn from(key: Key) -> Self {
        Self {
            key_id: key.key_id,
            partner_id: key.partner_id,
            environment: key.environment.name().to_owned(),
            scopes: key.scopes,
            limits: key.limits,
            account: key.account,
            expires_at: key.expires_at,
            documents_only: key.documents_only,
            test_mode: key.test_mode,
        }
    }
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
            documents_only: false,
            test_mode: false,
        }
    }

    /// Whether the caller has no key.
    #[must_use]
    pub fn is_public(&self) -> bool {
        self.key_id.is_empty()
    }
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

    #[test]
    fn of_several_credentials_the_key_counts_and_different_keys_are_refused() {
        let [one, two] = ["a", "b"].map(|digit| format!("spots_live_acme_{}", digit.repeat(32)));
        let key = |values: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(*name, HeaderValue::from_str(value).unwrap());
            }
            ApiKey::from_headers(&headers).map(|key| key.0)
        };
        let bearer = format!("Bearer {one}");
        for proxy in ["Basic c3RhZ2luZzpzZWNyZXQ=", "Bearer header.of.gateway", "Bearer ", "Digest x"] {
            assert_eq!(key(&[("authorization", proxy), ("x-api-key", &one)]), Some(one.clone()), "{proxy}");
            assert_eq!(key(&[("authorization", proxy), ("authorization", &bearer)]), Some(one.clone()), "{proxy}");
        }
        assert_eq!(key(&[("authorization", &bearer), ("x-api-key", "other")]), Some(one.clone()));
        assert_eq!(key(&[("authorization", &bearer), ("x-api-key", &one)]), Some(one.clone()));
        assert_eq!(key(&[("authorization", &bearer), ("x-api-key", &two)]), None);
        assert_eq!(key(&[("x-api-key", &one), ("x-api-key", &two)]), None);
        assert_eq!(key(&[("authorization", "Bearer x"), ("x-api-key", "y")]), None);
    }
}
