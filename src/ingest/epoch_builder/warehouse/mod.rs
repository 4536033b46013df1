//! Builds an epoch where its rows are: each shard of the warehouse reduces its people by `INSERT .. SELECT`. Only ties
//! cross between shards. The statements return the same integers as `privacy::contribution`, to the last bit.
//!
//! A build writes rows under a number of its own, which no epoch has until the build is complete. A statement that
//! fails may go on in its server, so nothing is tried again: another build gets another number, and the rows of a
//! number without an epoch are removed.

use std::ops::RangeInclusive;

use anyhow::{Context as _, ensure};
use futures_util::future::try_join_all;

use super::vocabulary::Counts;
use crate::{
    domain::{
        clock::DAY,
        epoch::{TermKind, WindowLength},
        error::Error,
        random::random_hex,
        segment::AGE_BANDS,
    },
    ingest::progress::Bar,
    privacy::contribution::{TIE_CAP, TIE_STEP},
    storage::{
        entity::agent::ATOM_CHANGE_PENDING,
        epochs::WindowFigures,
        warehouse::{Warehouse, WarehouseError},
    },
};

/// The number of visits that a shard reduces with one statement. It bounds the memory of the servers to about 1.5 GB.
const VISITS_PER_STATEMENT: u64 = 2_000_000;
/// The number of buckets into which people are divided: so many that one has few visits in a shard of any size.
const BUCKETS: usize = 1 << 16;
/// Arrays make large rows, of which the default number per block would fill the memory.
const SETTINGS: &[(&str, &str)] = &[
    ("max_block_size", "4096"),
    ("min_insert_block_size_rows", "262144"),
    ("min_insert_block_size_bytes", "67108864"),
];
/// The tables that are empty between builds.
const STAGING: [&str; 3] = ["epoch_people", "epoch_visits", "epoch_ties"];
/// The norm of the state without a profile: it stands in the row that marks a shard, because sums divide by it.
const NORM_OF_MARK: i64 = 300_000_000;

const PEOPLE: &str = include_str!("people.sql");
const VISITS: &str = include_str!("visits.sql");
const TIES: &str = include_str!("ties.sql");
const ROLLUP: &str = include_str!("rollup.sql");

/// A build in progress.
pub(super) struct Build<'a> {
    warehouse: &'a Warehouse,
    /// The number of the build, which its epoch refers to.
    pub number: i64,
    ends_at: i64,
    /// The latest `atom_since` of a person who is counted.
    latest_counted: i64,
}

impl<'a> Build<'a> {
    /// Begins a build of the week that ends at `ends_at`, in Unix seconds.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn new(warehouse: &'a Warehouse, ends_at: i64, latest_counted: i64) -> anyhow::Result<Self> {
        let random = random_hex(8).map_err(Error::into_anyhow)?;
        // Positive, and different from that of any build before.
        let number = i64::try_from(u64::from_str_radix(&random, 16)? >> 1)?;
        Ok(Self { warehouse, number, ends_at, latest_counted })
    }

    /// Writes the rows of the epoch. `bar` counts the buckets of all shards.
    ///
    /// # Errors
    /// A shard fails or does not answer, or a person has more than [`TIE_CAP`] kept ties. The rows that were written
    /// belong to no epoch.
    pub async fn run(&self, bar: &Bar) -> anyhow::Result<()> {
        let shards = 0..self.warehouse.shards();
        let ranges = try_join_all(shards.clone().map(|shard| self.ranges(shard))).await?;
        let ranges = &ranges;
        // The ties of a person come from all shards, so all must have sent them before the rollup begins.
        try_join_all(shards.clone().map(|shard| async move {
            for range in &ranges[shard] {
                for template in [PEOPLE, VISITS, TIES] {
                    self.on_range(shard, template, range).await?;
                }
                bar.advance(range.clone().count() as u64);
            }
            anyhow::Ok(())
        }))
        .await?;
        try_join_all(shards.map(|shard| async move {
            for range in &ranges[shard] {
                self.require_few_ties(shard, range).await?;
                self.on_range(shard, ROLLUP, range).await?;
                bar.advance(range.clone().count() as u64);
            }
            let mark = format!(
                "INSERT INTO {}.agent_rollup_local (build_id, window_days, region, state_norm)
                 SELECT {}, 0, toString({shard}), {NORM_OF_MARK}",
                self.warehouse.database(),
                self.number
            );
            self.warehouse.on_shard(shard, &mark).await?;
            self.require_each_once(shard).await
        }))
        .await?;
        self.require_marks().await
    }

    /// The number of steps that [`Build::run`] reports.
    pub fn steps(&self) -> u64 {
        (2 * BUCKETS * self.warehouse.shards()) as u64
    }

    /// The ranges of buckets of a shard, each with at most [`VISITS_PER_STATEMENT`] visits if it has several buckets.
    async fn ranges(&self, shard: usize) -> anyhow::Result<Vec<RangeInclusive<usize>>> {
        let statement = format!(
            "SELECT toString(bucket), toString(count()) FROM {}.user_actions_local GROUP BY bucket",
            self.warehouse.database()
        );
        let mut visits = vec![0; BUCKETS];
        for [bucket, count] in self.warehouse.read_shard::<2>(shard, &statement).await? {
            visits[bucket.parse::<usize>()?] = count.parse()?;
        }
        Ok(ranges(&visits))
    }

    /// Runs a statement for a range of buckets of a shard.
    async fn on_range(
        &self,
        shard: usize,
        template: &str,
        range: &RangeInclusive<usize>,
    ) -> Result<(), WarehouseError> {
        let range = format!("bucket BETWEEN {} AND {}", range.start(), range.end());
        let statement = self.statement(template).replace("{range}", &range);
        self.warehouse.on_shard_with(shard, &statement, SETTINGS).await
    }

    /// Fills in everything but the range.
    fn statement(&self, template: &str) -> String {
        let windows = |of: &dyn Fn(WindowLength) -> String| WindowLength::ALL.map(of);
        let starts = windows(&|length| length.starts_at(self.ends_at).to_string());
        let days = windows(&|length| length.days().to_string());
        let caps = windows(&|length| length.visit_cap().to_string());
        let news = windows(&|length| format!("countIf(created_at >= {})", length.starts_at(self.ends_at)));
        let longest = WindowLength::Days84.starts_at(self.ends_at);
        let followeds = windows(&|length| {
            // Keys are twice the seconds after the start of the longest window, plus 2.
            let first_key = 2 * (length.starts_at(self.ends_at) - longest + 1);
            format!(
                "arrayUniq(arrayFilter(
                     (tie, key, nth, own) -> key % 2 = 0 AND nth > own AND key >= {first_key},
                     merged_ties, merged_keys, nth_to_spot, nth_of_its_kind
                 ))"
            )
        });
        let bands = (2..).zip(&AGE_BANDS[1..]).map(|(number, band)| format!("age < {}, {}", band.from, number - 1));
        let bands = bands.collect::<Vec<_>>().join(", ");
        let values = [
            ("{database}", self.warehouse.database().to_owned()),
            ("{build_id}", self.number.to_string()),
            ("{latest_counted}", self.latest_counted.to_string()),
            ("{ends_at}", self.ends_at.to_string()),
            ("{starts_at}", longest.to_string()),
            ("{adult}", AGE_BANDS[0].from.to_string()),
            ("{age_band}", format!("multiIf(age = -1, 0, {bands}, {})", AGE_BANDS.len())),
            (
                "{ring}",
                format!(
                    "multiIf(start_time >= {}, 0, start_time >= {}, 1, start_time >= {}, 2, 3)",
                    starts[0], starts[1], starts[2]
                ),
            ),
            ("{returns}", of_windows(|ring| format!("countEqual(return_keys, {})", ring * 2 + 1))),
            ("{events}", of_windows(|ring| format!("countEqual(event_keys, {})", ring * 2 + 1))),
            ("{dwell_bands}", cells("dwell_keys", 4, 0..3)),
            ("{week_parts}", cells("week_keys", 8, 0..8)),
            ("{category_groups}", cells("group_keys", 16, 1..13)),
            ("{window_days}", format!("[{}]", days.join(", "))),
            (
                "{visit_cap}",
                format!(
                    "multiIf(window_days = {}, {}, window_days = {}, {}, {})",
                    days[0], caps[0], days[1], caps[1], caps[2]
                ),
            ),
            ("{news}", format!("[{}]", news.join(", "))),
            ("{followeds}", format!("[{}]", followeds.join(", "))),
        ];
        values.iter().fold(template.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// The noise is calibrated for at most [`TIE_CAP`] ties, so data that violates it must not be released. All ties of
    /// a person are on the shard of the person.
    async fn require_few_ties(&self, shard: usize, range: &RangeInclusive<usize>) -> anyhow::Result<()> {
        let statement = format!(
            "SELECT toString(max(ties)) FROM (
                 SELECT count() AS ties FROM {}.epoch_ties_local
                 WHERE build_id = {} AND bucket BETWEEN {} AND {} GROUP BY agent_id
             )",
            self.warehouse.database(),
            self.number,
            range.start(),
            range.end()
        );
        let ties: usize = single(&self.warehouse.read_shard(shard, &statement).await?)?;
        ensure!(ties <= TIE_CAP, "a person has more than {TIE_CAP} kept ties");
        Ok(())
    }

    /// A row twice would count a person twice. All rows of a person are on one shard.
    async fn require_each_once(&self, shard: usize) -> anyhow::Result<()> {
        for length in WindowLength::ALL {
            let doubled = format!(
                "SELECT toString(count() - uniqExact(agent_id)) FROM {}.agent_rollup_local
                 WHERE build_id = {} AND window_days = {}",
                self.warehouse.database(),
                self.number,
                length.days()
            );
            let doubled: u64 = single(&self.warehouse.read_shard(shard, &doubled).await?)?;
            ensure!(doubled == 0, "the warehouse stored a person twice");
        }
        Ok(())
    }

    /// A shard without its mark has not finished.
    async fn require_marks(&self) -> anyhow::Result<()> {
        let marks = format!(
            "SELECT toString(uniqExact(region)) FROM {}.agent_rollup WHERE build_id = {} AND window_days = 0",
            self.warehouse.database(),
            self.number
        );
        let marks: usize = single(&self.warehouse.read(&marks).await?)?;
        ensure!(marks == self.warehouse.shards(), "a shard of the warehouse is missing");
        Ok(())
    }

    /// The people of the epoch and of each term. Who is counted in a window is counted in the longest one.
    pub async fn counts(&self) -> anyhow::Result<Counts> {
        let (database, build_id) = (self.warehouse.database(), self.number);
        let rows = format!(
            "FROM {database}.agent_rollup WHERE build_id = {build_id} AND window_days = {}",
            WindowLength::Days84.days()
        );
        let mut counts = Counts::default();
        counts.people = single(&self.warehouse.read(&format!("SELECT toString(count()) {rows}")).await?)?;
        for (kind, term) in [
            (TermKind::Region, "region"),
            (TermKind::Interest, "arrayJoin(splitByChar('|', interests))"),
            (TermKind::Category, "arrayJoin(splitByChar('|', categories))"),
        ] {
            let statement = format!("SELECT {term} AS term, toString(count()) {rows} GROUP BY term HAVING term != ''");
            let counted = self.warehouse.read::<2>(&statement).await?.into_iter();
            let counted = counted.map(|[term, count]| Ok((term, count.parse()?)));
            *counts.terms_mut(kind) = counted.collect::<anyhow::Result<_>>()?;
        }
        Ok(counts)
    }
}

/// The number that is the only value of an answer.
fn single<T: std::str::FromStr>(rows: &[[String; 1]]) -> anyhow::Result<T> {
    match rows {
        [[number]] => number.parse().ok().context("the warehouse returned no number"),
        _ => anyhow::bail!("the warehouse returned no number"),
    }
}

/// Divides buckets into ranges.
fn ranges(visits: &[u64]) -> Vec<RangeInclusive<usize>> {
    let (mut ranges, mut first, mut sum) = (Vec::new(), 0, 0);
    for (bucket, count) in visits.iter().enumerate() {
        if bucket > first && sum + count > VISITS_PER_STATEMENT {
            ranges.push(first..=bucket - 1);
            (first, sum) = (bucket, 0);
        }
        sum += count;
    }
    ranges.push(first..=BUCKETS - 1);
    ranges
}

/// An array with a number for each window: the sum of a count over the rings of the window.
fn of_windows(count: impl Fn(usize) -> String) -> String {
    let sum = |window: usize| (0..=window).map(&count).collect::<Vec<_>>().join(" + ");
    format!("[{}]", (0..WindowLength::ALL.len()).map(sum).collect::<Vec<_>>().join(", "))
}

/// An array with an array for each window: how many visits are in each of the cells `of`. The keys of a ring begin at
/// its number times `per_ring`.
fn cells(keys: &str, per_ring: usize, of: std::ops::Range<usize>) -> String {
    let cell = |window: usize, cell: usize| {
        (0..=window)
            .map(|ring| format!("countEqual({keys}, {})", ring * per_ring + cell))
            .collect::<Vec<_>>()
            .join(" + ")
    };
    let window =
        |window: usize| format!("[{}]", of.clone().map(|number| cell(window, number)).collect::<Vec<_>>().join(", "));
    format!("[{}]", (0..WindowLength::ALL.len()).map(window).collect::<Vec<_>>().join(", "))
}

/// Removes the rows of builds that no epoch refers to.
///
/// # Errors
/// A shard fails or does not answer.
pub(super) async fn remove_all_but(warehouse: &Warehouse, builds: &[i64]) -> anyhow::Result<()> {
    let database = warehouse.database();
    for (table, kept) in STAGING.iter().map(|table| (*table, &[][..])).chain([("agent_rollup", builds)]) {
        for shard in 0..warehouse.shards() {
            let statement = format!(
                "SELECT DISTINCT partition FROM system.parts
                 WHERE database = '{database}' AND table = '{table}_local' AND active"
            );
            for [partition] in warehouse.read_shard::<1>(shard, &statement).await? {
                let build_id: i64 = partition.parse().context("a partition of the warehouse has no number")?;
                if !kept.contains(&build_id) {
                    let drop = format!("ALTER TABLE {database}.{table}_local DROP PARTITION {build_id}");
                    warehouse.on_shard(shard, &drop).await?;
                }
            }
        }
    }
    Ok(())
}

/// The figures of an epoch by window, shortest first.
pub(super) async fn figures(warehouse: &Warehouse, build_id: i64) -> anyhow::Result<Vec<WindowFigures>> {
    let statement = format!(
        "SELECT toString(window_days), toString(count()), toString(sum(behavior[1])) FROM {}.agent_rollup
         WHERE build_id = {build_id} AND window_days > 0 GROUP BY window_days ORDER BY window_days",
        warehouse.database()
    );
    let figures = |[days, people, visits]: [String; 3]| {
        Ok(WindowFigures { window_days: days.parse()?, people: people.parse()?, visit_sum: visits.parse()? })
    };
    warehouse.read::<3>(&statement).await?.into_iter().map(figures).collect()
}

/// The number of visits by day since 1970-01-01 UTC, of those that started before `before`.
pub(super) async fn visits_by_day(warehouse: &Warehouse, before: i64) -> anyhow::Result<Vec<(i64, i64)>> {
    let statement = format!(
        "SELECT toString(intDiv(start_time, {DAY}) AS day), toString(count()) FROM {}.user_actions
         WHERE start_time < {before} GROUP BY day",
        warehouse.database()
    );
    let day = |[day, visits]: [String; 2]| Ok((day.parse()?, visits.parse()?));
    warehouse.read::<2>(&statement).await?.into_iter().map(day).collect()
}

/// Sets `atom_since` of the people whose absence began after `after`; `None` = nothing is known to have changed. The
/// caller must hold the lock of people.
pub(super) async fn set_atom_since(warehouse: &Warehouse, after: i64, since: Option<i64>) -> anyhow::Result<()> {
    let (database, version) = (warehouse.database(), warehouse.next_version("agents").await?);
    // Without a change it is -1.
    let after = after.max(-1);
    let since = since.unwrap_or(-1);
    // Again `ATOM_CHANGE_PENDING` would write the same rows once more.
    let other = if since == ATOM_CHANGE_PENDING { format!(" AND atom_since != {since}") } else { String::new() };
    let statement = format!(
        "INSERT INTO {database}.agents_local
             (agent_id, bucket, region, age, interests, categories, consent, atom_since, version)
         SELECT agent_id, bucket, region, age, interests, categories, consent, {since}, {version}
         FROM {database}.agents_local FINAL WHERE atom_since > {after}{other}"
    );
    Ok(warehouse.on_all_shards(&statement).await?)
}

const _: () = assert!(TIE_STEP == 1_000, "rollup.sql adds 1000 for a tie");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_cover_every_bucket_once_and_are_not_too_large() {
        let mut visits = vec![10_000; BUCKETS];
        visits[7] = 3 * VISITS_PER_STATEMENT;
        let ranges = ranges(&visits);
        let all: Vec<usize> = ranges.iter().cloned().flatten().collect();
        assert_eq!(all, (0..BUCKETS).collect::<Vec<_>>());
        for range in ranges {
            let sum: u64 = visits[range.clone()].iter().sum();
            assert!(sum <= VISITS_PER_STATEMENT || range == (7..=7), "{range:?}: {sum}");
        }
    }

    #[test]
    fn no_place_of_a_template_is_left_open() {
        let warehouse = Warehouse::new("clickhouse://u:p@h/d?cluster=c").unwrap();
        let build = Build::new(&warehouse, 1_780_000_000, 0).unwrap();
        for template in [PEOPLE, VISITS, TIES, ROLLUP] {
            let statement = build.statement(template).replace("{range}", "1");
            assert!(!statement.contains(['{', '}']), "{statement}");
        }
    }
}
