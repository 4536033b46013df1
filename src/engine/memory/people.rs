//! An epoch in columnar form. People are sorted by region and age band, so that a cohort is a set of contiguous runs.

use std::{collections::HashMap, ops::Range};

use anyhow::{Context, anyhow, bail};
use futures_util::TryStreamExt as _;
use sea_orm::{
    DatabaseConnection, QueryResult, StreamTrait as _, TryGetable,
    sea_query::{Order, Query, SelectStatement},
};

use crate::{
    domain::{dimensions::Dimension, epoch::WindowLength, segment::Cohort},
    engine::columns,
    privacy::{
        Bundle, Group, Sums,
        contribution::{self, BEHAVIOR_WIDTH, CENTER_OF_SQUARES, NETWORK_WIDTH},
        engine::SumRequest,
    },
    storage::{
        entity::agent_summary::{COLUMN, Column, Entity},
        epochs,
    },
};

/// The longest window: people who qualify in a shorter window also qualify in this one.
const ALL: WindowLength = WindowLength::Days84;

/// The people of one epoch.
#[derive(Default)]
pub(super) struct People {
    runs: Vec<Run>,
    mean: Vec<[i16; Dimension::COUNT]>,
    bins: Vec<[u8; Dimension::COUNT]>,
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
    behavior: Vec<[i16; BEHAVIOR_WIDTH]>,
    network: Vec<[i16; NETWORK_WIDTH]>,
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

impl People {
    /// Loads an epoch.
    ///
    /// # Errors
    /// If the database fails, or its rows are not as `epoch build` writes them.
    pub(super) async fn load(db: &DatabaseConnection, epoch_id: i32) -> anyhow::Result<Self> {
        let mut people = Self::default();
        let vocabulary = epochs::vocabulary(db, epoch_id).await?;
        people.interests = vocabulary.interests.into_iter().map(|value| (value, Bits::default())).collect();
        people.categories = vocabulary.categories.into_iter().map(|value| (value, Bits::default())).collect();
        // Needed only to find the person of each row below.
        let mut ids: Vec<String> = Vec::new();
        let mut rows = db.stream(&select(epoch_id, ALL, of_person())).await?;
        while let Some(row) = rows.try_next().await? {
            let mut row = RowReader::new(&row);
            ids.push(row.value()?);
            people.append(&mut row).with_context(|| format!("cannot load epoch {epoch_id} into memory"))?;
        }
        drop(rows);
        for (length, window) in WindowLength::ALL.into_iter().zip(&mut people.windows) {
            window.load(db, epoch_id, length, &ids).await?;
        }
        people.shrink();
        Ok(people)
    }

    /// Appends a person from the columns of [`of_person`].
    fn append(&mut self, row: &mut RowReader<'_>) -> anyhow::Result<()> {
        let number = self.mean.len();
        let (region, band): (String, i32) = (row.value()?, row.value()?);
        match self.runs.last_mut().filter(|run| run.region == region && run.band == band) {
            Some(run) => run.people.end = number + 1,
            None => self.runs.push(Run { region, band, people: number..number + 1 }),
        }
        for table in [&mut self.interests, &mut self.categories] {
            let list: String = row.value()?;
            for value in list.split('|') {
                if let Some(bits) = table.get_mut(value) {
                    bits.set(number);
                }
            }
        }
        self.mean.push(row.numbers()?);
        self.bins.push(row.numbers()?);
        let [archetype] = row.numbers()?;
        self.archetype.push(archetype);
        Ok(())
    }

    pub(super) fn count(&self) -> usize {
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
    pub(super) fn has_terms_of(&self, cohort: &Cohort) -> bool {
        cohort.interests.iter().all(|value| self.interests.contains_key(value))
            && cohort.categories.iter().all(|value| self.categories.contains_key(value))
    }

    /// The sums of a request, in the order of its bundle's groups. [`People::has_terms_of`] must hold for its cohort.
    pub(super) fn sums(&self, request: &SumRequest) -> Sums {
        let window = WindowLength::ALL.iter().position(|length| *length == request.window.length).unwrap_or_default();
        let rows = &self.windows[window];
        let selected = self.rows_of(&request.cohort, rows);
        let people = selected.clone().map(|row| rows.person[row] as usize);
        let mut sums = vec![0_i64; request.bundle.width()];
        match request.bundle {
            Bundle::Size => sums[0] = i64::try_from(selected.count()).unwrap_or(i64::MAX),
            Bundle::Behavior => selected.for_each(|row| add(&mut sums, &rows.behavior[row])),
            Bundle::Network => selected.for_each(|row| add(&mut sums, &rows.network[row])),
            Bundle::Personality => {
                let ranges = PersonalityRanges::default();
                people.for_each(|person| self.add_personality(&mut sums, &ranges, person));
            }
            Bundle::Moments => people.for_each(|person| {
                let moments = contribution::moments(&self.mean[person].map(i64::from));
                sums.iter_mut().zip(moments).for_each(|(sum, moment)| *sum += moment);
            }),
        }
        sums
    }

    fn add_personality(&self, sums: &mut [i64], ranges: &PersonalityRanges, person: usize) {
        let mean = &self.mean[person];
        add(&mut sums[ranges.means.clone()], mean);
        for (sum, u) in sums[ranges.squares.clone()].iter_mut().zip(mean) {
            *sum += i64::from(*u) * i64::from(*u) - CENTER_OF_SQUARES;
        }
        for (dimension, bin) in self.bins[person].iter().enumerate() {
            sums[ranges.histograms.start + dimension * ranges.bins + usize::from(*bin)] += 1;
        }
        sums[ranges.archetypes.start + usize::from(self.archetype[person])] += 1;
    }

    /// The indexes of the rows of a cohort's people.
    fn rows_of<'a>(&'a self, cohort: &'a Cohort, rows: &'a Rows) -> impl Iterator<Item = usize> + Clone + 'a {
        let bits_of = |values: &'a [String], table: &'a HashMap<String, Bits>| -> Vec<&'a Bits> {
            values.iter().filter_map(|value| table.get(value)).collect()
        };
        let filters = [bits_of(&cohort.interests, &self.interests), bits_of(&cohort.categories, &self.categories)];
        self.runs
            .iter()
            .filter(|run| cohort.regions.is_empty() || cohort.regions.contains(&run.region))
            .filter(|run| cohort.bands.is_empty() || cohort.bands.contains(&run.band))
            .flat_map(|run| rows.between(&run.people))
            .filter(move |row| {
                let person = rows.person[*row] as usize;
                filters.iter().all(|values| values.is_empty() || values.iter().any(|bits| bits.has(person)))
            })
    }
}

/// Where the numbers of the groups of the bundle PERSONALITY are; computed once per sum, not once per person.
struct PersonalityRanges {
    means: Range<usize>,
    squares: Range<usize>,
    histograms: Range<usize>,
    archetypes: Range<usize>,
    /// Bins per dimension.
    bins: usize,
}

impl Default for PersonalityRanges {
    fn default() -> Self {
        let [means, squares, histograms, archetypes] =
            [Group::Means, Group::Squares, Group::Histograms, Group::Archetypes].map(Group::range);
        Self { bins: histograms.len() / Dimension::COUNT, means, squares, histograms, archetypes }
    }
}

impl Rows {
    /// Loads the rows of a window; `ids` are the ids of all people, in their order.
    async fn load(
        &mut self,
        db: &DatabaseConnection,
        epoch_id: i32,
        length: WindowLength,
        ids: &[String],
    ) -> anyhow::Result<()> {
        let mut rows = db.stream(&select(epoch_id, length, of_window())).await?;
        let mut person = 0;
        while let Some(row) = rows.try_next().await? {
            let mut row = RowReader::new(&row);
            let id: String = row.value()?;
            // Both lists have the same order, so the search continues from the previous person.
            while ids.get(person).is_some_and(|other| *other != id) {
                person += 1;
            }
            if person == ids.len() {
                let (own, all) = (length.days(), ALL.days());
                bail!("epoch {epoch_id} has a person with a row for {own} days but none for {all} days");
            }
            self.person.push(u32::try_from(person)?);
            self.behavior.push(row.numbers()?);
            self.network.push(row.numbers()?);
        }
        self.shrink();
        Ok(())
    }

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
    let groups = [Group::Means, Group::Histograms, Group::Archetypes].into_iter().flat_map(columns::of_group);
    [Column::Region, Column::AgeBand, Column::Interests, Column::Categories].into_iter().chain(groups)
}

/// The columns that describe a person's window, in the order in which they follow the id: BEHAVIOR, NETWORK.
fn of_window() -> impl Iterator<Item = Column> {
    let specs = [Bundle::Behavior, Bundle::Network].into_iter().flat_map(Bundle::groups);
    specs.flat_map(|spec| columns::of_group(spec.group))
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

/// Reads the columns of a row one after the other.
struct RowReader<'a> {
    row: &'a QueryResult,
    next: usize,
}

impl<'a> RowReader<'a> {
    fn new(row: &'a QueryResult) -> Self {
        Self { row, next: 0 }
    }

    fn value<T: TryGetable>(&mut self) -> anyhow::Result<T> {
        let value = self.row.try_get_by_index(self.next)?;
        self.next += 1;
        Ok(value)
    }

    /// Reads `N` integers.
    ///
    /// # Errors
    /// If a value is not an integer or outside the range of `T`.
    fn numbers<const N: usize, T: TryFrom<i32> + Default + Copy>(&mut self) -> anyhow::Result<[T; N]> {
        let mut numbers = [T::default(); N];
        for number in &mut numbers {
            let value = self.value()?;
            let converted = T::try_from(value);
            *number = converted.map_err(|_| anyhow!("a value is outside the range that `epoch build` writes"))?;
        }
        Ok(numbers)
    }
}
