//! The reference engine: the database sums, one statement for all cohorts of a bundle.
//!
//! A statement is a UNION ALL with a branch per cohort. Each branch is a range of the rollup's primary key (epoch,
//! window, region, age band) and needs no other table, so a rollup partitioned over several servers sums where the
//! rows are.

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

/// Branches of one statement; SQLite allows 500.
const COHORTS_PER_STATEMENT: usize = 100;

/// Sums in SQL.
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
                    // A build may have dropped the epoch that this server still holds. Sums over nothing would become
                    // pure noise that looks like an answer.
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
            .map(|sums| sums.map(Exact::new).ok_or_else(|| Error::internal("a cohort has no sum")))
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
    // PostgreSQL cannot tell the type of a bare parameter in a select list.
    select.expr(Expr::value(number).cast_as("bigint")).expr(epoch_there).from(Entity);
    for term in terms(bundle) {
        // PostgreSQL sums bigint as numeric; an empty cohort sums to nothing at all.
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

/// What each number of a bundle sums over the rows, in the order of the bundle's groups.
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
            // u^2 - 1/8 in 1/10^8 follows from u in 1/10^4, to the last bit.
            (0..12).map(|number| Expr::cust(format!("mean_{number} * mean_{number} - 12500000"))).collect(),
            (0..12).flat_map(|number| (0..10).map(move |bin| one_if(format!("bin_{number}"), bin))).collect(),
            (0..6).map(|code| one_if("archetype".to_owned(), code)).collect(),
        ]
        .concat(),
        // As `contribution::moments`, in the same steps: both databases divide integers towards zero.
        Bundle::Moments => moment_places().map(|place| Expr::cust(moment(place))).collect(),
        Bundle::Network => named(&["network_ties", "network_compatibility", "network_new", "network_drawn"]),
    }
}

/// A number of MOMENTS in SQL.
fn moment((i, j): (usize, usize)) -> String {
    const FINE: i64 = 100_000_000;
    // PostgreSQL multiplies integers of 32 bits in 32 bits.
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
