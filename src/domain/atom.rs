//! Atoms: the smallest sets of people whose privacy loss is counted separately. Every counted person is in exactly one
//! atom of an epoch: an age band of a region (`docs/privacy.md`, "What is charged").

use super::age::AGE_BANDS;

/// The number of age bands, with the band of unknown age.
pub const BAND_COUNT: usize = AGE_BANDS.len() + 1;

/// A number for each age band; index 0 is the unknown age.
pub type ByBand = [i64; BAND_COUNT];

/// Adds the numbers of each age band.
pub fn add(sums: &mut ByBand, more: &ByBand) {
    sums.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
}

/// A set of age bands, by their numbers; 0 is the unknown age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BandSet(i32);

impl BandSet {
    /// All bands, with the unknown age.
    pub const ALL: Self = Self((1 << BAND_COUNT) - 1);

    /// The bands that a segment can contain: the given ones; all, with the unknown age, if none is given.
    #[must_use]
    pub fn of_segment(bands: &[i32]) -> Self {
        if bands.is_empty() { Self::ALL } else { Self(bands.iter().fold(0, |bits, band| bits | 1 << band)) }
    }

    /// The set as bits: bit b for band b.
    #[must_use]
    pub fn bits(self) -> i32 {
        self.0
    }

    /// The set of these bits; other bits are ignored.
    #[must_use]
    pub fn from_bits(bits: i32) -> Self {
        Self(bits & Self::ALL.0)
    }

    /// The other bands.
    #[must_use]
    pub fn complement(self) -> Self {
        Self(Self::ALL.0 & !self.0)
    }

    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub fn contains(self, band: usize) -> bool {
        self.0 >> band & 1 == 1
    }

    /// The bands of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..BAND_COUNT).filter(move |band| self.contains(*band))
    }
}

/// An age band of a region.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Atom {
    pub region: String,
    /// The number of the age band; 0 is the unknown age.
    pub band: usize,
}

impl Atom {
    /// The name of the age band, such as `25-34`, or `unknown`.
    #[must_use]
    pub fn band_name(&self) -> &'static str {
        band_name(self.band)
    }
}

/// The name of an age band, such as `25-34`, or `unknown` for band 0.
#[must_use]
pub fn band_name(band: usize) -> &'static str {
    band.checked_sub(1).and_then(|index| AGE_BANDS.get(index)).map_or("unknown", |band| band.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_without_bands_contains_every_band_and_unknown_ages() {
        assert_eq!(BandSet::of_segment(&[]).iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5, 6]);
        let some = BandSet::of_segment(&[2, 3]);
        assert_eq!((some.bits(), some.complement().iter().collect::<Vec<_>>()), (12, vec![0, 1, 4, 5, 6]));
        assert_eq!(BandSet::from_bits(-1), BandSet::ALL);
        assert_eq!([0, 2, 6].map(band_name), ["unknown", "25-34", "65+"]);
    }
}
