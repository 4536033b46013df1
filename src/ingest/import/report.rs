//! The result of loading a file, and the number of rejects that an import tolerates.

use std::{collections::BTreeMap, path::PathBuf, str::FromStr, time::Duration};

use super::{
    Kind,
    batches::{Batch, Reject, add_warning},
};

/// The maximum number of rejects that are kept with their rows; further ones are only counted.
const MAX_KEPT_REJECTS: usize = 100_000;

/// The number of rejects from which on an import fails.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum MaxRejects {
    /// More than 5 % of the rows of a file, and more than ten.
    #[default]
    Default,
    /// More than this number in a file.
    Rows(u64),
    /// More than this percentage of the rows of a file.
    Percent(f64),
}

impl MaxRejects {
    /// The percentage of [`MaxRejects::Default`], and the number that is always tolerated.
    const DEFAULT: (f64, u64) = (5.0, 10);

    /// The number of rejects that are tolerated in a file of `rows` rows.
    #[must_use]
    pub fn tolerated(self, rows: u64) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of `rows`")]
        let share = |percent: f64| (rows as f64 * percent / 100.0).floor() as u64;
        match self {
            Self::Default => share(Self::DEFAULT.0).max(Self::DEFAULT.1),
            Self::Rows(rows) => rows,
            Self::Percent(percent) => share(percent),
        }
    }
}

impl FromStr for MaxRejects {
    type Err = String;

    /// Parses a number of rows such as `20`, or a percentage such as `2.5%`.
    fn from_str(text: &str) -> Result<Self, String> {
        let invalid = || format!("{text:?} is neither a number of rows like 20 nor a percentage like 2.5%");
        match text.strip_suffix('%') {
            Some(percent) => {
                let percent = percent.trim().parse().ok().filter(|percent| (0.0..=100.0).contains(percent));
                percent.map(Self::Percent).ok_or_else(invalid)
            }
            None => text.parse().map(Self::Rows).map_err(|_| invalid()),
        }
    }
}

/// The result of loading a file.
#[derive(Debug)]
pub struct Report {
    pub kind: Kind,
    /// The file, or the folder of its parts.
    pub path: PathBuf,
    /// Rows that were read, including rejected and erased ones.
    pub read: u64,
    /// Rows that were inserted.
    pub new: u64,
    /// Rows that existed before, from an earlier import or an earlier line: their values are now those of the last
    /// line.
    pub updated: u64,
    /// Rows of erased people, which were skipped.
    pub erased: u64,
    /// Rows that were not stored.
    pub rejected: u64,
    /// The rejected rows; the first 100,000 of them.
    pub rejects: Vec<Reject>,
    /// Rejected rows with a dimension above 1.
    pub above_one: u64,
    /// What was changed or left out in stored rows, and in how many of them.
    pub warnings: BTreeMap<String, u64>,
    /// Whether rows of the file are stored: false for a dry run and for a file that was refused.
    pub is_stored: bool,
    pub elapsed: Duration,
}

impl Report {
    #[must_use]
    pub fn new(kind: Kind, path: PathBuf) -> Self {
        Self {
            kind,
            path,
            read: 0,
            new: 0,
            updated: 0,
            erased: 0,
            rejected: 0,
            rejects: Vec::new(),
            above_one: 0,
            warnings: BTreeMap::new(),
            is_stored: false,
            elapsed: Duration::ZERO,
        }
    }

    /// Adds what a batch says besides its rows.
    pub(super) fn add<R>(&mut self, batch: &mut Batch<R>) {
        self.read += batch.len();
        self.erased += batch.erased;
        self.above_one += batch.above_one;
        self.reject(std::mem::take(&mut batch.rejects));
        for (warning, count) in std::mem::take(&mut batch.warnings) {
            add_warning(&mut self.warnings, warning, count);
        }
    }

    /// Adds rejected rows.
    pub(super) fn reject(&mut self, rejects: Vec<Reject>) {
        self.rejected += rejects.len() as u64;
        let free = MAX_KEPT_REJECTS.saturating_sub(self.rejects.len());
        self.rejects.extend(rejects.into_iter().take(free));
    }

    /// Checks whether the file may be stored.
    ///
    /// # Errors
    /// More rows are rejected than `max` tolerates, or all of them; or one row in ten has a dimension above 1, so that
    /// the others are probably not on a scale of 0 to 1 either.
    pub(super) fn check(&self, max: MaxRejects) -> anyhow::Result<()> {
        if self.above_one * 10 > self.read {
            anyhow::bail!(
                "{} of {} rows have a dimension above 1: the file seems to have another scale than 0 to 1; pass it \
                 with --scale, such as --scale 1-5",
                self.above_one,
                self.read
            );
        }
        if self.read > 0 && self.rejected == self.read {
            anyhow::bail!("every row of {} was rejected", self.kind.name());
        }
        let tolerated = max.tolerated(self.read);
        if self.rejected > tolerated {
            anyhow::bail!(
                "{} of {} rows were rejected, and at most {tolerated} are tolerated; change it with --max-rejects",
                self.rejected,
                self.read
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::MaxRejects;

    #[test]
    fn a_limit_is_a_number_or_a_percentage() {
        assert_eq!("20".parse(), Ok(MaxRejects::Rows(20)));
        assert_eq!("2.5%".parse(), Ok(MaxRejects::Percent(2.5)));
        for text in ["", "%", "-1", "101%", "NaN%", "five", "1.5"] {
            assert!(text.parse::<MaxRejects>().is_err(), "{text}");
        }
        assert_eq!([0, 100, 1_000].map(|rows| MaxRejects::Default.tolerated(rows)), [10, 10, 50]);
        assert_eq!([0, 1, 39, 40].map(|rows| MaxRejects::Percent(2.5).tolerated(rows)), [0, 0, 0, 1]);
    }
}
