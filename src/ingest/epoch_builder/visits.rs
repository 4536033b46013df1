//! What an epoch needs of the visits of each person.
//!
//! The database returns one row per person, with all visits in one text: a row for each visit would take several times
//! as long to pass through the driver.

use std::{collections::HashMap, sync::Arc};

use anyhow::Context as _;
use parking_lot::RwLock;
use sea_orm::{ConnectionTrait as _, DatabaseTransaction, Statement};

use super::people::Candidate;
use crate::{
    domain::epoch::WindowLength,
    privacy::contribution::{self, BEHAVIOR_WIDTH, Visit},
    storage::db::{END_OF_ROW, END_OF_VALUE},
};

/// The windows of an epoch.
pub(super) const WINDOWS: usize = WindowLength::ALL.len();

/// The visits of one person.
pub(super) struct PersonVisits {
    /// The numbers of the bundle BEHAVIOR by window; `None` without a visit in it.
    pub behavior: [Option<[i16; BEHAVIOR_WIDTH]>; WINDOWS],
    /// The spots that the person has visited, and when first; sorted by spot.
    pub first_visits: Box<[FirstVisit]>,
}

/// The first visit of a person to a spot.
#[derive(Clone, Copy)]
pub(super) struct FirstVisit {
    /// The number that [`Spots`] gave the spot.
    pub spot: u32,
    /// In seconds after the start of the longest window, plus 1; 0 if it was before that start.
    pub at: u32,
}

/// Numbers spots in the order in which they are first seen.
#[derive(Default)]
pub(super) struct Spots(RwLock<HashMap<Box<str>, u32>>);

impl Spots {
    fn number(&self, spot: &str) -> anyhow::Result<u32> {
        if let Some(number) = self.0.read().get(spot) {
            return Ok(*number);
        }
        let mut spots = self.0.write();
        let next = u32::try_from(spots.len()).context("more than 4 billion spots")?;
        Ok(*spots.entry(spot.into()).or_insert(next))
    }
}

/// One visit as the database returns it.
struct Parsed<'a> {
    spot: &'a str,
    /// `returning` is what the import was given; see `is_return_known`.
    visit: Visit,
    is_return_known: bool,
}

/// Reads the visits before `ends_at` of a page of people.
pub(super) async fn read(
    connection: &DatabaseTransaction,
    page: &[Candidate],
    ends_at: i64,
    spots: &Arc<Spots>,
) -> anyhow::Result<Vec<PersonVisits>> {
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(Vec::new()) };
    let sql = format!(
        "select agent_id, string_agg(
             spot_id || '{END_OF_VALUE}' || start_time || '{END_OF_VALUE}' || coalesce(cast(end_time as text), '')
                 || case when action_type = 'event_attendance' then '{END_OF_VALUE}1' else '{END_OF_VALUE}0' end
                 || case when not return_given then '{END_OF_VALUE}' when is_return_visit then '{END_OF_VALUE}1'
                    else '{END_OF_VALUE}0' end
                 || '{END_OF_VALUE}' || coalesce(category_group, ''),
             '{END_OF_ROW}')
         from user_actions
         where agent_id >= $1 and agent_id <= $2 and start_time < {ends_at}
         group by agent_id"
    );
    let values = [first.agent_id.as_str().into(), last.agent_id.as_str().into()];
    let statement = Statement::from_sql_and_values(connection.get_database_backend(), sql, values);
    let mut texts: HashMap<String, String> = HashMap::with_capacity(page.len());
    for row in connection.query_all_raw(statement).await? {
        texts.insert(row.try_get_by_index(0)?, row.try_get_by_index(1)?);
    }
    let texts: Vec<String> = page.iter().map(|person| texts.remove(&person.agent_id).unwrap_or_default()).collect();
    // On another thread, so that both cores work while the next page is read.
    let spots = Arc::clone(spots);
    let reduce = move || texts.iter().map(|text| of_person(text, ends_at, &spots)).collect();
    tokio::task::spawn_blocking(reduce).await?
}

fn of_person(text: &str, ends_at: i64, spots: &Spots) -> anyhow::Result<PersonVisits> {
    let starts_at = WindowLength::Days84.starts_at(ends_at);
    let lines = text.split_terminator(END_OF_ROW);
    let mut visits =
        lines.map(|line| parse(line).context("a stored visit is damaged")).collect::<Result<Vec<_>, _>>()?;
    visits.sort_unstable_by_key(|parsed| (parsed.spot, parsed.visit.start));
    let mut first_visits: Vec<FirstVisit> = Vec::new();
    for of_spot in visits.chunk_by_mut(|one, other| one.spot == other.spot) {
        let first_at = of_spot[0].visit.start;
        for parsed in of_spot.iter_mut().filter(|parsed| !parsed.is_return_known) {
            parsed.visit.returning = parsed.visit.start > first_at;
        }
        let at = u32::try_from((first_at - starts_at).max(-1) + 1)?;
        first_visits.push(FirstVisit { spot: spots.number(of_spot[0].spot)?, at });
    }
    first_visits.sort_unstable_by_key(|first| first.spot);
    let visits: Vec<Visit> = visits.into_iter().map(|parsed| parsed.visit).collect();
    let mut behavior = [None; WINDOWS];
    for (window, length) in behavior.iter_mut().zip(WindowLength::ALL) {
        let starts_at = length.starts_at(ends_at);
        let visits: Vec<Visit> = visits.iter().filter(|visit| visit.start >= starts_at).copied().collect();
        let numbers = contribution::behavior(length, &visits);
        // The numbers are at most 10,000.
        *window = numbers.map(|numbers| numbers.map(|number| i16::try_from(number).unwrap_or(0)));
    }
    Ok(PersonVisits { behavior, first_visits: first_visits.into() })
}

fn parse(line: &str) -> Option<Parsed<'_>> {
    let mut values = line.split(END_OF_VALUE);
    let (spot, start, end) = (values.next()?, values.next()?.parse().ok()?, values.next()?);
    let end = if end.is_empty() { None } else { Some(end.parse().ok()?) };
    let (event, returning, group) = (values.next()? == "1", values.next()?, values.next()?);
    let group = (!group.is_empty()).then(|| contribution::category_group(group));
    let visit = Visit { start, end, event, returning: returning == "1", group };
    Some(Parsed { spot, visit, is_return_known: !returning.is_empty() })
}
