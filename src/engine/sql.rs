//! The reference engine: computes the sums in the database, with one statement for up to 100 cohorts of a bundle.
//!
//! A statement is a UNION ALL with one branch per cohort. A branch scans a range of the primary key of `agent_rollup`
//! (epoch, window, region, age band) and sums rows of that table only, so that a table partitioned over several servers
//! can be summed where the rows are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, ExprTrait, IdenStatic as _,
    sea_query::{Expr, Query, SelectStatement, SimpleExpr, UnionType},
};

use super::columns;
use crate::{
    domain::error::Error,
    privacy::{
        Bundle, Exact, Group, Sums,
        contribution::{CENTER_OF_SQUARES, SQRT_2, SQRT_6, moment_places},
        engine::{Engine, SumRequest},
    },
    storage::{
        db,
        entity::{
            agent_summary::{COLUMN, Column, Entity},
            epoch,
        },
    },
};

/// The maximum number of branches in one statement; SQLite allows 500.
const COHORTS_PER_STATEMENT: usize = 100;

/// Computes sums in SQL.
pub struct SqlEngine {
    db: DatabaseConnection,
}

impl SqlEngine {
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self { db }
    }
}

#[async_trait]
impl Engine for SqlEngine {
    async fn sums(&self, requests: &[SumRequest]) -> Result<Vec<Exact<Sums>>, Error> {
        let mut by_bundle: BTreeMap<Bundle, Vec<usize>> = BTreeMap::new();
        for (number, request) in requests.iter().enumerate() {
            by_bundle.entry(request.bundle).or_default().push(number);
        }
        let mut sums: Vec<Option<Sums>> = vec![None; requests.len()];
        for (bundle, numbers) in by_bundle {
            for numbers in numbers.chunks(COHORTS_PER_STATEMENT) {
                let statement = statement(bundle, numbers.iter().map(|&number| (number, &requests[number])));
                for row in self.db.query_all(&statement).await? {
                    let number: i64 = row.try_get_by_index(0)?;
                    // A build may have deleted the epoch that this server still uses. The sums over no rows would be
                    // zero, and the release would be pure noise that looks like an answer.
                    if row.try_get_by_index::<i64>(1)? != 1 {
                        return Err(Error::Unavailable);
                    }
                    let values = (2..bundle.width() + 2).map(|index| row.try_get_by_index(index));
                    let number = usize::try_from(number).map_err(Error::internal)?;
                    sums[number] = Some(values.collect::<Result<_, _>>()?);
                }
            }
        }
        sums.into_iter()
            .map(|sums| sums.map(Exact::new).ok_or_else(|| Error::internal("no sums for a cohort")))
            .collect()
    }
}

fn statement<'a>(bundle: Bundle, requests: impl Iterator<Item = (usize, &'a SumRequest)>) -> SelectStatement {
    let mut branches = requests.map(|(number, request)| branch(bundle, number, request));
    let mut statement = branches.next().unwrap_or_default();
    for branch in branches {
        statement.union(UnionType::All, branch);
    }
    statement
}

fn branch(bundle: Bundle, number: usize, request: &SumRequest) -> SelectStatement {
    let mut select = Query::select();
    let number = i64::try_from(number).unwrap_or(i64::MAX);
    let epoch_exists = Query::select()
        .expr(Expr::cust("count(*)"))
        .from(epoch::Entity)
        .and_where(Expr::col((epoch::Entity, epoch::Column::EpochId)).eq(request.window.epoch_id))
        .to_owned();
    // PostgreSQL cannot infer the type of a bare parameter in a select list.
    select.expr(Expr::value(number).cast_as("bigint")).expr(epoch_exists).from(Entity);
    for term in terms(bundle) {
        // PostgreSQL returns the sum of bigint as numeric; the sum over an empty cohort is null.
        select.expr(Expr::expr(term.sum().cast_as("bigint")).if_null(Expr::cust("0")));
    }
    select.cond_where(filter(request));
    select
}

fn filter(request: &SumRequest) -> Condition {
    let cohort = &request.cohort;
    let mut filter = Condition::all()
        .add(COLUMN.epoch_id.eq(request.window.epoch_id))
        .add(COLUMN.window_days.eq(request.window.length.days()));
    if !cohort.regions.is_empty() {
        filter = filter.add(COLUMN.region.is_in(&cohort.regions));
    }
    if !cohort.bands.is_empty() {
        filter = filter.add(COLUMN.age_band.is_in(cohort.bands.iter().copied()));
    }
    for (column, values) in [(Column::Interests, &cohort.interests), (Column::Categories, &cohort.categories)] {
        if !values.is_empty() {
            let mut any = Condition::any();
            for value in values {
                any = any.add(Expr::col(column).like(db::like(&format!("|{value}|"))));
            }
            filter = filter.add(any);
        }
    }
    filter
}

/// The SQL expression that is summed for each number of a bundle, in the order of the bundle's groups.
fn terms(bundle: Bundle) -> Vec<SimpleExpr> {
    bundle.groups().iter().flat_map(|spec| terms_of_group(spec.group)).collect()
}

fn terms_of_group(group: Group) -> Vec<SimpleExpr> {
    let columns = columns::of_group(group);
    let one_if = |column: Column, value: usize| -> SimpleExpr {
        Expr::cust(format!("case when {} = {value} then 1 else 0 end", column.as_str()))
    };
    let one_of = |cells: usize| {
        let cases = columns.iter().flat_map(move |column| (0..cells).map(move |value| one_if(*column, value)));
        cases.collect()
    };
    match group {
        Group::Size => vec![Expr::cust("1")],
        // u^2 - 1/8 in 1/10^8 is exact, because u is an integer in 1/10^4.
        Group::Squares => {
            let square = |column: &Column| Expr::cust(format!("{0} * {0} - {CENTER_OF_SQUARES}", column.as_str()));
            columns.iter().map(square).collect()
        }
        Group::Histograms => one_of(group.spec().size / columns.len()),
        Group::Archetypes => one_of(group.spec().size),
        // The same steps as in `contribution::moments`: both databases round integer division towards zero.
        Group::Moments => moment_places().map(|place| Expr::cust(moment(&columns, place))).collect(),
        _ => columns.into_iter().map(Expr::col).collect(),
    }
}

/// The SQL expression of a number of the group [`Group::Moments`].
fn moment(means: &[Column], (i, j): (usize, usize)) -> String {
    const ONE_E8: i64 = 100_000_000;
    let norm = Column::StateNorm.as_str();
    let mean = |index: usize| means[index].as_str();
    // PostgreSQL multiplies 32-bit integers in 32 bits, which would overflow.
    let wide = |number: i64| format!("cast({number} as bigint)");
    match (i.checked_sub(1), j.checked_sub(1)) {
        (Some(i), Some(j)) if i == j => {
            format!("(13 * {0} * {0} - {norm}) * {ONE_E8} / (13 * {norm})", mean(i))
        }
        (Some(i), Some(j)) => format!("{} * {} * {} / {norm}", wide(SQRT_2), mean(i), mean(j)),
        (None, Some(j)) => format!("{} * {} * 10000 / {norm}", wide(SQRT_6), mean(j)),
        _ => format!("({} - {norm}) * {ONE_E8} / (13 * {norm})", 39 * ONE_E8),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bundle_has_a_term_for_each_of_its_numbers() {
        for bundle in Bundle::ALL {
            assert_eq!(terms(bundle).len(), bundle.width(), "{}", bundle.name());
        }
    }
}
