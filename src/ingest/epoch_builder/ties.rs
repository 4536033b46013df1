//! What an epoch needs of the kept ties of each person: those between people of one region.

use std::collections::HashMap;

use futures_util::{FutureExt as _, TryFutureExt as _};
use parking_lot::Mutex;
use sea_orm::{DatabaseTransaction, EntityTrait as _, QueryFilter as _, QuerySelect as _};

use super::{
    people::{Candidate, Network},
    readers::Readers,
    visits::{FirstVisit, PersonVisits, WINDOWS},
};
use crate::{
    domain::epoch::WindowLength,
    privacy::contribution::{self, NO_TIES, Tie},
    storage::entity::connection::{self, COLUMN, Column},
};

/// A tie as it is stored: both ends, compatibility, and when it was made.
type Stored = (String, String, f64, i64);

/// Reads the ties that were made before `ends_at`. `pages` are the parts of `candidates`, which are sorted by id;
/// `visits` has the same order.
pub(super) async fn read(
    readers: &Readers<'_>,
    pages: &[&[Candidate]],
    candidates: &[Candidate],
    visits: &[PersonVisits],
    ends_at: i64,
) -> anyhow::Result<Vec<Network>> {
    let positions: HashMap<&str, usize> =
        candidates.iter().enumerate().map(|(position, person)| (person.agent_id.as_str(), position)).collect();
    let none = Network { sums: [NO_TIES; WINDOWS], ties: 0 };
    let networks = Mutex::new(vec![none; candidates.len()]);
    let add = |stored: Vec<Stored>| {
        let mut networks = networks.lock();
        for (one, other, compatibility, made_at) in stored {
            let (Some(&one), Some(&other)) = (positions.get(one.as_str()), positions.get(other.as_str())) else {
                continue;
            };
            let [a, b] = [&candidates[one], &candidates[other]];
            if !a.is_adult || !b.is_adult || a.region != b.region {
                continue;
            }
            for (own, end) in [(one, other), (other, one)] {
                let followed_at = followed_at(&visits[own].first_visits, &visits[end].first_visits, ends_at);
                networks[own].add(&Tie { compatibility, made_at, followed_at }, ends_at);
            }
        }
    };
    readers.read(pages, |connection, page| stored(connection, page, ends_at).map_ok(&add).boxed()).await?;
    Ok(networks.into_inner())
}

impl Network {
    fn add(&mut self, tie: &Tie, ends_at: i64) {
        self.ties += 1;
        for (sums, length) in self.sums.iter_mut().zip(WindowLength::ALL) {
            contribution::add_tie(sums, length.starts_at(ends_at), tie);
        }
    }
}

/// The kept ties whose lesser end is in a page.
async fn stored(connection: &DatabaseTransaction, page: &[Candidate], ends_at: i64) -> anyhow::Result<Vec<Stored>> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Vec::new()) };
    let select = connection::Entity::find()
        .select_only()
        .columns([Column::AgentId1, Column::AgentId2, Column::CompatibilityScore, Column::CreatedAt])
        .filter(COLUMN.agent_id_1.between(first.agent_id.as_str(), last.agent_id.as_str()))
        .filter(COLUMN.kept.eq(true))
        .filter(COLUMN.created_at.lt(ends_at));
    Ok(select.into_tuple().all(connection).await?)
}

/// The latest first visit of the person `other`, within the longest window, to a spot that the person `own` had visited
/// before, in Unix seconds. Both are sorted by spot.
fn followed_at(own: &[FirstVisit], other: &[FirstVisit], ends_at: i64) -> Option<i64> {
    let (mut own, mut latest) = (own.iter().peekable(), 0);
    for visit in other {
        while own.next_if(|earlier| earlier.spot < visit.spot).is_some() {}
        if own.peek().is_some_and(|earlier| earlier.spot == visit.spot && earlier.at < visit.at) {
            latest = latest.max(visit.at);
        }
    }
    (latest > 0).then(|| WindowLength::Days84.starts_at(ends_at) + i64::from(latest) - 1)
}
