//! Key administration for operators: create, rotate and revoke keys, and change their limits. Each operation adds a row
//! to `audit_events`.

use anyhow::{Context as _, bail, ensure};
use sea_orm::DatabaseConnection;

use super::ApiKey;
use crate::{
    domain::{
        clock::format_time,
        error::Error,
        key::{Environment, Key, Limits},
        random::random_hex,
        scope::Scope,
    },
    privacy::{bundles::units, ledger},
    storage::{
        accounts,
        audit::{self, Action},
        db, keys, partners,
    },
};

/// The properties of a new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub partner_id: String,
    pub environment: Environment,
    pub scopes: Vec<Scope>,
    pub limits: Limits,
    pub expires_at: Option<i64>,
    /// Privacy cap in any 30 days.
    pub cap_microunits: i64,
    /// A name for people: at most 60 characters; may be empty.
    pub name: String,
    /// Whether the key may execute trusted documents only.
    pub documents_only: bool,
    /// Whether the key reads synthetic people only.
    pub test_mode: bool,
}

/// Maximum length of a key's name, in characters.
const MAX_NAME_CHARS: usize = 60;

/// Creates a key and its privacy account, and its partner if there is no partner of that name. Returns the id of the
/// key and the key. `now` is in Unix seconds.
///
/// # Errors
/// There is no scope, the expiry is in the past, the partner's name is invalid, the operating system provides no
/// randomness, or the database fails.
pub async fn create_key(db: &DatabaseConnection, new: &NewKey, now: i64) -> anyhow::Result<(String, ApiKey)> {
    ensure!(!new.scopes.is_empty(), "a key needs at least one scope");
    let is_name = new.name.chars().count() <= MAX_NAME_CHARS && !new.name.chars().any(char::is_control);
    ensure!(is_name, "a name has at most {MAX_NAME_CHARS} characters and no control characters");
    if new.expires_at.is_some_and(|at| at <= now) {
        bail!("the expiry is in the past");
    }
    let transaction = db::begin_write(db).await?;
    partners::ensure_exists(&transaction, &new.partner_id, now).await?;
    let secret = ApiKey::generate(new.environment, &new.partner_id).map_err(Error::into_anyhow)?;
    let key_id = new_id()?;
    let account = format!("key:{key_id}");
    accounts::open(&transaction, &account, new.cap_microunits, None).await?;
    let detail = format!(
        "{}partner {}, scopes {}, {}, {} units in 30 days",
        if new.test_mode { "test mode, " } else { "" },
        new.partner_id,
        Scope::join(&new.scopes),
        new.limits.describe(),
        units(new.cap_microunits)
    );
    let key = Key {
        key_id: key_id.clone(),
        partner_id: new.partner_id.clone(),
        environment: new.environment,
        scopes: new.scopes.clone(),
        limits: new.limits,
        account,
        created_at: now,
        expires_at: new.expires_at,
        revoked_at: None,
        last_used_at: None,
        replaced_by: None,
        name: new.name.trim().to_owned(),
        documents_only: new.documents_only,
        test_mode: new.test_mode,
    };
    keys::insert(&transaction, &key, secret.hash()).await?;
    audit::record(&transaction, now, Action::CreateKey, &key_id, detail).await?;
    transaction.commit().await?;
    Ok((key_id, secret))
}

/// Creates a key that replaces another one, with the same partner, scopes, limits and account. The old key remains
/// valid until `overlap_s` seconds from now, or until its own expiry if that is sooner. Returns the id of the new key
/// and the key.
///
/// # Errors
/// The old key does not exist, is revoked, has expired, or was already rotated; or the database fails.
pub async fn rotate_key(
    db: &DatabaseConnection,
    key_id: &str,
    overlap_s: i64,
    now: i64,
) -> anyhow::Result<(String, ApiKey)> {
    let transaction = db::begin_write(db).await?;
    let mut old = keys::find_locked(&transaction, key_id).await?;
    ensure!(old.revoked_at.is_none(), "{key_id} is revoked: create a new key with `keys create`");
    if let Some(successor) = &old.replaced_by {
        bail!("{key_id} was already rotated: {successor} replaces it");
    }
    ensure!(old.expires_at.is_none_or(|at| at > now), "{key_id} has expired: create a new key with `keys create`");
    let secret = ApiKey::generate(old.environment, &old.partner_id).map_err(Error::into_anyhow)?;
    let new_id = new_id()?;
    let successor = Key { key_id: new_id.clone(), created_at: now, last_used_at: None, ..old.clone() };
    keys::insert(&transaction, &successor, secret.hash()).await?;
    let ends_at = now.saturating_add(overlap_s).min(old.expires_at.unwrap_or(i64::MAX));
    (old.expires_at, old.replaced_by) = (Some(ends_at), Some(new_id.clone()));
    keys::update(&transaction, &old).await?;
    let detail = format!("followed by {new_id}, works until {}", format_time(ends_at));
    audit::record(&transaction, now, Action::RotateKey, key_id, detail).await?;
    audit::record(&transaction, now, Action::CreateKey, &new_id, format!("follows {key_id}")).await?;
    transaction.commit().await?;
    Ok((new_id, secret))
}

/// Revokes a key. This takes effect on every server within five seconds.
///
/// # Errors
/// The key does not exist or is already revoked, or the database fails.
pub async fn revoke_key(db: &DatabaseConnection, key_id: &str, now: i64) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    let mut key = keys::find_locked(&transaction, key_id).await?;
    ensure!(key.revoked_at.is_none(), "{key_id} is already revoked");
    key.revoked_at = Some(now);
    keys::update(&transaction, &key).await?;
    audit::record(&transaction, now, Action::RevokeKey, key_id, String::new()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Changes the limits of a key, and its privacy cap if `cap_microunits` is given. This takes effect on every server
/// within five seconds. Returns the new limits.
///
/// # Errors
/// The key does not exist, or the database fails.
pub async fn change_limits(
    db: &DatabaseConnection,
    key_id: &str,
    change: impl FnOnce(Limits) -> Limits + Send,
    cap_microunits: Option<i64>,
    now: i64,
) -> anyhow::Result<Limits> {
    let transaction = db::begin_write(db).await?;
    let mut key = keys::find_locked(&transaction, key_id).await?;
    if cap_microunits.is_some() {
        let detail = ledger::change_caps(&transaction, &key.account, cap_microunits, None).await?;
        let detail = detail.context("the key has no privacy account")?;
        audit::record(&transaction, now, Action::ChangeLimits, key_id, detail).await?;
    }
    let before = key.limits;
    key.limits = change(before);
    if key.limits != before {
        keys::update(&transaction, &key).await?;
        let detail = format!("from {} to {}", before.describe(), key.limits.describe());
        audit::record(&transaction, now, Action::ChangeLimits, key_id, detail).await?;
    }
    transaction.commit().await?;
    Ok(key.limits)
}

fn new_id() -> anyhow::Result<String> {
    Ok(format!("key_{}", random_hex(6).map_err(Error::into_anyhow)?))
}
