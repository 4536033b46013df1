//! One row of integers per person and window, written in pages so that memory use does not grow with their number.

use std::collections::{BTreeMap, HashMap};

use anyhow::ensure;
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ConnectionTrait as _, DatabaseTransaction, EntityTrait, ExprTrait as _, FromQueryResult, Iterable as _,
    QueryFilter, QueryOrder, QuerySelect, Select,
    sea_query::{CaseStatement, Expr, Query},
};

use super::{MIN_PEOPLE_PER_TERM, first_visits::EpochFirstVisits, movers, ties};
use crate::{
    domain::{
        clock::{DAY, WEEK},
        dimensions::DimensionMap,
        epoch::{TermKind, Vocabulary, WindowLength},
        segment::age_band,
    },
    ingest::progress::Bar,
    privacy::contribution::{self, Profile, TIE_CAP, Tie, Visit},
    storage::{
        db,
        entity::{
            agent, agent_summary,
            personality_profile::{self, Model as ProfileRow},
            user_action,
        },
    },
};

/// The number of people per page.
const PEOPLE_PER_PAGE: u64 = 2_000;

/// Writes the summaries of an epoch, and counts who has them.
#[derive(Default)]
pub(super) struct SummaryWriter {
    epoch_id: i32,
    ends_at: i64,
    /// The time of the build, in Unix seconds.
    now: i64,
    /// The number of people who are counted in at least one window.
    pub counted: i64,
    regions: BTreeMap<String, u64>,
    interests: BTreeMap<String, u64>,
    categories: BTreeMap<String, u64>,
}

/// What a summary needs of a visit.
#[derive(FromQueryResult)]
struct ActionRow {
    agent_id: String,
    start_time: i64,
    end_time: Option<i64>,
    action_type: String,
    is_return_visit: bool,
    category_group: Option<String>,
}

impl SummaryWriter {
    pub(super) fn new(epoch_id: i32, ends_at: i64, now: i64) -> Self {
        Self { epoch_id, ends_at, now, ..Self::default() }
    }

    /// The people with consent and a known region, whose account is charged, without those who changed their region or
    /// age band lately. Age and profile are checked later.
    pub(super) fn candidates(&self) -> Select<agent::Entity> {
        agent::Entity::find()
            .filter(agent::COLUMN.consent.eq(true))
            .filter(agent::COLUMN.region.is_not_null())
            .filter(movers::counts_again(self.now))
    }

    /// Writes the rows of the next page of people, those with an id greater than `after`. Returns the last id of the
    /// page, or `None` if there are no more people.
    pub(super) async fn write_page(
        &mut self,
        transaction: &DatabaseTransaction,
        after: Option<&str>,
        bar: &Bar,
    ) -> anyhow::Result<Option<String>> {
        let mut people = self.candidates();
        if let Some(after) = after {
            people = people.filter(agent::COLUMN.agent_id.gt(after));
        }
        let people = people.order_by_asc(agent::COLUMN.agent_id).limit(PEOPLE_PER_PAGE).all(transaction).await?;
        let (Some(first), Some(last)) = (people.first(), people.last()) else { return Ok(None) };
        let (first, last) = (first.agent_id.clone(), last.agent_id.clone());
        let profiles = load_profiles(transaction, &first, &last).await?;
        let mut visits = load_visits(transaction, self.ends_at, &first, &last).await?;
        let mut ties = ties::load(transaction, &first, &last).await?;

        let mut rows = Vec::new();
        for person in people {
            bar.advance(1);
            let (Some(region), Some(band), Some(profile)) =
                (&person.region, age_band(person.age), profiles.get(&person.agent_id))
            else {
                continue;
            };
            let visits = visits.remove(&person.agent_id).unwrap_or_default();
            let ties = ties.remove(&person.agent_id).unwrap_or_default();
            // The noise is calibrated for this bound, so data that violates it must not be released.
            ensure!(ties.len() <= TIE_CAP, "a person has more than {TIE_CAP} kept ties");
            let windows = WindowLength::ALL.into_iter();
            let summaries =
                windows.filter_map(|length| self.summary(&person, region, band, profile, length, &visits, &ties));
            let before = rows.len();
            rows.extend(summaries);
            if rows.len() > before {
                self.count(&person, region);
            }
        }
        db::insert_all(transaction, rows, None).await?;
        Ok(Some(last))
    }

    /// The summary of a person in a window; `None` if the person has no visit in it.
    #[expect(clippy::too_many_arguments, reason = "each is a part of one row")]
    fn summary(
        &self,
        person: &agent::Model,
        region: &str,
        age_band: i32,
        profile: &Profile,
        length: WindowLength,
        visits: &[Visit],
        ties: &[Tie],
    ) -> Option<agent_summary::ActiveModel> {
        let starts_at = self.ends_at - i64::from(length.days()) * DAY;
        let visits: Vec<Visit> = visits.iter().filter(|visit| visit.start >= starts_at).copied().collect();
        let behavior = contribution::behavior(length, &visits)?;
        let network = contribution::network(starts_at, ties);
        let mut row = agent_summary::ActiveModel {
            epoch_id: Set(self.epoch_id),
            window_days: Set(length.days()),
            region: Set(region.to_owned()),
            age_band: Set(age_band),
            agent_id: Set(person.agent_id.clone()),
            interests: Set(delimited(&person.interests)),
            categories: Set(delimited(&person.category_preferences)),
            state_norm: Set(contribution::state_norm(&profile.mean)),
            ..Default::default()
        };
        let bins = profile.bins.iter().chain([&profile.archetype]).map(|bin| i64::try_from(*bin).unwrap_or(0));
        let numbers = behavior.into_iter().chain(profile.mean).chain(bins).chain(network);
        for (column, number) in number_columns().zip(numbers) {
            row.set(column, i32::try_from(number).unwrap_or(0).into());
        }
        Some(row)
    }

    fn count(&mut self, person: &agent::Model, region: &str) {
        self.counted += 1;
        *self.regions.entry(region.to_owned()).or_default() += 1;
        for (terms, counts) in
            [(&person.interests, &mut self.interests), (&person.category_preferences, &mut self.categories)]
        {
            for term in terms.split('|').filter(|term| !term.is_empty()) {
                *counts.entry(term.to_owned()).or_default() += 1;
            }
        }
    }

    /// The vocabulary of the epoch. Regions are those of the counted people; their codes are set by the operator.
    /// Interests and categories come from `lists` if given, otherwise from the data, if at least
    /// [`MIN_PEOPLE_PER_TERM`] people share them.
    pub(super) fn vocabulary(&self, lists: Option<&Vocabulary>) -> Vocabulary {
        let mut vocabulary = lists.cloned().unwrap_or_default();
        *vocabulary.terms_mut(TermKind::Region) = self.regions.keys().cloned().collect();
        if lists.is_none() {
            *vocabulary.terms_mut(TermKind::Interest) = common_terms(&self.interests).collect();
            *vocabulary.terms_mut(TermKind::Category) = common_terms(&self.categories).collect();
        }
        vocabulary
    }
}

/// The columns of the numbers of a summary, in the order of the contributions: behavior, means, bins, archetype,
/// network.
fn number_columns() -> impl Iterator<Item = agent_summary::Column> {
    use agent_summary::Column;
    Column::iter().skip_while(|column| !matches!(column, Column::BehaviorVisits))
}

fn common_terms(counts: &BTreeMap<String, u64>) -> impl Iterator<Item = String> + '_ {
    counts.iter().filter(|(_, count)| **count >= MIN_PEOPLE_PER_TERM).map(|(term, _)| term.clone())
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

async fn load_visits(
    transaction: &DatabaseTransaction,
    ends_at: i64,
    first: &str,
    last: &str,
) -> anyhow::Result<HashMap<String, Vec<Visit>>> {
    use user_action::{Column, Entity};
    // A range of both tables, so that the planner reads only this part of each.
    let is_return = CaseStatement::new()
        .case(Expr::col(Column::ReturnGiven), Expr::col(Column::IsReturnVisit))
        .finally(Expr::col(Column::StartTime).gt(Expr::col(EpochFirstVisits::FirstAt)));
    let select = Query::select()
        .column((Entity, Column::AgentId))
        .columns([Column::StartTime, Column::EndTime, Column::ActionType, Column::CategoryGroup])
        .expr_as(is_return, Column::IsReturnVisit)
        .from(Entity)
        .inner_join(
            EpochFirstVisits::Table,
            Expr::col((EpochFirstVisits::Table, EpochFirstVisits::AgentId))
                .equals((Entity, Column::AgentId))
                .and(Expr::col((EpochFirstVisits::Table, EpochFirstVisits::SpotId)).equals((Entity, Column::SpotId))),
        )
        .and_where(Expr::col((Entity, Column::AgentId)).between(first, last))
        .and_where(Expr::col((EpochFirstVisits::Table, EpochFirstVisits::AgentId)).between(first, last))
        .and_where(Expr::col(Column::StartTime).gte(ends_at - 12 * WEEK))
        .and_where(Expr::col(Column::StartTime).lt(ends_at))
        .to_owned();
    let statement = transaction.get_database_backend().build(&select);
    let actions = ActionRow::find_by_statement(statement).all(transaction).await?;
    let mut visits: HashMap<String, Vec<Visit>> = HashMap::new();
    for action in actions {
        visits.entry(action.agent_id).or_default().push(Visit {
            start: action.start_time,
            end: action.end_time,
            event: action.action_type == "event_attendance",
            returning: action.is_return_visit,
            group: action.category_group.as_deref().map(contribution::category_group),
        });
    }
    Ok(visits)
}

/// Converts `a|b` to `|a|b|`, so that a search for `|a|` matches whole values only.
fn delimited(terms: &str) -> String {
    if terms.is_empty() { String::new() } else { format!("|{terms}|") }
}
