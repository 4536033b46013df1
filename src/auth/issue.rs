//! Key administration for operators: create, rotate and revoke keys, and change their limits. Each operation adds a row
//! to `audit_events`.

use anyhow::{Context, bail, ensure};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseConnection, EntityTrait, IntoActiveModel, QuerySelect,
    sea_query::OnConflict,
};

use super::{ApiKey, Environment, Limits, Scope, random_hex};
use crate::{
    audit,
    clock::format_time,
    db,
    entity::{api_key, partner},
    error::Error,
    privacy::{bundles::units, ledger},
};

/// The properties of a new key.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub partner_id: String,
    pub environment: Environment,
    pub scopes: Vec<Scope>,
    pub limits: Limits,
    pub expires_at: Option<i64>,
    /// Privacy cap in any 30 days, in milliunits.
    pub cap_mu: i64,
}

/// Creates a key and its privacy account, and its partner if there is no partner of that name. Returns the id of the
/// key and the key. `now` is in Unix seconds.
///
/// # Errors
/// There is no scope, the expiry is in the past, the partner's name is invalid, the operating system provides no
/// randomness, or the database fails.
pub async fn create_key(db: &DatabaseConnection, new: &NewKey, now: i64) -> anyhow::Result<(String, ApiKey)> {
    ensure!(!new.scopes.is_empty(), "a key needs at least one scope");
    if new.expires_at.is_some_and(|at| at <= now) {
        bail!("the expiry is in the past");
    }
    let transaction = db::begin_write(db).await?;
    ensure_partner(&transaction, &new.partner_id, now).await?;
    let key = ApiKey::generate(new.environment, &new.partner_id).map_err(Error::explain)?;
    let key_id = new_id()?;
    let subject = format!("key:{key_id}");
    ledger::open_account(&transaction, &subject, new.cap_mu, None).await?;
    let scopes: Vec<_> = new.scopes.iter().map(|scope| scope.word()).collect();
    let detail = format!(
        "partner {}, scopes {}, {}, {} units in 30 days",
        new.partner_id,
        scopes.join("|"),
        words(new.limits),
        units(new.cap_mu)
    );
    let mut row = api_key::ActiveModel {
        key_id: Set(key_id.clone()),
        partner_id: Set(new.partner_id.clone()),
        key_hash: Set(key.hash()),
        environment: Set(new.environment.word().to_owned()),
        scopes: Set(scopes.join("|")),
        privacy_subject: Set(subject),
        created_at: Set(now),
        expires_at: Set(new.expires_at),
        ..Default::default()
    };
    set(&mut row, new.limits);
    api_key::Entity::insert(row).exec_without_returning(&transaction).await?;
    audit::record(&transaction, now, "create", &key_id, detail).await?;
    transaction.commit().await?;
    Ok((key_id, key))
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
    let old = find(&transaction, key_id).await?;
    ensure!(old.revoked_at.is_none(), "{key_id} is revoked: create a new key with `keys create`");
    ensure!(old.expires_at.is_none_or(|at| at > now), "{key_id} has expired: create a new key with `keys create`");
    if let Some(follower) = &old.replaced_by {
        bail!("{key_id} was already rotated: {follower} replaces it");
    }
    let environment = if old.environment == "poc" { Environment::Poc } else { Environment::Live };
    let key = ApiKey::generate(environment, &old.partner_id).map_err(Error::explain)?;
    let new_id = new_id()?;
    let ends_at = now.saturating_add(overlap_s).min(old.expires_at.unwrap_or(i64::MAX));
    let follower = api_key::ActiveModel {
        key_id: Set(new_id.clone()),
        key_hash: Set(key.hash()),
        created_at: Set(now),
        last_used_at: Set(None),
        ..old.clone().into_active_model().reset_all()
    };
    api_key::Entity::insert(follower).exec_without_returning(&transaction).await?;
    let mut old = old.into_active_model();
    (old.expires_at, old.replaced_by) = (Set(Some(ends_at)), Set(Some(new_id.clone())));
    old.update(&transaction).await?;
    let detail = format!("followed by {new_id}, works until {}", format_time(ends_at));
    audit::record(&transaction, now, "rotate", key_id, detail).await?;
    audit::record(&transaction, now, "create", &new_id, format!("follows {key_id}")).await?;
    transaction.commit().await?;
    Ok((new_id, key))
}

/// Revokes a key. This takes effect on every server within five seconds.
///
/// # Errors
/// The key does not exist or is already revoked, or the database fails.
pub async fn revoke_key(db: &DatabaseConnection, key_id: &str, now: i64) -> anyhow::Result<()> {
    let transaction = db::begin_write(db).await?;
    let key = find(&transaction, key_id).await?;
    ensure!(key.revoked_at.is_none(), "{key_id} is already revoked");
    let mut key = key.into_active_model();
    key.revoked_at = Set(Some(now));
    key.update(&transaction).await?;
    audit::record(&transaction, now, "revoke", key_id, String::new()).await?;
    transaction.commit().await?;
    Ok(())
}

/// Changes the limits of a key, and its privacy cap if `cap_mu` (in milliunits) is given. This takes effect on every
/// server within five seconds. Returns the new limits.
///
/// # Errors
/// The key does not exist, or the database fails.
pub async fn change_limits(
    db: &DatabaseConnection,
    key_id: &str,
    change: impl FnOnce(Limits) -> Limits + Send,
    cap_mu: Option<i64>,
    now: i64,
) -> anyhow::Result<Limits> {
    let transaction = db::begin_write(db).await?;
    let key = find(&transaction, key_id).await?;
    let before = of(&key);
    let after = change(before);
    if cap_mu.is_some() {
        let detail = ledger::change_caps(&transaction, &key.privacy_subject, cap_mu, None).await?;
        audit::record(&transaction, now, "limits", key_id, detail).await?;
    }
    if after != before {
        let mut key = key.into_active_model();
        set(&mut key, after);
        key.update(&transaction).await?;
        audit::record(&transaction, now, "limits", key_id, format!("from {} to {}", words(before), words(after)))
            .await?;
    }
    transaction.commit().await?;
    Ok(after)
}

/// The limits in the row of a key.
pub(super) fn of(key: &api_key::Model) -> Limits {
    Limits {
        per_minute: key.per_minute.unsigned_abs(),
        per_day: key.per_day.unsigned_abs(),
        max_query_points: key.max_query_points.unsigned_abs(),
        points_per_minute: key.points_per_minute.unsigned_abs(),
        points_per_day: key.points_per_day.unsigned_abs(),
    }
}

fn set(row: &mut api_key::ActiveModel, limits: Limits) {
    let column = |limit: u64| Set(i64::try_from(limit).unwrap_or(i64::MAX));
    row.per_minute = column(limits.per_minute);
    row.per_day = column(limits.per_day);
    row.max_query_points = column(limits.max_query_points);
    row.points_per_minute = column(limits.points_per_minute);
    row.points_per_day = column(limits.points_per_day);
}

fn words(limits: Limits) -> String {
    format!(
        "{} requests a minute and {} a day, {} points a query, {} a minute and {} a day",
        limits.per_minute, limits.per_day, limits.max_query_points, limits.points_per_minute, limits.points_per_day
    )
}

fn new_id() -> anyhow::Result<String> {
    Ok(format!("key_{}", random_hex(6).map_err(Error::explain)?))
}

/// Finds a key by its id.
///
/// # Errors
/// The key does not exist, or the database fails.
pub async fn find_key(db: &impl ConnectionTrait, key_id: &str) -> anyhow::Result<api_key::Model> {
    known(api_key::Entity::find_by_id(key_id).one(db).await?)
}

/// Finds a key by its id and locks its row against concurrent changes.
async fn find(db: &impl ConnectionTrait, key_id: &str) -> anyhow::Result<api_key::Model> {
    known(api_key::Entity::find_by_id(key_id).lock_exclusive().one(db).await?)
}

fn known(key: Option<api_key::Model>) -> anyhow::Result<api_key::Model> {
    // The id is not repeated: it may be a key that was pasted by mistake, which must not appear in a terminal or a log.
    key.context("there is no key with this id: `keys list` shows all ids (they begin with `key_`)")
}

/// Creates a partner, unless there is one of that name.
///
/// # Errors
/// The name does not have 2 to 40 lowercase letters, digits and hyphens, or the database fails.
pub async fn ensure_partner(db: &impl ConnectionTrait, partner_id: &str, now: i64) -> anyhow::Result<()> {
    let letters =
        partner_id.chars().all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-');
    ensure!(
        (2..=40).contains(&partner_id.len()) && letters,
        "a partner name must be 2 to 40 lowercase letters, digits and hyphens, not {partner_id:?}"
    );
    let row =
        partner::ActiveModel { partner_id: Set(partner_id.to_owned()), created_at: Set(now), catalog_version: Set(0) };
    let there = OnConflict::column("partner_id").do_nothing().to_owned();
    partner::Entity::insert(row)
        .on_conflict(there)
        .exec_without_returning(db)
        .await
        .context("cannot create the partner")?;
    Ok(())
}
