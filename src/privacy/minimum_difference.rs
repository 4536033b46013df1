//! The minimum difference: an account that has been shown a segment is not shown a segment that contains it, or is
//! contained in it, and has nearly the same size.
//!
//! The decision uses noisy sizes only: a comparison of exact sizes would reveal what it is meant to hide. The verdict
//! is stored, so that the same question always has the same answer, regardless of questions in between.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use sea_orm::{ConnectionTrait, DatabaseConnection};

use super::{bundles::PUBLICATION_THRESHOLD, ledger, release::Payload};
use crate::{
    domain::{
        epoch::{Vocabulary, Window},
        error::Error,
        mutant::Mutant,
        segment::Cohort,
    },
    storage::{db, releases, views},
};

/// The minimum difference between the noisy sizes of two segments if one lies within the other, in people.
pub const MIN_DIFFERENCE: i64 = PUBLICATION_THRESHOLD;

/// A segment that has passed the size rule and that an account has been shown or requests.
#[derive(Clone)]
pub struct ViewedSegment {
    /// The release key of its size.
    pub release_key: String,
    pub cohort: Arc<Cohort>,
    pub window: Window,
    /// The noisy size, in people.
    pub people: i64,
    /// See [`super::Question::comparison_only`].
    pub comparison_only: bool,
}

impl ViewedSegment {
    fn violates_minimum_difference(&self, shown: &Self, vocabulary: &Vocabulary) -> bool {
        let is_nested =
            || self.cohort.is_within(&shown.cohort, vocabulary) || shown.cohort.is_within(&self.cohort, vocabulary);
        self.window == shown.window && (self.people - shown.people).abs() < MIN_DIFFERENCE && is_nested()
    }
}

/// Decides which of these segments an account may be shown, and stores the verdicts. New segments are decided in this
/// order: requested segments before those that are comparison only, then larger segments before smaller ones. A segment
/// that is withheld does not count as shown.
///
/// # Errors
/// [`Error::Internal`] if the account does not exist, or a stored release cannot be read.
pub async fn decide(
    db: &DatabaseConnection,
    account: &str,
    mut new: Vec<ViewedSegment>,
    vocabulary: &Vocabulary,
    at: i64,
) -> Result<HashMap<String, bool>, Error> {
    let transaction = db::begin_write(db).await?;
    // The lock serializes documents of one account: each must take the segments shown by the other into account.
    ledger::lock(&transaction, &BTreeSet::from([account.to_owned()])).await?;
    let keys: Vec<String> = new.iter().map(|segment| segment.release_key.clone()).collect();
    let mut verdicts = views::load(&transaction, account, &keys).await?;
    new.retain(|segment| !verdicts.contains_key(&segment.release_key));
    new.sort_by(|a, b| {
        let by_purpose = a.comparison_only.cmp(&b.comparison_only);
        by_purpose.then(b.people.cmp(&a.people)).then_with(|| a.release_key.cmp(&b.release_key))
    });
    let windows: Vec<Window> = new.iter().map(|segment| segment.window).collect();
    let mut shown = load_shown(&transaction, account, &windows).await?;
    let mut decided = Vec::with_capacity(new.len());
    for segment in new {
        let violates = shown.iter().any(|shown| segment.violates_minimum_difference(shown, vocabulary));
        let is_shown = !violates || Mutant::Difference.is_on();
        decided.push((segment.release_key.clone(), is_shown));
        if is_shown {
            shown.push(segment);
        }
    }
    verdicts.extend(decided.iter().cloned());
    views::insert(&transaction, account, decided, at).await?;
    transaction.commit().await?;
    Ok(verdicts)
}

/// The segments that an account has been shown in one of `windows`.
async fn load_shown(db: &impl ConnectionTrait, account: &str, windows: &[Window]) -> Result<Vec<ViewedSegment>, Error> {
    let epochs: BTreeSet<i32> = windows.iter().map(|window| window.epoch_id).collect();
    let rows = releases::shown_to(db, account, epochs).await?;
    let mut shown = Vec::with_capacity(rows.len());
    for row in rows {
        let is_same = |window: &&Window| window.epoch_id == row.epoch_id && window.length.days() == row.window_days;
        let Some(window) = windows.iter().find(is_same) else { continue };
        let payload: Payload =
            serde_json::from_str(row.payload.as_deref().unwrap_or_default()).map_err(Error::internal)?;
        let cohort =
            Cohort::from_canonical(&row.segment).ok_or_else(|| Error::internal("a segment is not canonical"))?;
        shown.push(ViewedSegment {
            release_key: row.release_key,
            cohort: Arc::new(cohort),
            window: *window,
            people: payload.values[0],
            comparison_only: false,
        });
    }
    Ok(shown)
}
