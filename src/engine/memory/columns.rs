//! An epoch in columnar form. People are sorted by region and age band, so that a cohort is a set of contiguous runs.

use std::{collections::HashMap, ops::Range};

use anyhow::{Context, anyhow, bail};
use futures_util::TryStreamExt as _;
use sea_orm::{
    DatabaseConnection, EntityTrait, Iterable as _, QueryFilter, QueryResult, StreamTrait as _,
    sea_query::{Order, Query, SelectStatement},
};

use crate::{
    engine::{SumRequest, contribution},
    entity::{
        agent_rollup::{COLUMN, Column, Entity},
        epoch_word,
    },
    epoch::WindowLength,
    privacy::{Bundle, Sums},
    segment::Cohort,
};

/// The longest window: people who qualify in a shorter window also qualify in this one.
const ALL: WindowLength = WindowLength::Days84;

/// The people of one epoch.
#[derive(Default)]
pub(super) struct Columns {
    runs: Vec<Run>,
    mean: Vec<[i16; 12]>,
    bins: Vec<[u8; 12]>,
    archetype: Vec<u8>,
    /// The people who have each vocabulary value.
    interests: HashMap<String, Bits>,
    categories: HashMap<String, Bits>,
    /// In the order of [`WindowLength::ALL`].
    windows: [Rows; 3],
}

/// The people of one region and age band.
struct Run {
    region: String,
    band: i32,
    people: Range<usize>,
}

/// The columns that depend on the window, one row per person who qualifies in it.
#[derive(Default)]
struct Rows {
    /// The index of each row's person, ascending.
    person: Vec<u32>,
    behavior: Vec<[i16; 27]>,
    network: Vec<[i16; 4]>,
}

/// A bit set over people.
#[derive(Clone, Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, person: usize) {
        if self.0.len() <= person / 64 {
            self.0.resize(person / 64 + 1, 0);
        }
        self.0[person / 64] |= 1 << (person % 64);
    }

    fn has(&self, person: usize) -> bool {
        self.0.get(person / 64).is_some_and(|bits| bits >> (person % 64) & 1 == 1)
    }
}

impl Columns {
    /// Loads an epoch.
    ///
    /// # Errors
    /// If the database fails, or its rows are not as `epoch build` writes them.
    pub(super) async fn load(db: &DatabaseConnection, epoch_id: i32) -> anyhow::Result<Self> {
        let mut columns = Self::default();
        let words = epoch_word::Entity::find().filter(epoch_word::COLUMN.epoch_id.eq(epoch_id)).all(db).await?;
        for word in words {
            match word.kind.as_str() {
                "interest" => columns.interests.insert(word.word, Bits::default()),
                "category" => columns.categories.insert(word.word, Bits::default()),
                _ => None,
            };
        }
        // Needed only to find the person of each row below.
        let mut ids: Vec<String> = Vec::new();
        let mut rows = db.stream(&select(epoch_id, ALL, of_person())).await?;
        while let Some(row) = rows.try_next().await? {
            ids.push(row.try_get_by_index(0)?);
            columns.person(&row).with_context(|| format!("cannot load epoch {epoch_id} into memory"))?;
        }
        drop(rows);
        for (length, window) in WindowLength::ALL.into_iter().zip(&mut columns.windows) {
            let mut rows = db.stream(&select(epoch_id, length, of_window())).await?;
            let mut person = 0;
            while let Some(row) = rows.try_next().await? {
                let id: String = row.try_get_by_index(0)?;
                // Both lists have the same order, so the search continues from the previous person.
                while ids.get(person).is_some_and(|other| *other != id) {
                    person += 1;
                }
                if person == ids.len() {
                    bail!(
                        "epoch {epoch_id} has a person with a row for {} days but none for {} days",
                        length.days(),
                        ALL.days()
                    );
                }
                window.person.push(u32::try_from(person)?);
                window.behavior.push(numbers(&row, 1)?);
                window.network.push(numbers(&row, 28)?);
            }
            window.shrink();
        }
        columns.shrink();
        Ok(columns)
    }

    /// Appends a person from a row of [`of_person`].
    fn person(&mut self, row: &QueryResult) -> anyhow::Result<()> {
        let number = self.mean.len();
        let (region, band): (String, i32) = (row.try_get_by_index(1)?, row.try_get_by_index(2)?);
        match self.runs.last_mut().filter(|run| run.region == region && run.band == band) {
            Some(run) => run.people.end = number + 1,
            None => self.runs.push(Run { region, band, people: number..number + 1 }),
        }
        for (index, words) in [(3, &mut self.interests), (4, &mut self.categories)] {
            let text: String = row.try_get_by_index(index)?;
            for word in text.split('|') {
                if let Some(bits) = words.get_mut(word) {
                    bits.set(number);
                }
            }
        }
        self.mean.push(numbers(row, 5)?);
        self.bins.push(numbers(row, 17)?);
        let [archetype] = numbers(row, 29)?;
        self.archetype.push(archetype);
        Ok(())
    }

    pub(super) fn people(&self) -> usize {
        self.mean.len()
    }

    /// The size of all arrays in bytes.
    pub(super) fn bytes(&self) -> usize {
        let bits = self.interests.values().chain(self.categories.values()).map(|bits| size_of_val(&*bits.0));
        let windows = self
            .windows
            .iter()
            .map(|rows| size_of_val(&*rows.person) + size_of_val(&*rows.behavior) + size_of_val(&*rows.network));
        let people = size_of_val(&*self.mean) + size_of_val(&*self.bins) + size_of_val(&*self.archetype);
        people + windows.chain(bits).sum::<usize>()
    }

    fn shrink(&mut self) {
        self.mean.shrink_to_fit();
        self.bins.shrink_to_fit();
        self.archetype.shrink_to_fit();
        self.interests.values_mut().chain(self.categories.values_mut()).for_each(|bits| bits.0.shrink_to_fit());
    }

    /// Whether every interest and category of a cohort is in the loaded vocabulary.
    pub(super) fn knows(&self, cohort: &Cohort) -> bool {
        cohort.interests.iter().all(|word| self.interests.contains_key(word))
            && cohort.categories.iter().all(|word| self.categories.contains_key(word))
    }

    /// The sums of a request, in the order of its bundle's groups. [`Columns::knows`] must hold for its cohort.
    pub(super) fn sums(&self, request: &SumRequest) -> Sums {
        let window = WindowLength::ALL.iter().position(|length| *length == request.window.length).unwrap_or_default();
        let rows = &self.windows[window];
        let picked = self.picked(&request.cohort, rows);
        let people = picked.clone().map(|row| rows.person[row] as usize);
        let mut sums = vec![0_i64; request.bundle.width()];
        match request.bundle {
            Bundle::Size => sums[0] = i64::try_from(picked.count()).unwrap_or(i64::MAX),
            Bundle::Behavior => picked.for_each(|row| add(&mut sums, &rows.behavior[row])),
            Bundle::Network => picked.for_each(|row| add(&mut sums, &rows.network[row])),
            Bundle::Personality => people.for_each(|person| self.add_personality(&mut sums, person)),
            Bundle::Moments => people.for_each(|person| {
                let moments = contribution::moments(&self.mean[person].map(i64::from));
                sums.iter_mut().zip(moments).for_each(|(sum, moment)| *sum += moment);
            }),
        }
        sums
    }

    fn add_personality(&self, sums: &mut [i64], person: usize) {
        let mean = &self.mean[person];
        add(sums, mean);
        for (sum, u) in sums[12..24].iter_mut().zip(mean) {
            *sum += i64::from(*u) * i64::from(*u) - 12_500_000;
        }
        for (dimension, bin) in self.bins[person].iter().enumerate() {
            sums[24 + dimension * 10 + usize::from(*bin)] += 1;
        }
        sums[144 + usize::from(self.archetype[person])] += 1;
    }

    /// The indexes of the rows of a cohort's people.
    fn picked<'a>(&'a self, cohort: &'a Cohort, rows: &'a Rows) -> impl Iterator<Item = usize> + Clone + 'a {
        let any = |words: &'a [String], table: &'a HashMap<String, Bits>| -> Vec<&'a Bits> {
            words.iter().filter_map(|word| table.get(word)).collect()
        };
        let asked = [any(&cohort.interests, &self.interests), any(&cohort.categories, &self.categories)];
        self.runs
            .iter()
            .filter(|run| cohort.regions.is_empty() || cohort.regions.contains(&run.region))
            .filter(|run| cohort.bands.is_empty() || cohort.bands.contains(&run.band))
            .flat_map(|run| rows.between(&run.people))
            .filter(move |row| {
                let person = rows.person[*row] as usize;
                asked.iter().all(|words| words.is_empty() || words.iter().any(|bits| bits.has(person)))
            })
    }
}

impl Rows {
    /// The indexes of the rows of a range of people.
    fn between(&self, people: &Range<usize>) -> Range<usize> {
        let row = |person: usize| self.person.partition_point(|other| (*other as usize) < person);
        row(people.start)..row(people.end)
    }

    fn shrink(&mut self) {
        self.person.shrink_to_fit();
        self.behavior.shrink_to_fit();
        self.network.shrink_to_fit();
    }
}

fn add<const N: usize>(sums: &mut [i64], row: &[i16; N]) {
    sums.iter_mut().zip(row).for_each(|(sum, number)| *sum += i64::from(*number));
}

/// The columns that describe a person, in the order in which they follow the id: region, age band, interests,
/// categories, means, bins, archetype.
fn of_person() -> impl Iterator<Item = Column> {
    [Column::Region, Column::AgeBand, Column::Interests, Column::Categories]
        .into_iter()
        .chain(from_to(Column::Mean0, Column::Archetype))
}

/// The columns that describe a person's window, in the order in which they follow the id: BEHAVIOR 27, NETWORK 4.
fn of_window() -> impl Iterator<Item = Column> {
    from_to(Column::BehaviorVisits, Column::Category11).chain(from_to(Column::NetworkTies, Column::NetworkDrawn))
}

/// The columns from `first` to `last` in table order, both included.
fn from_to(first: Column, last: Column) -> impl Iterator<Item = Column> {
    Column::iter().skip(first as usize).take(last as usize + 1 - first as usize)
}

fn select(epoch_id: i32, length: WindowLength, columns: impl Iterator<Item = Column>) -> SelectStatement {
    Query::select()
        .column(Column::AgentId)
        .columns(columns)
        .from(Entity)
        .and_where(COLUMN.epoch_id.eq(epoch_id))
        .and_where(COLUMN.window_days.eq(length.days()))
        .order_by(Column::Region, Order::Asc)
        .order_by(Column::AgeBand, Order::Asc)
        .order_by(Column::AgentId, Order::Asc)
        .to_owned()
}

/// Reads `N` consecutive columns, starting at the index `from`.
///
/// # Errors
/// If a value is not an integer or outside the range of `T`.
fn numbers<const N: usize, T: TryFrom<i32> + Default + Copy>(row: &QueryResult, from: usize) -> anyhow::Result<[T; N]> {
    let mut numbers = [T::default(); N];
    for (index, number) in (from..).zip(&mut numbers) {
        let value: i32 = row.try_get_by_index(index)?;
        *number = T::try_from(value).map_err(|_| anyhow!("a value is outside the range that `epoch build` writes"))?;
    }
    Ok(numbers)
}
