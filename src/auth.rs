//! Header -> key -> caller: who asks, and what they may.
//!
//! A key is `spots_{poc|live}_{partner}_{32 hex digits}`. Only its SHA-256 is stored; the prefix must never change,
//! secret scanners of other people look for it.

use std::fmt;

use anyhow::{Context, bail, ensure};
use axum::http::{HeaderMap, header::AUTHORIZATION};
use rand::{TryRng, rngs::SysRng};
use sea_orm::{ActiveValue::Set, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, sea_query::OnConflict};
use sha2::{Digest, Sha256};

use crate::{
    db,
    entity::{api_key, partner},
    error::Error,
    privacy::ledger,
};

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

/// Who asks.
#[derive(Clone, Debug)]
pub struct Caller {
    pub key_id: String,
    pub partner_id: String,
    pub environment: String,
    pub scopes: Vec<Scope>,
    pub per_minute: u64,
    pub per_day: u64,
    /// The ledger account that pays.
    pub privacy_subject: String,
    pub expires_at: Option<i64>,
}

/// Finds out who asks. A key that is unknown, revoked or not a key at all takes the same path and ends the same.
///
/// # Errors
/// [`Error::AuthenticationFailed`] or [`Error::ApiKeyExpired`].
pub async fn authenticate(db: &DatabaseConnection, headers: &HeaderMap, now: i64) -> Result<Caller, Error> {
    let key = ApiKey::from_headers(headers).ok_or(Error::AuthenticationFailed)?;
    let row = api_key::Entity::find().filter(api_key::COLUMN.key_hash.eq(key.hash())).one(db).await?;
    let row = row.filter(|row| row.revoked_at.is_none_or(|at| at > now)).ok_or(Error::AuthenticationFailed)?;
    if row.expires_at.is_some_and(|at| at <= now) {
        return Err(Error::ApiKeyExpired);
    }
    Ok(Caller {
        scopes: Scope::parse_list(&row.scopes),
        key_id: row.key_id,
        partner_id: row.partner_id,
        environment: row.environment,
        per_minute: row.per_minute.unsigned_abs(),
        per_day: row.per_day.unsigned_abs(),
        privacy_subject: row.privacy_subject,
        expires_at: row.expires_at,
    })
}

/// What a new key is to be.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub partner_id: String,
    pub environment: Environment,
    pub scopes: Vec<Scope>,
    pub per_minute: u32,
    pub per_day: u32,
    pub expires_at: Option<i64>,
    /// Privacy cap in any 30 days, in milli-units.
    pub cap_mu: i64,
}

/// Makes a key, its privacy account, and its partner if there is none of that name.
///
/// # Errors
/// The partner's name is not one, the expiry is past, or the database fails.
pub async fn create_key(db: &DatabaseConnection, new: &NewKey, now: i64) -> anyhow::Result<(String, ApiKey)> {
    ensure!(!new.scopes.is_empty(), "a key without scopes could read nothing");
    if new.expires_at.is_some_and(|at| at <= now) {
        bail!("the expiry is in the past");
    }
    let transaction = db::begin_write(db).await?;
    ensure_partner(&transaction, &new.partner_id, now).await?;
    let key = ApiKey::generate(new.environment, &new.partner_id).map_err(Error::explain)?;
    let key_id = format!("key_{}", random_hex(6).map_err(Error::explain)?);
    let subject = format!("key:{key_id}");
    ledger::open_account(&transaction, &subject, new.cap_mu, None).await?;
    let scopes: Vec<_> = new.scopes.iter().map(|scope| scope.word()).collect();
    let row = api_key::ActiveModel {
        key_id: Set(key_id.clone()),
        partner_id: Set(new.partner_id.clone()),
        key_hash: Set(key.hash()),
        environment: Set(new.environment.word().to_owned()),
        scopes: Set(scopes.join("|")),
        per_minute: Set(i64::from(new.per_minute)),
        per_day: Set(i64::from(new.per_day)),
        privacy_subject: Set(subject),
        created_at: Set(now),
        expires_at: Set(new.expires_at),
        revoked_at: Set(None),
    };
    api_key::Entity::insert(row).exec_without_returning(&transaction).await?;
    transaction.commit().await?;
    Ok((key_id, key))
}

/// Makes a partner, unless there is one of that name.
///
/// # Errors
/// The name is not one.
pub async fn ensure_partner(db: &impl ConnectionTrait, partner_id: &str, now: i64) -> anyhow::Result<()> {
    let letters =
        partner_id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    ensure!(
        (2..=40).contains(&partner_id.len()) && letters,
        "a partner's name is 2 to 40 lower-case letters, digits and hyphens, not {partner_id:?}"
    );
    let row = partner::ActiveModel { partner_id: Set(partner_id.to_owned()), created_at: Set(now) };
    let there = OnConflict::column("partner_id").do_nothing().to_owned();
    partner::Entity::insert(row)
        .on_conflict(there)
        .exec_without_returning(db)
        .await
        .context("cannot make the partner")?;
    Ok(())
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
