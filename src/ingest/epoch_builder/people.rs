//! The people whom an epoch may count, with what it needs of their visits and ties.

use std::{collections::HashMap, sync::Arc};

use anyhow::ensure;
use futures_util::{FutureExt as _, TryFutureExt as _};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, QueryFilter, QueryOrder as _, QuerySelect as _, Select};

use super::{
    movers,
    readers::Readers,
    ties,
    visits::{self, PersonVisits, Spots, WINDOWS},
};
use crate::{
    domain::segment::age_band,
    ingest::progress::Bar,
    privacy::contribution::{NETWORK_WIDTH, TIE_CAP},
    storage::entity::agent,
};

/// The number of people per page.
const PEOPLE_PER_PAGE: usize = 2_000;

/// A person who may be counted.
#[derive(Debug)]
pub(super) struct Candidate {
    pub agent_id: String,
    /// The number of the region.
    pub region: usize,
    /// Whether the person is not known to be under age.
    pub is_adult: bool,
}

/// The numbers of the bundle NETWORK by window, and the number of ties.
#[derive(Clone)]
pub(super) struct Network {
    pub sums: [[i64; NETWORK_WIDTH]; WINDOWS],
    pub ties: usize,
}

/// What an epoch needs of the visits and ties of everybody who may be counted. It needs about 500 bytes per person and
/// 8 bytes for each spot that a person has visited.
pub(super) struct People {
    /// Sorted by id.
    pub candidates: Vec<Candidate>,
    /// In the order of `candidates`.
    pub visits: Vec<PersonVisits>,
    /// In the order of `candidates`.
    pub networks: Vec<Network>,
}

impl People {
    pub async fn read(
        readers: &Readers<'_>,
        candidates: Vec<Candidate>,
        ends_at: i64,
        bar: &Bar,
    ) -> anyhow::Result<Self> {
        let spots = Arc::<Spots>::default();
        let pages: Vec<&[Candidate]> = candidates.chunks(PEOPLE_PER_PAGE).collect();
        let spots = &spots;
        let visits = readers.read(&pages, move |connection, page| {
            let visits = visits::read(connection, page, ends_at, spots);
            visits.inspect_ok(|visits| bar.advance(visits.len() as u64)).boxed()
        });
        let visits: Vec<PersonVisits> = visits.await?.into_iter().flatten().collect();
        let networks = ties::read(readers, &pages, &candidates, &visits, ends_at).await?;
        // The noise is calibrated for this bound, so data that violates it must not be released.
        ensure!(networks.iter().all(|network| network.ties <= TIE_CAP), "a person has more than {TIE_CAP} kept ties");
        Ok(Self { candidates, visits, networks })
    }
}

/// The rows of the people with consent and a known region, whose account is charged, without those who changed their
/// region or age band lately. Age and profile are checked later. `now` is the time of the build.
pub(super) fn rows(now: i64) -> Select<agent::Entity> {
    agent::Entity::find()
        .filter(agent::COLUMN.consent.eq(true))
        .filter(agent::COLUMN.region.is_not_null())
        .filter(movers::counts_again(now))
        .order_by_asc(agent::COLUMN.agent_id)
}

/// The people of [`rows`].
pub(super) async fn candidates(db: &impl ConnectionTrait, now: i64) -> Result<Vec<Candidate>, DbErr> {
    let columns = [agent::Column::AgentId, agent::Column::Region];
    let rows = rows(now).select_only().columns(columns).column(agent::Column::Age);
    let rows: Vec<(String, String, Option<i32>)> = rows.into_tuple().all(db).await?;
    let mut regions = HashMap::new();
    let candidate = |(agent_id, region, age): (String, String, Option<i32>)| {
        let next = regions.len();
        Candidate { agent_id, region: *regions.entry(region).or_insert(next), is_adult: age_band(age).is_some() }
    };
    Ok(rows.into_iter().map(candidate).collect())
}
