//! Privacy releases: pending rows, leases, published payloads, and decoy writes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect, QueryTrait as _,
    sea_query::{Expr, OnConflict, Query},
};

use super::{
    db,
    entity::{
        privacy_decoy_write,
        privacy_release::{ActiveModel, COLUMN, Column, Entity, Model},
        privacy_view,
    },
};

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Charged, not yet published.
    Pending,
    /// Published.
    Ready,
    /// Below the size rule: nothing of it is stored.
    Suppressed,
}

impl Status {
    /// The value of the column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Suppressed => "suppressed",
        }
    }
}

/// A release that has been charged and is to be published.
pub struct PendingRelease<'a> {
    pub release_key: &'a str,
    pub bundle: &'a str,
    /// The canonical form of the segment.
    pub segment: &'a str,
    pub window_days: i32,
    pub epoch_id: i32,
    pub rho: f64,
    pub delta: f64,
}

/// The outcome of a release.
pub struct PublishedRelease {
    pub release_key: String,
    /// The noisy sums as JSON; `None` if the release is suppressed.
    pub payload: Option<String>,
}

/// A row that is written and deleted to make a first view of a stored release take as long as publishing one.
pub struct DecoyWrite {
    pub key: String,
    /// As long as a payload.
    pub payload: String,
}

/// Adds rows for releases unless they exist. Pass them in the order of their keys: then two transactions that add the
/// same releases wait for each other, but cannot deadlock.
pub async fn insert_pending(db: &impl ConnectionTrait, pending: &[PendingRelease<'_>]) -> Result<(), DbErr> {
    if pending.is_empty() {
        return Ok(());
    }
    let rows = pending.iter().map(|release| ActiveModel {
        release_key: Set(release.release_key.to_owned()),
        bundle: Set(release.bundle.to_owned()),
        segment: Set(release.segment.to_owned()),
        window_days: Set(release.window_days),
        epoch_id: Set(release.epoch_id),
        status: Set(Status::Pending.name().to_owned()),
        payload: Set(None),
        rho: Set(release.rho),
        delta: Set(release.delta),
        lease_token: Set(None),
        lease_until: Set(None),
        published_at: Set(None),
    });
    let keep = OnConflict::column(Column::ReleaseKey).do_nothing().to_owned();
    Entity::insert_many(rows).on_conflict(keep).exec_without_returning(db).await?;
    Ok(())
}

/// Those of the releases that are published or suppressed.
pub async fn load_published(db: &impl ConnectionTrait, keys: Vec<&str>) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(COLUMN.release_key.is_in(keys)).filter(COLUMN.status.ne(Status::Pending.name())).all(db).await
}

/// Takes the leases that are free and returns the keys of these releases; adds an empty row per decoy write.
///
/// One transaction for all of them, as in [`publish`]: a commit per release would make publishing take longer than
/// viewing.
pub async fn lease(
    db: &DatabaseConnection,
    keys: &[&str],
    decoys: &[DecoyWrite],
    token: &str,
    now: i64,
    until: i64,
) -> Result<HashSet<String>, DbErr> {
    let transaction = db::begin_write(db).await?;
    let is_free = COLUMN.lease_until.is_null().or(Expr::col(Column::LeaseUntil).lt(now));
    Entity::update_many()
        .col_expr(Column::LeaseToken, Expr::value(token))
        .col_expr(Column::LeaseUntil, Expr::value(until))
        .filter(COLUMN.release_key.is_in(keys.iter().copied()))
        .filter(COLUMN.status.eq(Status::Pending.name()))
        .filter(is_free)
        .exec(&transaction)
        .await?;
    let leased: Vec<String> = Entity::find()
        .select_only()
        .column(Column::ReleaseKey)
        .filter(COLUMN.release_key.is_in(keys.iter().copied()))
        .filter(COLUMN.lease_token.eq(token))
        .into_tuple()
        .all(&transaction)
        .await?;
    if !decoys.is_empty() {
        let rows = decoys.iter().map(|decoy| privacy_decoy_write::ActiveModel {
            release_key: Set(decoy.key.clone()),
            payload: Set(String::new()),
        });
        privacy_decoy_write::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(leased.into_iter().collect())
}

/// Stores what a holder of leases published, and fills as many decoy rows.
///
/// A holder whose lease has expired stores nothing: another worker has sampled its own noise, and only one sample may
/// be seen.
pub async fn publish(
    db: &DatabaseConnection,
    published: Vec<PublishedRelease>,
    decoys: &[DecoyWrite],
    token: &str,
    now: i64,
) -> Result<(), DbErr> {
    let transaction = db::begin_write(db).await?;
    for release in published {
        let status = if release.payload.is_some() { Status::Ready } else { Status::Suppressed };
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(status.name()))
            .col_expr(Column::Payload, Expr::value(release.payload))
            .col_expr(Column::PublishedAt, Expr::value(now))
            .filter(COLUMN.release_key.eq(release.release_key))
            .filter(COLUMN.status.eq(Status::Pending.name()))
            .filter(COLUMN.lease_token.eq(token))
            .exec(&transaction)
            .await?;
    }
    for decoy in decoys {
        privacy_decoy_write::Entity::update_many()
            .col_expr(privacy_decoy_write::Column::Payload, Expr::value(decoy.payload.as_str()))
            .filter(privacy_decoy_write::COLUMN.release_key.eq(decoy.key.as_str()))
            .exec(&transaction)
            .await?;
    }
    transaction.commit().await
}

/// Deletes decoy rows.
pub async fn delete_decoys(db: &DatabaseConnection, keys: Vec<String>) -> Result<(), DbErr> {
    let decoys = privacy_decoy_write::Entity::delete_many();
    decoys.filter(privacy_decoy_write::COLUMN.release_key.is_in(keys)).exec(db).await?;
    Ok(())
}

/// The sizes of the segments that an account was shown in some epochs.
pub async fn shown_to(db: &impl ConnectionTrait, account: &str, epochs: BTreeSet<i32>) -> Result<Vec<Model>, DbErr> {
    let shown = privacy_view::Entity::find()
        .select_only()
        .column(privacy_view::Column::ReleaseKey)
        .filter(privacy_view::COLUMN.subject.eq(account))
        .filter(privacy_view::COLUMN.shown.eq(true))
        .into_query();
    Entity::find()
        .filter(Expr::col(Column::ReleaseKey).in_subquery(shown))
        .filter(COLUMN.epoch_id.is_in(epochs))
        .all(db)
        .await
}

/// The number of releases by bundle and status.
pub async fn count_by_status(db: &impl ConnectionTrait) -> Result<BTreeMap<(String, String), u64>, DbErr> {
    let select = Query::select()
        .columns([Column::Bundle, Column::Status])
        .expr(Expr::col(Column::ReleaseKey).count())
        .from(Entity)
        .add_group_by([Expr::col(Column::Bundle), Expr::col(Column::Status)])
        .to_owned();
    let mut counts = BTreeMap::new();
    for row in db.query_all(&select).await? {
        let count: i64 = row.try_get_by_index(2)?;
        counts.insert((row.try_get_by_index(0)?, row.try_get_by_index(1)?), count.unsigned_abs());
    }
    Ok(counts)
}
