//! Privacy releases: stored steps, and decoy writes.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect,
    QueryTrait as _, Value,
    sea_query::{Expr, Query},
};

use super::{
    bulk::is_any,
    db::{self, TextQuery, TextRow},
    entity::{
        privacy_charge, privacy_decoy_write,
        privacy_release::{COLUMN, Column, Entity, Model},
    },
};

/// The state of a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Published.
    Ready,
    /// A step of a size with which the segment does not pass the size rule.
    Suppressed,
}

impl Status {
    /// The value of the column.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Suppressed => "suppressed",
        }
    }
}

/// A step of a release to be stored.
pub struct NewRelease {
    pub release_key: String,
    pub bundle: &'static str,
    pub step: u8,
    /// The canonical form of the segment.
    pub segment: String,
    pub window_days: i32,
    pub epoch_id: i32,
    pub status: Status,
    /// The noisy sums as JSON.
    pub payload: Option<String>,
    pub rho: f64,
    pub delta: f64,
}

/// A row that is written and deleted to make a first view of a stored release take as long as publishing one.
pub struct DecoyWrite {
    pub key: String,
    /// As long as a payload.
    pub payload: String,
}

/// The stored ones of these releases.
pub async fn load(db: &impl ConnectionTrait, keys: Vec<&str>) -> Result<Vec<Model>, DbErr> {
    Entity::find().filter(COLUMN.release_key.is_in(keys)).all(db).await
}

/// The stored ones of these releases: their keys.
pub fn existing<'a>(backend: DbBackend, keys: impl Iterator<Item = &'a str>) -> TextQuery {
    let keys = is_any(backend, Column::ReleaseKey, keys.map(str::to_owned));
    TextQuery::new(Entity::find().filter(keys).into_query(), &["release_key"])
}

/// Whether releases of the policy 2026-1 are stored for an epoch.
pub async fn has_old(db: &impl ConnectionTrait, epoch_id: i32) -> Result<bool, DbErr> {
    let old = Entity::find().filter(COLUMN.epoch_id.eq(epoch_id)).filter(COLUMN.step.eq(0));
    Ok(old.one(db).await?.is_some())
}

/// The statement that stores releases. None of them may exist.
pub fn insert(backend: DbBackend, releases: Vec<NewRelease>, now: i64) -> String {
    let row = |release: NewRelease| -> Vec<Value> {
        let NewRelease { release_key, bundle, step, segment, window_days, epoch_id, status, payload, rho, delta } =
            release;
        let about = [release_key.into(), bundle.into(), i32::from(step).into(), segment.into()];
        let rest = [window_days.into(), epoch_id.into(), status.name().into(), payload.into()];
        about.into_iter().chain(rest).chain([rho.into(), delta.into(), now.into()]).collect()
    };
    let columns = [
        Column::ReleaseKey,
        Column::Bundle,
        Column::Step,
        Column::Segment,
        Column::WindowDays,
        Column::EpochId,
        Column::Status,
        Column::Payload,
        Column::Rho,
        Column::Delta,
        Column::PublishedAt,
    ];
    db::insert_text::<Entity>(backend, &columns, releases.into_iter().map(row).collect())
}

/// The statement that writes decoy rows.
pub fn insert_decoys(backend: DbBackend, decoys: &[DecoyWrite]) -> String {
    use privacy_decoy_write::Column;
    let rows = decoys.iter().map(|decoy| vec![decoy.key.as_str().into(), decoy.payload.as_str().into()]);
    let columns = [Column::ReleaseKey, Column::Payload];
    db::insert_text::<privacy_decoy_write::Entity>(backend, &columns, rows.collect())
}

/// Deletes decoy rows.
pub async fn delete_decoys(db: &DatabaseConnection, keys: Vec<String>) -> Result<(), DbErr> {
    let decoys = privacy_decoy_write::Entity::delete_many();
    decoys.filter(privacy_decoy_write::COLUMN.release_key.is_in(keys)).exec(db).await?;
    Ok(())
}

/// A stored step of a size.
pub struct SizeStep {
    pub release_key: String,
    pub step: i32,
    /// The canonical form of the segment.
    pub segment: String,
    pub window_days: i32,
    pub epoch_id: i32,
    pub status: String,
    /// The noisy sum as JSON.
    pub payload: Option<String>,
}

/// The steps of sizes that an account was charged for, in some epochs; see [`size_step`].
pub fn sizes_charged_to(account: &str, epochs: &BTreeSet<i32>) -> TextQuery {
    let charged = privacy_charge::Entity::find()
        .select_only()
        .column(privacy_charge::Column::ReleaseKey)
        .filter(privacy_charge::COLUMN.subject.eq(account))
        .into_query();
    let rows = Entity::find()
        .filter(Expr::col(Column::ReleaseKey).in_subquery(charged))
        .filter(COLUMN.bundle.eq("SIZE"))
        .filter(COLUMN.epoch_id.is_in(epochs.iter().copied()));
    let columns = ["release_key", "step", "segment", "window_days", "epoch_id", "status", "payload"];
    TextQuery::new(rows.into_query(), &columns)
}

/// A row of [`sizes_charged_to`].
pub fn size_step(row: TextRow) -> Result<SizeStep, DbErr> {
    let row: [String; 7] = row.try_into().map_err(|_| DbErr::Type("not a step of a size".to_owned()))?;
    let [release_key, step, segment, window_days, epoch_id, status, payload] = row;
    let payload = Some(payload).filter(|payload| !payload.is_empty());
    let (step, window_days, epoch_id) = (db::number(&step)?, db::number(&window_days)?, db::number(&epoch_id)?);
    Ok(SizeStep { release_key, step, segment, window_days, epoch_id, status, payload })
}

/// The number of releases by bundle and status; each step counts.
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

/// The number of segments and windows whose size passed the size rule, and the number of those that failed it with
/// `last_step`, or with the only release of the policy 2026-1 (step 0).
pub async fn count_sizes(db: &impl ConnectionTrait, last_step: u8) -> Result<(u64, u64), DbErr> {
    let sizes = Entity::find()
        .select_only()
        .columns([Column::EpochId, Column::WindowDays])
        .column(Column::Segment)
        .column(Column::Step)
        .column(Column::Status)
        .filter(COLUMN.bundle.eq("SIZE"));
    let rows: Vec<(i32, i32, String, i32, String)> = sizes.into_tuple().all(db).await?;
    let (mut passed, mut failed) = (HashSet::new(), 0);
    for (epoch, window, segment, step, status) in rows {
        if status == Status::Ready.name() {
            passed.insert((epoch, window, segment));
        } else if step == 0 || step == i32::from(last_step) {
            failed += 1;
        }
    }
    Ok((passed.len() as u64, failed))
}
