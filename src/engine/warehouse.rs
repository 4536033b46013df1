//! The engine of a warehouse: each shard sums its rows, and one of them adds the sums. All cohorts of a bundle are
//! answered by one scan.

use std::{collections::BTreeMap, fmt::Write as _};

use async_trait::async_trait;
use sea_orm::DatabaseConnection;

use crate::{
    domain::{error::Error, segment::Cohort},
    privacy::{
        Bundle, Exact, Group, Sums,
        contribution::{CENTER_OF_SQUARES, SQRT_2, SQRT_6, moment_places},
        engine::{Engine, SumRequest},
    },
    storage::{
        epochs,
        warehouse::{Warehouse, WarehouseError, integers, quoted},
    },
};

/// The maximum number of cohorts in one statement.
const COHORTS_PER_STATEMENT: usize = 100;

/// Computes sums in a warehouse.
pub struct WarehouseEngine {
    db: DatabaseConnection,
    warehouse: Warehouse,
}

impl WarehouseEngine {
    #[must_use]
    pub fn new(db: DatabaseConnection, warehouse: Warehouse) -> Self {
        Self { db, warehouse }
    }

    /// The build that has the rows of an epoch.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the epoch was dropped, or its rows are not in the warehouse.
    async fn build_of(&self, epoch_id: i32) -> Result<i64, Error> {
        epochs::build_of(&self.db, epoch_id).await?.ok_or(Error::Unavailable)
    }

    /// The sums of cohorts of one bundle and epoch.
    async fn of_bundle(&self, bundle: Bundle, build_id: i64, requests: &[&SumRequest]) -> Result<Vec<Sums>, Error> {
        let statement = statement(self.warehouse.database(), build_id, bundle, requests);
        let mut sums = vec![vec![0; bundle.width()]; requests.len()];
        let mut shards = 0;
        for [cohort, people, values, cells] in self.warehouse.query::<4>(&statement).await? {
            let damaged = || WarehouseError::Unexpected("a value is not a number");
            let cohort: usize = cohort.parse().map_err(|_| damaged())?;
            let people: i64 = people.parse().map_err(|_| damaged())?;
            let values = integers(&values).ok_or_else(damaged)?;
            let cells = integers(&cells).ok_or_else(damaged)?;
            match sums.get_mut(cohort) {
                Some(sums) => fill(sums, bundle, people, &values, &cells).ok_or_else(damaged)?,
                None => shards = people,
            }
        }
        // Without the rows of a shard, people would be missing in the sums.
        if usize::try_from(shards) != Ok(self.warehouse.shards()) {
            tracing::error!(shards, "a shard of the warehouse lacks the rows of the epoch");
            return Err(Error::Unavailable);
        }
        Ok(sums)
    }
}

#[async_trait]
impl Engine for WarehouseEngine {
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error> {
        let mut groups: BTreeMap<(i32, Bundle), Vec<usize>> = BTreeMap::new();
        for (number, request) in requests.iter().enumerate() {
            groups.entry((request.window.epoch_id, request.bundle)).or_default().push(number);
        }
        let mut sums: Vec<Option<Sums>> = vec![None; requests.len()];
        for ((epoch_id, bundle), numbers) in groups {
            let build_id = self.build_of(epoch_id).await?;
            for numbers in numbers.chunks(COHORTS_PER_STATEMENT) {
                let requests: Vec<&SumRequest> = numbers.iter().map(|&number| &requests[number]).collect();
                let found = self.of_bundle(bundle, build_id, &requests).await?;
                numbers.iter().zip(found).for_each(|(&number, found)| sums[number] = Some(found));
            }
            // The rows of an epoch are removed after the epoch, so they were complete if it still exists.
            self.build_of(epoch_id).await?;
        }
        let exact = |sums: Option<Sums>| sums.map(Exact::new).ok_or_else(|| Error::internal("no sums for a cohort"));
        sums.into_iter().map(exact).collect()
    }
}

/// Writes the numbers of a row into the sums of its cohort; `None` if there are too many or too few.
fn fill(sums: &mut Sums, bundle: Bundle, people: i64, values: &[i64], cells: &[i64]) -> Option<()> {
    match bundle {
        Bundle::Size => sums[0] = people,
        Bundle::Personality => {
            let (means, squares) = (Group::Means.range(), Group::Squares.range());
            let of_means = values.split_at_checked(means.len())?;
            sums[means].copy_from_slice(of_means.0);
            sums.get_mut(squares).filter(|sums| sums.len() == of_means.1.len())?.copy_from_slice(of_means.1);
            for cell in cells.chunks(2) {
                let [number, count] = cell else { return None };
                *sums.get_mut(Group::Histograms.range().start + usize::try_from(*number).ok()?)? = *count;
            }
        }
        Bundle::Behavior | Bundle::Moments | Bundle::Network => {
            (values.len() == sums.len()).then(|| sums.copy_from_slice(values))?;
        }
    }
    Some(())
}

/// The statement for cohorts of a bundle. Its rows have the number of the cohort, its people, the sums, and for
/// PERSONALITY the numbers of cells with their people, one after the other. A cohort without people has no row. The
/// last cohort are the rows that mark a shard.
fn statement(database: &str, build_id: i64, bundle: Bundle, requests: &[&SumRequest]) -> String {
    let conditions: Vec<String> = requests.iter().map(|request| condition(request)).collect();
    let numbers = conditions.iter().enumerate().fold(String::new(), |mut text, (number, condition)| {
        let _ = write!(text, "if({condition}, {number}, -1), ");
        text
    });
    let marks = requests.len();
    // A person can be in several cohorts; each row is read once nevertheless.
    let cohort = format!("arrayJoin(arrayFilter(number -> number >= 0, [{numbers}if(window_days = 0, {marks}, -1)]))");
    let (values, cells) = values(bundle);
    format!(
        "SELECT toString({cohort}) AS cohort, toString(count()), {values}, {cells}
         FROM {database}.agent_rollup
         WHERE build_id = {build_id} AND (window_days = 0 OR {})
         GROUP BY cohort",
        conditions.join(" OR ")
    )
}

/// The condition for the rows of a request.
fn condition(request: &SumRequest) -> String {
    let cohort: &Cohort = &request.cohort;
    let mut conditions = vec![format!("window_days = {}", request.window.length.days())];
    if !cohort.regions.is_empty() {
        let regions: Vec<String> = cohort.regions.iter().map(|region| quoted(region)).collect();
        conditions.push(format!("region IN ({})", regions.join(", ")));
    }
    if !cohort.bands.is_empty() {
        let bands: Vec<String> = cohort.bands.iter().map(i32::to_string).collect();
        conditions.push(format!("age_band IN ({})", bands.join(", ")));
    }
    for (column, values) in [("interests", &cohort.interests), ("categories", &cohort.categories)] {
        if !values.is_empty() {
            let any = values.iter().map(|value| format!("position({column}, {}) > 0", quoted(&format!("|{value}|"))));
            conditions.push(format!("({})", any.collect::<Vec<_>>().join(" OR ")));
        }
    }
    format!("({})", conditions.join(" AND "))
}

/// The expressions of the sums of a bundle, and of its cells.
fn values(bundle: Bundle) -> (String, String) {
    let none = "'[]'".to_owned();
    match bundle {
        Bundle::Size => (none.clone(), none),
        Bundle::Behavior => ("toString(sumForEach(behavior))".to_owned(), none),
        Bundle::Network => ("toString(sumForEach(network))".to_owned(), none),
        Bundle::Moments => {
            let moments: Vec<String> = moment_places().map(moment).collect();
            (format!("toString(sumForEach([{}]))", moments.join(", ")), none)
        }
        Bundle::Personality => (
            format!(
                "toString(sumForEach(arrayConcat(
                     arrayMap(u -> toInt64(u), means), arrayMap(u -> toInt64(u) * u - {CENTER_OF_SQUARES}, means)
                 )))"
            ),
            "concat('[', arrayStringConcat(arrayMap(
                 (cell, people) -> concat(toString(cell), ',', toString(people)),
                 (sumMap(cells, arrayMap(cell -> toUInt64(1), cells)) AS map).1, map.2
             ), ','), ']')"
                .to_owned(),
        ),
    }
}

/// The expression of a number of the group [`Group::Moments`], with the same steps as in `contribution::moments`:
/// `intDiv` rounds towards zero.
fn moment((i, j): (usize, usize)) -> String {
    const ONE_E8: i64 = 100_000_000;
    // Arrays are counted from 1.
    match (i, j) {
        (0, 0) => format!("intDiv(({} - state_norm) * {ONE_E8}, 13 * state_norm)", 39 * ONE_E8),
        (0, j) => format!("intDiv({SQRT_6} * toInt64(means[{j}]) * 10000, state_norm)"),
        (i, j) if i == j => {
            format!("intDiv((13 * toInt64(means[{i}]) * toInt64(means[{i}]) - state_norm) * {ONE_E8}, 13 * state_norm)")
        }
        (i, j) => format!("intDiv({SQRT_2} * toInt64(means[{i}]) * toInt64(means[{j}]), state_norm)"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::domain::epoch::{Window, WindowLength};

    #[test]
    fn words_are_quoted_and_every_row_is_read_once() {
        let cohort = Cohort { interests: vec!["it's".to_owned(), "b".to_owned()], ..Cohort::default() };
        let window = Window { epoch_id: 1, ends_at: 0, length: WindowLength::Days28 };
        let request = SumRequest { cohort: Arc::new(cohort), window, bundle: Bundle::Size };
        let statement = statement("spots", 7, Bundle::Size, &[&request, &request]);
        assert!(statement.contains("position(interests, '|it\\'s|') > 0 OR position(interests, '|b|') > 0"));
        assert_eq!(statement.matches("FROM").count(), 1);
        assert!(statement.contains("if(window_days = 0, 2, -1)"));
    }

    #[test]
    fn rows_with_a_wrong_number_of_values_are_errors() {
        let mut sums = vec![0; Bundle::Network.width()];
        assert_eq!(fill(&mut sums, Bundle::Network, 1, &[1, 2, 3], &[]), None);
        assert_eq!(fill(&mut sums, Bundle::Network, 1, &[1, 2, 3, 4], &[]), Some(()));
        assert_eq!(sums, [1, 2, 3, 4]);
        let mut sums = vec![0; Bundle::Personality.width()];
        assert_eq!(fill(&mut sums, Bundle::Personality, 1, &[1; 24], &[999, 1]), None);
        assert_eq!(fill(&mut sums, Bundle::Personality, 1, &[1; 24], &[125, 9]), Some(()));
        assert_eq!(sums[Group::Archetypes.range()].last(), Some(&9));
    }
}
