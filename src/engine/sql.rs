//! The reference engine: computes the sums in the database, with one statement for up to 100 cohorts of a bundle.
//!
//! A statement is a UNION ALL with one branch per cohort. A branch scans a range of the primary key of `agent_rollup`
//! (epoch, window, region, age band) and sums rows of that table only, so that a table partitioned over several servers
//! can be summed where the rows are.

use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::{
    Condition, ConnectionTrait, DatabaseConnection, ExprTrait,
    sea_query::{Expr, Query, SelectStatement, SimpleExpr, UnionType},
};

use super::{
    Engine, SumRequest,
    contribution::{ROOT_2, ROOT_6, moment_places},
};
use crate::{
    db,
    entity::{
        agent_rollup::{COLUMN, Entity},
        epoch,
    },
    error::Error,
    privacy::{Bundle, Exact, Sums},
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
    let epoch_there = Query::select()
        .expr(Expr::cust("count(*)"))
        .from(epoch::Entity)
        .and_where(Expr::col((epoch::Entity, epoch::Column::EpochId)).eq(request.window.epoch_id))
        .to_owned();
    // PostgreSQL cannot infer the type of a bare parameter in a select list.
    select.expr(Expr::value(number).cast_as("bigint")).expr(epoch_there).from(Entity);
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
    for (column, words) in [("interests", &cohort.interests), ("categories", &cohort.categories)] {
        if !words.is_empty() {
            let mut any = Condition::any();
            for word in words {
                any = any.add(Expr::col(column).like(db::like(&format!("|{word}|"))));
            }
            filter = filter.add(any);
        }
    }
    filter
}

/// The SQL expression that is summed for each number of a bundle, in the order of the bundle's groups.
fn terms(bundle: Bundle) -> Vec<SimpleExpr> {
    let columns = |name: &str, size: usize| -> Vec<SimpleExpr> {
        (0..size).map(|number| Expr::col(format!("{name}_{number}"))).collect()
    };
    let named = |names: &[&'static str]| -> Vec<SimpleExpr> { names.iter().map(|name| Expr::col(*name)).collect() };
    let one_if = |column: String, value: usize| -> SimpleExpr {
        Expr::cust(format!("case when {column} = {value} then 1 else 0 end"))
    };
    match bundle {
        Bundle::Size => vec![Expr::cust("1")],
        Bundle::Behavior => [
            named(&["behavior_visits", "behavior_dwell", "behavior_return", "behavior_community"]),
            named(&["dwell_short", "dwell_medium", "dwell_long"]),
            columns("time", 8),
            columns("category", 12),
        ]
        .concat(),
        Bundle::Personality => [
            columns("mean", 12),
            // u^2 - 1/8 in 1/10^8 is exact, because u is an integer in 1/10^4.
            (0..12).map(|number| Expr::cust(format!("mean_{number} * mean_{number} - 12500000"))).collect(),
            (0..12).flat_map(|number| (0..10).map(move |bin| one_if(format!("bin_{number}"), bin))).collect(),
            (0..6).map(|code| one_if("archetype".to_owned(), code)).collect(),
        ]
        .concat(),
        // The same steps as in `contribution::moments`: both databases round integer division towards zero.
        Bundle::Moments => moment_places().map(|place| Expr::cust(moment(place))).collect(),
        Bundle::Network => named(&["network_ties", "network_compatibility", "network_new", "network_drawn"]),
    }
}

/// The SQL expression of a number of the bundle MOMENTS.
fn moment((i, j): (usize, usize)) -> String {
    const FINE: i64 = 100_000_000;
    // PostgreSQL multiplies 32-bit integers in 32 bits, which would overflow.
    let wide = |number: i64| format!("cast({number} as bigint)");
    match (i.checked_sub(1), j.checked_sub(1)) {
        (Some(i), Some(j)) if i == j => {
            format!("(13 * mean_{i} * mean_{i} - state_norm) * {FINE} / (13 * state_norm)")
        }
        (Some(i), Some(j)) => format!("{} * mean_{i} * mean_{j} / state_norm", wide(ROOT_2)),
        (None, Some(j)) => format!("{} * mean_{j} * 10000 / state_norm", wide(ROOT_6)),
        _ => format!("({} - state_norm) * {FINE} / (13 * state_norm)", 39 * FINE),
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
