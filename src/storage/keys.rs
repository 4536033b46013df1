//! API keys. Only the SHA-256 of a key is stored.

use std::collections::BTreeSet;

use anyhow::Context as _;
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait, ExprTrait as _, QueryFilter,
    QueryOrder, QuerySelect, sea_query::Expr,
};

use super::entity::api_key::{ActiveModel, COLUMN, Column, Entity, Model};
use crate::domain::{
    key::{Environment, Key, Limits},
    scope::Scope,
};

impl From<Model> for Key {
    fn from(row: Model) -> Self {
        Self {
            limits: Limits {
                per_minute: row.per_minute.unsigned_abs(),
                per_day: row.per_day.unsigned_abs(),
                max_query_points: row.max_query_points.unsigned_abs(),
                points_per_minute: row.points_per_minute.unsigned_abs(),
                points_per_day: row.points_per_day.unsigned_abs(),
            },
            scopes: Scope::parse_list(&row.scopes),
            environment: Environment::parse(&row.environment),
            key_id: row.key_id,
            partner_id: row.partner_id,
            account: row.privacy_subject,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            replaced_by: row.replaced_by,
            name: row.name,
            documents_only: row.documents_only,
            test_mode: row.test_mode,
        }
    }
}

/// Stores a new key with its SHA-256.
pub async fn insert(db: &impl ConnectionTrait, key: &Key, hash: Vec<u8>) -> Result<(), DbErr> {
    let mut row = ActiveModel {
        key_id: Set(key.key_id.clone()),
        partner_id: Set(key.partner_id.clone()),
        key_hash: Set(hash),
        environment: Set(key.environment.name().to_owned()),
        scopes: Set(Scope::join(&key.scopes)),
        privacy_subject: Set(key.account.clone()),
        created_at: Set(key.created_at),
        ..Default::default()
    };
    set_changeable(&mut row, key);
    Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Stores what can change of a key: limits, expiry, revocation, last use and replacement.
pub async fn update(db: &impl ConnectionTrait, key: &Key) -> Result<(), DbErr> {
    let mut row = ActiveModel { key_id: Set(key.key_id.clone()), ..Default::default() };
    set_changeable(&mut row, key);
    row.update(db).await?;
    Ok(())
}

fn set_changeable(row: &mut ActiveModel, key: &Key) {
    let column = |limit: u64| Set(i64::try_from(limit).unwrap_or(i64::MAX));
    row.per_minute = column(key.limits.per_minute);
    row.per_day = column(key.limits.per_day);
    row.max_query_points = column(key.limits.max_query_points);
    row.points_per_minute = column(key.limits.points_per_minute);
    row.points_per_day = column(key.limits.points_per_day);
    row.expires_at = Set(key.expires_at);
    row.revoked_at = Set(key.revoked_at);
    row.last_used_at = Set(key.last_used_at);
    row.replaced_by = Set(key.replaced_by.clone());
    row.name = Set(key.name.clone());
    row.documents_only = Set(key.documents_only);
    row.test_mode = Set(key.test_mode);
}

/// A key by its id.
///
/// # Errors
/// There is none, or the database fails.
pub async fn find(db: &impl ConnectionTrait, key_id: &str) -> anyhow::Result<Key> {
    known(Entity::find_by_id(key_id).one(db).await?)
}

/// A key by its id, locked until the transaction ends.
///
/// # Errors
/// There is none, or the database fails.
pub async fn find_locked(db: &impl ConnectionTrait, key_id: &str) -> anyhow::Result<Key> {
    known(Entity::find_by_id(key_id).lock_exclusive().one(db).await?)
}

fn known(row: Option<Model>) -> anyhow::Result<Key> {
    // The message does not repeat the id: it may be the key itself, pasted by mistake.
    let row = row.context("there is no key of that id: `keys list` shows them (the id begins with `key_`)")?;
    Ok(row.into())
}

/// The key with this SHA-256.
pub async fn find_by_hash(db: &impl ConnectionTrait, hash: &[u8]) -> Result<Option<Key>, DbErr> {
    Ok(Entity::find().filter(COLUMN.key_hash.eq(hash)).one(db).await?.map(Key::from))
}

/// All keys, oldest first.
pub async fn list(db: &impl ConnectionTrait) -> Result<Vec<Key>, DbErr> {
    let rows = Entity::find().order_by_asc(COLUMN.created_at).all(db).await?;
    Ok(rows.into_iter().map(Key::from).collect())
}

/// The accounts of active keys with a scope that reads about people, without test keys.
pub async fn active_accounts(db: &impl ConnectionTrait, now: i64) -> Result<BTreeSet<String>, DbErr> {
    let keys: Vec<(String, String)> = Entity::find()
        .select_only()
        .columns([Column::PrivacySubject, Column::Scopes])
        .filter(COLUMN.revoked_at.is_null())
        .filter(COLUMN.test_mode.eq(false))
        .filter(COLUMN.expires_at.is_null().or(Expr::col(Column::ExpiresAt).gt(now)))
        .into_tuple()
        .all(db)
        .await?;
    let reads_people = |scopes: &str| Scope::parse_list(scopes).iter().any(|scope| Scope::INSIGHT.contains(scope));
    Ok(keys.into_iter().filter(|(_, scopes)| reads_people(scopes)).map(|(account, _)| account).collect())
}

/// Sets the time of a key's last use.
pub async fn set_last_used(db: &impl ConnectionTrait, key_id: &str, at: i64) -> Result<(), DbErr> {
    let update = Entity::update_many().col_expr(Column::LastUsedAt, Expr::value(at));
    update.filter(COLUMN.key_id.eq(key_id)).exec(db).await?;
    Ok(())
}
