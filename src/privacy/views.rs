//! The minimum difference: an account that has been shown a segment is not shown a segment that contains it, or is
//! contained in it, and has nearly the same size.
//!
//! The decision uses noisy sizes only: a comparison of exact sizes would reveal what it is meant to hide. The verdict
//! is stored, so that the same question always has the same answer, regardless of questions in between.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseConnection, EntityTrait, ExprTrait as _, QueryFilter, QuerySelect,
    QueryTrait as _, sea_query::Expr,
};

use super::{bundles::PUBLICATION_LINE, ledger, release::Payload};
use crate::{
    db,
    entity::{privacy_release, privacy_view},
    epoch::{Vocabulary, Window},
    error::Error,
    mutant::Mutant,
    segment::Cohort,
};

/// The minimum difference between the noisy sizes of two segments if one lies within the other, in people.
pub const MIN_DIFFERENCE: i64 = PUBLICATION_LINE;

/// A segment that has passed the size rule and that an account has been shown or requests.
#[derive(Clone)]
pub struct Sight {
    /// The release key of its size.
    pub release_key: String,
    pub cohort: Arc<Cohort>,
    pub window: Window,
    /// The noisy size, in people.
    pub people: i64,
    /// Comparison only: see [`super::Question::beside`].
    pub beside: bool,
}

impl Sight {
    fn too_near(&self, seen: &Self, vocabulary: &Vocabulary) -> bool {
        let nested =
            || self.cohort.is_within(&seen.cohort, vocabulary) || seen.cohort.is_within(&self.cohort, vocabulary);
        self.window == seen.window && (self.people - seen.people).abs() < MIN_DIFFERENCE && nested()
    }
}

/// The stored verdicts of an account: release key of a size -> whether the segment may be shown.
pub async fn load(
    db: &impl ConnectionTrait,
    account: &str,
    releases: &[String],
) -> Result<HashMap<String, bool>, Error> {
    let views = privacy_view::Entity::find()
        .filter(privacy_view::COLUMN.subject.eq(account))
        .filter(privacy_view::COLUMN.release_key.is_in(releases))
        .all(db)
        .await?;
    Ok(views.into_iter().map(|view| (view.release_key, view.shown)).collect())
}

/// Decides which of these segments an account may be shown, and stores the verdicts. New segments are decided in this
/// order: requested segments before those that are comparison only, then larger segments before smaller ones. A segment
/// that is withheld does not count as shown.
///
/// # Errors
/// [`Error::Internal`] if the account does not exist, or a stored release cannot be read.
pub async fn judge(
    db: &DatabaseConnection,
    account: &str,
    mut new: Vec<Sight>,
    vocabulary: &Vocabulary,
    at: i64,
) -> Result<HashMap<String, bool>, Error> {
    let transaction = db::begin_write(db).await?;
    // The lock serializes documents of one account: each must take the segments shown by the other into account.
    ledger::lock(&transaction, &BTreeSet::from([account.to_owned()])).await?;
    let keys: Vec<String> = new.iter().map(|sight| sight.release_key.clone()).collect();
    let mut verdicts = load(&transaction, account, &keys).await?;
    new.retain(|sight| !verdicts.contains_key(&sight.release_key));
    new.sort_by(|a, b| {
        a.beside.cmp(&b.beside).then(b.people.cmp(&a.people)).then_with(|| a.release_key.cmp(&b.release_key))
    });
    let windows: Vec<Window> = new.iter().map(|sight| sight.window).collect();
    let mut seen = load_seen(&transaction, account, &windows).await?;
    let mut rows = Vec::with_capacity(new.len());
    for sight in new {
        let near = seen.iter().any(|seen| sight.too_near(seen, vocabulary)) && !Mutant::Difference.is_on();
        rows.push(privacy_view::ActiveModel {
            subject: Set(account.to_owned()),
            release_key: Set(sight.release_key.clone()),
            shown: Set(!near),
            viewed_at: Set(at),
        });
        verdicts.insert(sight.release_key.clone(), !near);
        if !near {
            seen.push(sight);
        }
    }
    if !rows.is_empty() {
        privacy_view::Entity::insert_many(rows).exec_without_returning(&transaction).await?;
    }
    transaction.commit().await?;
    Ok(verdicts)
}

/// The segments that an account has been shown in one of `windows`.
async fn load_seen(db: &impl ConnectionTrait, account: &str, windows: &[Window]) -> Result<Vec<Sight>, Error> {
    let shown = privacy_view::Entity::find()
        .select_only()
        .column(privacy_view::Column::ReleaseKey)
        .filter(privacy_view::COLUMN.subject.eq(account))
        .filter(privacy_view::COLUMN.shown.eq(true))
        .into_query();
    let epochs: BTreeSet<i32> = windows.iter().map(|window| window.epoch_id).collect();
    let rows = privacy_release::Entity::find()
        .filter(Expr::col("release_key").in_subquery(shown))
        .filter(privacy_release::COLUMN.epoch_id.is_in(epochs))
        .all(db)
        .await?;
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        let same = |window: &&Window| window.epoch_id == row.epoch_id && window.length.days() == row.window_days;
        let Some(window) = windows.iter().find(same) else { continue };
        let payload: Payload =
            serde_json::from_str(row.payload.as_deref().unwrap_or_default()).map_err(Error::internal)?;
        let cohort =
            Cohort::from_canonical(&row.segment).ok_or_else(|| Error::internal("a segment is not canonical"))?;
        seen.push(Sight {
            release_key: row.release_key,
            cohort: Arc::new(cohort),
            window: *window,
            people: payload.values[0],
            beside: false,
        });
    }
    Ok(seen)
}
