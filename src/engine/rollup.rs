//! The epoch builder (`epoch build`): reduces the raw rows to one row of integers per person and window.
//!
//! A build runs in one transaction, so a build that fails leaves no epoch. People are read in pages, so memory use does
//! not grow with their number.

use std::collections::{BTreeMap, HashMap};

use anyhow::{Context, bail, ensure};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait as _,
    FromQueryResult, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Select, Statement, Value,
};

use super::contribution::{self, Tie, Visit};
use crate::{
    clock::{DAY, WEEK, format_time, monday, week_number},
    db::{self, Bulk},
    entity::{agent, agent_rollup, epoch, epoch_word, personality_profile, user_action},
    epoch::{READABLE_AFTER, Vocabulary, WindowLength, epoch_name},
    privacy::ledger,
    progress::Progress,
    segment::age_band,
};

/// The number of people per page.
const PAGE: u64 = 2_000;
/// The minimum number of people who share an interest or category, for it to enter the vocabulary. A segment of a rarer
/// value could only be withheld, and a rare value may identify a person.
pub const WORD_MIN: u64 = 100;
/// The number of epochs that are kept. A build deletes older ones.
const EPOCHS_KEPT: u64 = 2;

/// The result of a build.
#[derive(Debug)]
pub struct Built {
    pub epoch_id: i32,
    /// Unix seconds.
    pub ends_at: i64,
    /// The number of people who are counted in at least one window.
    pub agents: i64,
    /// False if the epoch already existed. An existing epoch is never changed.
    pub new: bool,
}

/// The end of the newest complete week in the data, in Unix seconds. A week is complete if a visit started on its last
/// day and it ended at least 72 hours before `now`.
///
/// # Errors
/// If there are no visits that started more than 72 hours before `now`, or the database fails.
pub async fn newest_filled_week(db: &DatabaseConnection, now: i64) -> anyhow::Result<i64> {
    let newest: Option<Option<i64>> = user_action::Entity::find()
        .select_only()
        .expr(user_action::COLUMN.start_time.max())
        // A visit in the future has a wrong time.
        .filter(user_action::COLUMN.start_time.lt(now - READABLE_AFTER))
        .into_tuple()
        .one(db)
        .await?;
    let newest = newest.flatten().context("there are no visits yet: load some with `spots-enrichment import`")?;
    Ok(monday(Ord::min(newest + DAY, now - READABLE_AFTER)))
}

/// Builds the epoch that ends at the Monday 00:00 UTC at or before `as_of` (Unix seconds). The vocabulary of interests
/// and categories consists of the values that at least [`WORD_MIN`] people share.
///
/// # Errors
/// If the week ended less than 72 hours before `now`, newer epochs already fill the number that is kept, no person
/// qualifies, a person has more than [`contribution::TIE_CAP`] kept ties, or the database fails. The transaction is
/// rolled back.
pub async fn build(db: &DatabaseConnection, as_of: i64, now: i64, progress: Progress) -> anyhow::Result<Built> {
    build_with_words(db, as_of, now, None, progress).await
}

/// The same as [`build`], but with fixed lists of interests and categories if `words` is given. The vocabulary then
/// does not depend on the data and reveals nothing about people.
///
/// # Errors
/// The same as [`build`].
pub async fn build_with_words(
    db: &DatabaseConnection,
    as_of: i64,
    now: i64,
    words: Option<&Vocabulary>,
    progress: Progress,
) -> anyhow::Result<Built> {
    let ends_at = monday(as_of);
    let epoch_id = week_number(ends_at);
    if ends_at + READABLE_AFTER > now {
        bail!(
            "the week that ends at {} may still get late events: it can be built from {} on",
            format_time(ends_at),
            format_time(ends_at + READABLE_AFTER)
        );
    }
    // Visits and ties must come from one snapshot, also while an import runs.
    let transaction = db::begin_snapshot(db).await?;
    db::lock_epochs(&transaction).await?;
    if let Some(there) = epoch::Entity::find_by_id(epoch_id).one(&transaction).await? {
        // The accounts are missing if the ledger was recreated.
        let regions = epoch_word::Entity::find()
            .filter(epoch_word::COLUMN.epoch_id.eq(epoch_id))
            .filter(epoch_word::COLUMN.kind.eq("region"))
            .all(&transaction)
            .await?;
        open_accounts(&transaction, regions.iter().map(|region| region.word.as_str())).await?;
        transaction.commit().await?;
        return Ok(Built { epoch_id, ends_at: there.ends_at, agents: there.agents, new: false });
    }
    let newer = epoch::Entity::find().filter(epoch::COLUMN.ends_at.gt(ends_at)).count(&transaction).await?;
    if newer >= EPOCHS_KEPT {
        bail!("{newer} newer epochs exist and {EPOCHS_KEPT} epochs are kept: an older one would be dropped at once");
    }
    let row = epoch::ActiveModel { epoch_id: Set(epoch_id), ends_at: Set(ends_at), built_at: Set(now), agents: Set(0) };
    epoch::Entity::insert(row).exec_without_returning(&transaction).await?;
    prepare_ties(&transaction, ends_at).await?;

    let people = counted().count(&transaction).await?;
    let bar = progress.bar("people", people);
    let mut builder = Builder { epoch_id, ends_at, bulk: bulk(), ..Builder::default() };
    let mut after = None;
    while let Some(last) = builder.page(&transaction, after.as_deref(), &bar).await? {
        after = Some(last);
    }
    bar.finish();
    ensure!(
        builder.counted > 0,
        "no epoch was built: no adult with consent, region and complete profile has a visit in the 84 days before {}",
        format_time(ends_at)
    );

    let words = builder.vocabulary(words).into_iter().map(|(kind, word)| epoch_word::ActiveModel {
        epoch_id: Set(epoch_id),
        kind: Set(kind.to_owned()),
        word: Set(word),
    });
    epoch_word::Entity::insert_many(words).exec_without_returning(&transaction).await?;
    open_accounts(&transaction, builder.regions.keys().map(String::as_str)).await?;
    epoch::Entity::update_many()
        .col_expr(epoch::Column::Agents, builder.counted.into())
        .filter(epoch::COLUMN.epoch_id.eq(epoch_id))
        .exec(&transaction)
        .await?;
    drop_old_epochs(&transaction).await?;
    for table in ["epoch_ties", "epoch_first_visits", "epoch_people"] {
        transaction.execute_unprepared(&format!("drop table {table}")).await?;
    }
    transaction.commit().await?;
    Ok(Built { epoch_id, ends_at, agents: builder.counted, new: true })
}

/// Creates the temporary table `epoch_ties`: the kept ties between people of one region, one row for each end of a tie.
///
/// The work is split into steps with keyed tables. For a single query, the planner could choose to join all visitors of
/// a popular spot with each other.
async fn prepare_ties(transaction: &DatabaseTransaction, ends_at: i64) -> anyhow::Result<()> {
    let starts_at = ends_at - 12 * WEEK;
    let mut steps = vec![
        "create temporary table epoch_people (agent_id text primary key, region text not null)".to_owned(),
        "insert into epoch_people select agent_id, region from agents
         where consent and region is not null and (age is null or age >= 18)"
            .to_owned(),
        "create temporary table epoch_first_visits
            (agent_id text not null, spot_id text not null, first_at bigint not null, primary key (agent_id, spot_id))"
            .to_owned(),
        format!(
            "insert into epoch_first_visits select agent_id, spot_id, min(start_time) from user_actions
             where start_time < {ends_at} group by agent_id, spot_id"
        ),
        format!(
            "create temporary table epoch_ties as
             select tie.agent_id, tie.compatibility, tie.made_at, (
                 select max(other.first_at) from epoch_first_visits other
                 join epoch_first_visits own on own.agent_id = tie.agent_id and own.spot_id = other.spot_id
                     and own.first_at < other.first_at
                 where other.agent_id = tie.other_id and other.first_at >= {starts_at}
             ) as drawn_at
             from (
                 select agent_id_1 as agent_id, agent_id_2 as other_id, compatibility_score as compatibility,
                     created_at as made_at
                 from ai2ai_connections where kept and created_at < {ends_at}
                 union all
                 select agent_id_2, agent_id_1, compatibility_score, created_at
                 from ai2ai_connections where kept and created_at < {ends_at}
             ) tie
             join epoch_people own on own.agent_id = tie.agent_id
             join epoch_people other on other.agent_id = tie.other_id and other.region = own.region"
        ),
        "create index epoch_ties_by_agent on epoch_ties (agent_id)".to_owned(),
    ];
    if transaction.get_database_backend() == DbBackend::Postgres {
        // PostgreSQL's autovacuum does not analyze temporary tables.
        steps.insert(4, "analyze epoch_people, epoch_first_visits".to_owned());
    }
    for step in steps {
        transaction.execute_unprepared(&step).await.context("cannot prepare the ties")?;
    }
    Ok(())
}

async fn open_accounts(
    transaction: &DatabaseTransaction,
    regions: impl Iterator<Item = &str>,
) -> Result<(), sea_orm::DbErr> {
    for region in regions {
        let subject = ledger::region_subject(region);
        ledger::open_account(transaction, &subject, ledger::REGION_CAP_MU, Some(ledger::REGION_CAP_YEAR_MU)).await?;
    }
    Ok(())
}

/// The people with consent and a known region, whose account is charged. Age and profile are checked later.
fn counted() -> Select<agent::Entity> {
    agent::Entity::find().filter(agent::COLUMN.consent.eq(true)).filter(agent::COLUMN.region.is_not_null())
}

async fn drop_old_epochs(transaction: &DatabaseTransaction) -> anyhow::Result<()> {
    let kept: Vec<i32> = epoch::Entity::find()
        .select_only()
        .column(epoch::Column::EpochId)
        .order_by_desc(epoch::COLUMN.ends_at)
        .limit(EPOCHS_KEPT)
        .into_tuple()
        .all(transaction)
        .await?;
    epoch::Entity::delete_many().filter(epoch::COLUMN.epoch_id.is_not_in(kept)).exec(transaction).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct ActionRow {
    agent_id: String,
    start_time: i64,
    end_time: Option<i64>,
    action_type: String,
    is_return_visit: bool,
    category_group: Option<String>,
}

#[derive(FromQueryResult)]
struct TieRow {
    agent_id: String,
    compatibility: f64,
    made_at: i64,
    drawn_at: Option<i64>,
}

/// The bulk insert into `agent_rollup`, with the columns in the order in which [`Builder::row`] fills them.
fn bulk() -> Bulk {
    use sea_orm::{IdenStatic, Iterable};
    let columns = agent_rollup::Column::iter().map(|column| column.as_str()).collect();
    Bulk { table: "agent_rollup", columns, key: &[], update: Vec::new() }
}

#[derive(Default)]
struct Builder {
    epoch_id: i32,
    ends_at: i64,
    bulk: Bulk,
    counted: i64,
    regions: BTreeMap<String, u64>,
    interests: BTreeMap<String, u64>,
    categories: BTreeMap<String, u64>,
}

impl Builder {
    /// Writes the rows of the next page of people, those with an id greater than `after`. Returns the last id of the
    /// page, or `None` if there are no more people.
    async fn page(
        &mut self,
        transaction: &DatabaseTransaction,
        after: Option<&str>,
        bar: &crate::progress::Bar,
    ) -> anyhow::Result<Option<String>> {
        let mut people = counted();
        if let Some(after) = after {
            people = people.filter(agent::COLUMN.agent_id.gt(after));
        }
        let people = people.order_by_asc(agent::COLUMN.agent_id).limit(PAGE).all(transaction).await?;
        let (Some(first), Some(last)) = (people.first(), people.last()) else { return Ok(None) };
        let (first, last) = (first.agent_id.clone(), last.agent_id.clone());

        let profiles = personality_profile::Entity::find()
            .filter(personality_profile::COLUMN.agent_id.gte(&first))
            .filter(personality_profile::COLUMN.agent_id.lte(&last))
            .all(transaction)
            .await?;
        let profiles: HashMap<String, _> =
            profiles.into_iter().filter_map(|row| Some((row.agent_id.clone(), read_profile(&row)?))).collect();
        let mut visits = self.visits(transaction, &first, &last).await?;
        let mut ties = ties(transaction, &first, &last).await?;

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
            ensure!(ties.len() <= contribution::TIE_CAP, "a person has more than {} kept ties", contribution::TIE_CAP);
            let mut counted = false;
            for length in WindowLength::ALL {
                if let Some(row) = self.row(&person, band, profile, length, &visits, &ties) {
                    rows.push(row);
                    counted = true;
                }
            }
            if counted {
                self.count(&person, region);
            }
        }
        self.bulk.write(transaction, rows).await?;
        Ok(Some(last))
    }

    async fn visits(
        &self,
        transaction: &DatabaseTransaction,
        first: &str,
        last: &str,
    ) -> anyhow::Result<HashMap<String, Vec<Visit>>> {
        let actions = user_action::Entity::find()
            .select_only()
            .columns([
                user_action::Column::AgentId,
                user_action::Column::StartTime,
                user_action::Column::EndTime,
                user_action::Column::ActionType,
                user_action::Column::IsReturnVisit,
                user_action::Column::CategoryGroup,
            ])
            .filter(user_action::COLUMN.agent_id.gte(first))
            .filter(user_action::COLUMN.agent_id.lte(last))
            .filter(user_action::COLUMN.start_time.gte(self.ends_at - 12 * WEEK))
            .filter(user_action::COLUMN.start_time.lt(self.ends_at))
            .into_model::<ActionRow>()
            .all(transaction)
            .await?;
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

    fn row(
        &self,
        person: &agent::Model,
        band: i32,
        profile: &contribution::Profile,
        length: WindowLength,
        visits: &[Visit],
        ties: &[Tie],
    ) -> Option<Vec<Value>> {
        let starts_at = self.ends_at - i64::from(length.days()) * DAY;
        let visits: Vec<Visit> = visits.iter().filter(|visit| visit.start >= starts_at).copied().collect();
        let behavior = contribution::behavior(length, &visits)?;
        let network = contribution::network(starts_at, ties);
        let mut row: Vec<Value> = Vec::with_capacity(self.bulk.columns.len());
        row.extend([self.epoch_id.into(), length.days().into(), person.region.clone().into(), band.into()]);
        row.extend([person.agent_id.clone().into(), bars(&person.interests), bars(&person.category_preferences)]);
        let small = |value: i64| Value::from(i32::try_from(value).unwrap_or(0));
        row.extend(behavior.into_iter().chain(profile.mean).map(small));
        row.extend(
            profile.bins.into_iter().chain([profile.archetype]).map(|bin| Value::from(i32::try_from(bin).unwrap_or(0))),
        );
        row.extend(network.map(small));
        row.push(contribution::state_norm(&profile.mean).into());
        Some(row)
    }

    fn count(&mut self, person: &agent::Model, region: &str) {
        self.counted += 1;
        *self.regions.entry(region.to_owned()).or_default() += 1;
        for (words, counts) in
            [(&person.interests, &mut self.interests), (&person.category_preferences, &mut self.categories)]
        {
            for word in words.split('|').filter(|word| !word.is_empty()) {
                *counts.entry(word.to_owned()).or_default() += 1;
            }
        }
    }

    /// The vocabulary of the epoch, as (kind, value). Regions are those of the counted people; their codes are set by
    /// the operator. Interests and categories come from `lists` if given, otherwise from the data, if at least
    /// [`WORD_MIN`] people share them.
    fn vocabulary(&self, lists: Option<&Vocabulary>) -> Vec<(&'static str, String)> {
        let regions = self.regions.keys().map(|word| ("region", word.clone()));
        let (interests, categories): (Vec<String>, Vec<String>) = match lists {
            Some(lists) => (lists.interests.iter().cloned().collect(), lists.categories.iter().cloned().collect()),
            None => (common(&self.interests), common(&self.categories)),
        };
        let interests = interests.into_iter().map(|word| ("interest", word));
        regions.chain(interests).chain(categories.into_iter().map(|word| ("category", word))).collect()
    }
}

/// The values that at least [`WORD_MIN`] people share.
fn common(counts: &BTreeMap<String, u64>) -> Vec<String> {
    counts.iter().filter(|(_, count)| **count >= WORD_MIN).map(|(word, _)| word.clone()).collect()
}

async fn ties(transaction: &DatabaseTransaction, first: &str, last: &str) -> anyhow::Result<HashMap<String, Vec<Tie>>> {
    let select = sea_orm::sea_query::Query::select()
        .columns(["agent_id", "compatibility", "made_at", "drawn_at"])
        .from("epoch_ties")
        .and_where(sea_orm::sea_query::Expr::col("agent_id").between(first, last))
        .to_owned();
    let statement: Statement = transaction.get_database_backend().build(&select);
    let mut ties: HashMap<String, Vec<Tie>> = HashMap::new();
    for row in TieRow::find_by_statement(statement).all(transaction).await? {
        let tie = Tie { compatibility: row.compatibility, made_at: row.made_at, drawn_at: row.drawn_at };
        ties.entry(row.agent_id).or_default().push(tie);
    }
    Ok(ties)
}

fn read_profile(row: &personality_profile::Model) -> Option<contribution::Profile> {
    contribution::profile(&[
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

/// Converts `a|b` to `|a|b|`, so that a search for `|a|` matches whole values only.
fn bars(words: &str) -> Value {
    if words.is_empty() { "".into() } else { format!("|{words}|").into() }
}

/// A one-line description of an epoch, for the operator.
#[must_use]
pub fn describe(built: &Built) -> String {
    format!("epoch {} (ends {})", epoch_name(built.epoch_id), format_time(built.ends_at))
}
