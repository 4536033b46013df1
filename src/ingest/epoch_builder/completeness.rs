//! Which weeks the data fill, and whether an epoch is complete: a few rows with a wrong time must not move the epoch,
//! and a file that is missing must not halve its numbers.

use std::{collections::BTreeMap, fmt::Write as _};

use anyhow::{Context as _, bail, ensure};
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbErr, EntityTrait, QueryFilter, QuerySelect, sea_query::Expr};

use super::warehouse;
use crate::{
    domain::{
        clock::{DAY, WEEK, format_time, monday},
        epoch::{READABLE_AFTER, WindowLength, epoch_name},
    },
    privacy::contribution::visit_total,
    storage::{
        entity::{epoch, user_action},
        epochs,
        warehouse::Warehouse,
    },
};

/// The share of the usual rows from which on a week, and its last day, count as filled.
const MIN_SHARE: f64 = 1.0 / 3.0;
/// The number of earlier weeks whose median is what is usual.
const USUAL_WEEKS: usize = 8;
/// The share of the last epoch's figures below which a build is refused.
const MIN_KEPT_SHARE: f64 = 0.6;
/// Windows with fewer people are not compared: their figures vary by chance.
const MIN_COMPARED_PEOPLE: i64 = 100;

/// The rows of a week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Week {
    rows: u64,
    /// Rows of the last day, a Sunday.
    last_day: u64,
}

/// The week that an epoch is built for, and the later weeks that are not filled.
#[derive(Debug, PartialEq, Eq)]
pub struct NewestWeek {
    /// The end of the week, in Unix seconds.
    pub ends_at: i64,
    /// A message for each later week that has rows, but too few.
    pub left_out: Vec<String>,
}

/// Finds the newest week that the data fill and that ended at least 72 hours before `now`: it and its last day have at
/// least a third of the usual rows, that is, of the median of the eight weeks with rows before it.
///
/// # Errors
/// There are no visits that started more than 72 hours before `now`, or the database fails.
pub async fn newest_filled_week(
    db: &impl ConnectionTrait,
    warehouse: Option<&Warehouse>,
    now: i64,
) -> anyhow::Result<NewestWeek> {
    // A later visit has a wrong time, or is of a week that cannot be built yet.
    let before = now - READABLE_AFTER;
    let days = match warehouse {
        Some(warehouse) => warehouse::visits_by_day(warehouse, before).await?,
        None => visits_by_day(db, before).await?,
    };
    ensure!(!days.is_empty(), "there are no visits yet: load some with `spots-enrichment import`");
    let mut weeks: BTreeMap<i64, Week> = BTreeMap::new();
    for (day, rows) in days {
        let ends_at = monday(day * DAY) + WEEK;
        let week = weeks.entry(ends_at).or_default();
        week.rows += rows.unsigned_abs();
        if (day + 1) * DAY == ends_at {
            week.last_day += rows.unsigned_abs();
        }
    }
    // The week that is not over yet.
    weeks.retain(|ends_at, _| ends_at + READABLE_AFTER <= now);
    choose(&weeks).context("there are no visits of a complete week yet")
}

/// The number of visits by day since 1970-01-01 UTC, of those that started before `before`.
async fn visits_by_day(db: &impl ConnectionTrait, before: i64) -> Result<Vec<(i64, i64)>, DbErr> {
    let day = Expr::cust(format!("start_time / {DAY}"));
    let days = user_action::Entity::find().select_only().expr(day.clone()).expr(Expr::cust("count(*)"));
    days.filter(user_action::COLUMN.start_time.lt(before)).group_by(day).into_tuple().all(db).await
}

fn choose(weeks: &BTreeMap<i64, Week>) -> Option<NewestWeek> {
    let mut left_out = Vec::new();
    let mut first = None;
    for (ends_at, week) in weeks.iter().rev() {
        first = Some(*ends_at);
        let before = || weeks.range(..ends_at).rev().take(USUAL_WEEKS).map(|(_, week)| week);
        let usual = median(before().map(|week| week.rows));
        let usual_last_day = median(before().map(|week| week.last_day));
        let fills = |rows: u64, usual: u64| rows as f64 >= usual as f64 * MIN_SHARE;
        // Where no visits on a Sunday are usual, visits of a later week show that the week is over.
        let is_over = usual_last_day > 0 || week.last_day > 0 || !left_out.is_empty();
        if is_over && fills(week.rows, usual) && fills(week.last_day, usual_last_day) {
            return Some(NewestWeek { ends_at: *ends_at, left_out });
        }
        left_out.push(format!(
            "the week that ends at {} is not filled: {} visits, and {} on its last day; usual are {usual} and \
             {usual_last_day}",
            format_time(*ends_at),
            week.rows,
            week.last_day
        ));
    }
    // No week has visits on its last day: the end of the data lies inside their only week, which is then not complete.
    first.map(|ends_at| NewestWeek { ends_at: ends_at - WEEK, left_out })
}

fn median(numbers: impl Iterator<Item = u64>) -> u64 {
    let mut numbers: Vec<u64> = numbers.collect();
    numbers.sort_unstable();
    numbers.get(numbers.len() / 2).copied().unwrap_or_default()
}

/// Checks that no import is unfinished, so that an epoch is not built from half a file.
///
/// # Errors
/// An import is unfinished, or the database fails.
pub(super) async fn require_finished_imports(transaction: &DatabaseTransaction) -> anyhow::Result<()> {
    if let Some(run) = crate::storage::import_runs::list(transaction).await?.first() {
        bail!(
            "the import of {} began at {} and has stored {} rows: it is running or was interrupted. Wait, or import \
             the file again; --force builds nevertheless",
            run.file,
            format_time(run.started_at),
            run.rows_done
        );
    }
    Ok(())
}

/// Compares a new epoch with the last one before it.
///
/// # Errors
/// The number of people or of visits in a window is below 60 % of that of the last epoch; or the database fails.
pub(super) async fn require_no_sharp_fall(
    transaction: &DatabaseTransaction,
    warehouse: Option<&Warehouse>,
    epoch: &epoch::Model,
) -> anyhow::Result<()> {
    let Some(last) = epochs::find_before(transaction, epoch.ends_at).await? else { return Ok(()) };
    let before = figures(transaction, warehouse, &last).await?;
    let after = figures(transaction, warehouse, epoch).await?;
    let falls = falls(&before, &after);
    ensure!(
        falls.is_empty(),
        "the epoch that ends at {} was not built, because its figures fall sharply against {}:{falls}\nIs a file \
         missing, or a time wrong? --force builds nevertheless",
        format_time(epoch.ends_at),
        epoch_name(last.epoch_id)
    );
    Ok(())
}

/// The people of a window and their visits, each person's up to the cap.
struct Figures {
    window_days: i32,
    people: i64,
    visits: i64,
}

async fn figures(
    transaction: &DatabaseTransaction,
    warehouse: Option<&Warehouse>,
    epoch: &epoch::Model,
) -> anyhow::Result<Vec<Figures>> {
    let stored = match (epoch.build_id, warehouse) {
        (None, _) => epochs::figures(transaction, epoch.epoch_id).await?,
        (Some(build_id), Some(warehouse)) => warehouse::figures(warehouse, build_id).await?,
        (Some(_), None) => bail!(
            "the last epoch, {}, is in the warehouse, which WAREHOUSE_URL does not name, so the new one cannot be \
             compared with it; --force builds nevertheless",
            epoch_name(epoch.epoch_id)
        ),
    };
    let figures = |stored: epochs::WindowFigures| {
        let length = WindowLength::ALL.into_iter().find(|length| length.days() == stored.window_days)?;
        let visits = visit_total(length, stored.people, stored.visit_sum);
        Some(Figures { window_days: stored.window_days, people: stored.people, visits })
    };
    Ok(stored.into_iter().filter_map(figures).collect())
}

/// A line for each window whose figures fall sharply.
fn falls(before: &[Figures], after: &[Figures]) -> String {
    let mut lines = String::new();
    for old in before.iter().filter(|figures| figures.people >= MIN_COMPARED_PEOPLE) {
        let new = after.iter().find(|figures| figures.window_days == old.window_days);
        let (people, visits) = new.map_or((0, 0), |figures| (figures.people, figures.visits));
        let is_low = |new: i64, old: i64| (new as f64) < old as f64 * MIN_KEPT_SHARE;
        if is_low(people, old.people) || is_low(visits, old.visits) {
            // Writing to a string cannot fail.
            let _ = write!(
                lines,
                "\n  {} days: people {} -> {people}, visits {} -> {visits}",
                old.window_days, old.people, old.visits
            );
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weeks(rows: &[(i64, u64, u64)]) -> BTreeMap<i64, Week> {
        rows.iter().map(|(week, rows, last_day)| (week * WEEK, Week { rows: *rows, last_day: *last_day })).collect()
    }

    fn chosen(rows: &[(i64, u64, u64)]) -> (i64, usize) {
        let week = choose(&weeks(rows)).unwrap();
        (week.ends_at / WEEK, week.left_out.len())
    }

    #[test]
    fn rows_with_a_wrong_time_do_not_move_the_epoch() {
        let usual = [(1, 100, 15), (2, 110, 14), (3, 90, 16), (4, 105, 12)];
        let with = |more: &[(i64, u64, u64)]| chosen(&[&usual, more].concat());
        assert_eq!(with(&[]), (4, 0));
        assert_eq!(with(&[(6, 1, 1)]), (4, 1), "one row, two weeks later");
        assert_eq!(with(&[(6, 1, 1), (8, 2, 2), (900, 1, 1)]), (4, 3), "several rows, and one in the far future");
        assert_eq!(with(&[(5, 60, 1)]), (4, 1), "the data end on a Wednesday, and one row has a wrong time");
        assert_eq!(with(&[(5, 50, 6)]), (5, 0), "a quiet week");
        assert_eq!(chosen(&[(-300, 1, 1), (1, 100, 15), (2, 100, 15)]), (2, 0), "an old row with a wrong time");
    }

    #[test]
    fn the_only_week_is_used_if_its_last_day_has_visits() {
        assert_eq!(chosen(&[(1, 5, 1)]), (1, 0));
        assert_eq!(chosen(&[(1, 5, 0)]), (0, 1));
        assert!(choose(&weeks(&[])).is_none());
    }

    #[test]
    fn a_sharp_fall_is_reported_with_figures() {
        let window = |window_days, people, visits| Figures { window_days, people, visits };
        let before = [window(7, 900, 2_000), window(28, 1_000, 8_000)];
        assert_eq!(falls(&before, &[window(7, 800, 1_800), window(28, 950, 7_000)]), "");
        let lines = falls(&before, &[window(28, 900, 4_000)]);
        assert_eq!(
            lines,
            "\n  7 days: people 900 -> 0, visits 2000 -> 0\n  28 days: people 1000 -> 900, visits 8000 -> 4000"
        );
        assert_eq!(falls(&[window(7, 20, 50)], &[]), "", "too few to compare");
    }
}
