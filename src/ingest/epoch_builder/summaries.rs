//! One row of integers per person and window, written in pages.

use std::collections::HashMap;

use sea_orm::{DatabaseTransaction, EntityTrait, Iterable as _, QueryFilter, Value};

use super::{
    people::{self, Network, People},
    readers::Readers,
    visits::PersonVisits,
    vocabulary::Counts,
};
use crate::{
    domain::{dimensions::DimensionMap, epoch::WindowLength, segment::age_band},
    privacy::contribution::{self, Profile},
    storage::{
        bulk,
        entity::{
            agent, agent_summary,
            personality_profile::{self, Model as ProfileRow},
        },
    },
};

/// The number of people per page.
const PEOPLE_PER_PAGE: usize = 1_000;

/// Writes the summaries of an epoch, and counts who has them.
#[derive(Default)]
pub(super) struct SummaryWriter {
    epoch_id: i32,
    /// The time of the build, in Unix seconds.
    now: i64,
    pub counts: Counts,
}

/// The rows of a page of people.
type Page = (Vec<agent::Model>, HashMap<String, Profile>);

impl SummaryWriter {
    pub(super) fn new(epoch_id: i32, now: i64) -> Self {
        Self { epoch_id, now, ..Self::default() }
    }

    /// Writes the rows of all people. While a page is written, the next one is read.
    pub(super) async fn write(
        &mut self,
        transaction: &DatabaseTransaction,
        readers: &Readers<'_>,
        people: &People,
    ) -> anyhow::Result<()> {
        let starts: Vec<usize> = (0..people.candidates.len()).step_by(PEOPLE_PER_PAGE).collect();
        let columns: Vec<agent_summary::Column> = agent_summary::Column::iter().collect();
        let mut page = load(readers.one(), people, starts.first(), self.now).await?;
        for (number, start) in starts.iter().enumerate() {
            let rows = self.rows(people, *start, &page);
            let next = load(readers.one(), people, starts.get(number + 1), self.now);
            let (written, next) =
                tokio::join!(bulk::insert::<agent_summary::Entity>(transaction, &columns, rows, None), next);
            written?;
            page = next?;
        }
        Ok(())
    }

    /// The rows of the people of a page, the first of whom has the position `start`.
    fn rows(&mut self, people: &People, start: usize, (agents, profiles): &Page) -> Vec<Vec<Value>> {
        let mut rows = Vec::new();
        let mut position = start;
        for person in agents {
            // Both are sorted by id and come from one snapshot.
            while people.candidates.get(position).is_some_and(|candidate| candidate.agent_id != person.agent_id) {
                position += 1;
            }
            let (Some(region), Some(band), Some(profile), Some(visits)) =
                (&person.region, age_band(person.age), profiles.get(&person.agent_id), people.visits.get(position))
            else {
                continue;
            };
            let before = rows.len();
            rows.extend(self.summaries(person, (region, band), profile, visits, &people.networks[position]));
            if rows.len() > before {
                self.counts.add(region, &person.interests, &person.category_preferences);
            }
        }
        rows
    }

    /// The summaries of a person in the windows in which the person has a visit.
    fn summaries(
        &self,
        person: &agent::Model,
        (region, age_band): (&str, i32),
        profile: &Profile,
        visits: &PersonVisits,
        network: &Network,
    ) -> Vec<Vec<Value>> {
        let summary = |(length, (behavior, network)): (WindowLength, (&Option<[i16; _]>, &[i64; _]))| {
            let behavior: [i16; contribution::BEHAVIOR_WIDTH] = (*behavior)?;
            let network: [i64; contribution::NETWORK_WIDTH] = *network;
            // In the order of the columns.
            let mut row: Vec<Value> = Vec::with_capacity(agent_summary::Column::iter().len());
            row.extend([self.epoch_id.into(), length.days().into(), region.into(), age_band.into()]);
            row.extend([person.agent_id.as_str(), &delimited(&person.interests)].map(Value::from));
            row.push(delimited(&person.category_preferences).into());
            let bins = profile.bins.iter().chain([&profile.archetype]).map(|bin| i64::try_from(*bin).unwrap_or(0));
            let numbers = behavior.into_iter().map(i64::from).chain(profile.mean).chain(bins).chain(network);
            row.extend(numbers.map(|number| Value::from(i32::try_from(number).unwrap_or(0))));
            row.push(contribution::state_norm(&profile.mean).into());
            Some(row)
        };
        let windows = visits.behavior.iter().zip(&network.sums);
        WindowLength::ALL.into_iter().zip(windows).filter_map(summary).collect()
    }
}

async fn load_profiles(
    transaction: &DatabaseTransaction,
    first: &str,
    last: &str,
) -> anyhow::Result<HashMap<String, Profile>> {
    let rows = personality_profile::Entity::find()
        .filter(personality_profile::COLUMN.agent_id.gte(first))
        .filter(personality_profile::COLUMN.agent_id.lte(last))
        .all(transaction)
        .await?;
    let profile = |row: ProfileRow| Some((row.agent_id.clone(), contribution::profile(&dimensions(&row))?));
    Ok(rows.into_iter().filter_map(profile).collect())
}

fn dimensions(row: &ProfileRow) -> DimensionMap<Option<f64>> {
    DimensionMap::new([
        row.exploration_eagerness,
        row.community_orientation,
        row.authenticity_preference,
        row.social_discovery_style,
        row.temporal_flexibility,
        row.location_adventurousness,
        row.curation_tendency,
        row.trust_network_reliance,
        row.energy_preference,
        row.novelty_seeking,
        row.value_orientation,
        row.crowd_tolerance,
    ])
}

/// Reads a page of people, the first of whom has the position `start`; nobody if it is `None`.
async fn load(
    transaction: &DatabaseTransaction,
    people: &People,
    start: Option<&usize>,
    now: i64,
) -> anyhow::Result<Page> {
    let Some(&start) = start else { return Ok(Page::default()) };
    let end = people.candidates.len().min(start + PEOPLE_PER_PAGE);
    let [first, last] = [start, end - 1].map(|position| people.candidates[position].agent_id.as_str());
    let agents = people::rows(now).filter(agent::COLUMN.agent_id.between(first, last)).all(transaction).await?;
    Ok((agents, load_profiles(transaction, first, last).await?))
}

/// Converts `a|b` to `|a|b|`, so that a search for `|a|` matches whole values only.
fn delimited(terms: &str) -> String {
    if terms.is_empty() { String::new() } else { format!("|{terms}|") }
}
