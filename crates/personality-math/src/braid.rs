//! Braids: words in the generators `s_1 .. s_(n-1)`, and the braid that is constructed from a matrix of correlations.

/// Maximum number of strands of a braid in a request.
pub const MAX_STRANDS: usize = 10;
/// Maximum number of letters (generators) of a braid in a request.
pub const MAX_LETTERS: usize = 60;
/// Maximum number of strands of a constructed braid.
const MAX_WOVEN_STRANDS: usize = 8;
/// Maximum number of pairs of a constructed braid.
const MAX_WOVEN_PAIRS: usize = 12;
/// Minimum absolute correlation of a pair in a constructed braid.
const MIN_WOVEN_CORRELATION: f64 = 0.3;

/// A braid that is closed to a link. A letter i is the generator `s_i` (strand i crosses over strand i + 1), -i its
/// inverse. The letters are applied in order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Braid {
    letters: Vec<i32>,
    strands: usize,
}

/// A pair of dimensions whose strands cross in a constructed braid, and their correlation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Crossing {
    /// Numbers of the two dimensions, the smaller first.
    pub pair: (usize, usize),
    /// Their correlation, -1 to 1.
    pub correlation: f64,
}

/// A braid and the strands and correlations from which it was constructed.
#[derive(Clone, Debug, PartialEq)]
pub struct Weave {
    /// The dimension of each strand.
    pub strands: Vec<usize>,
    /// The pairs, strongest first.
    pub crossings: Vec<Crossing>,
    pub braid: Braid,
}

impl Braid {
    /// Parses a braid word. The braid has as many strands as its largest letter needs; the empty word has one.
    ///
    /// # Errors
    /// A message for the caller if there are more than [`MAX_LETTERS`] letters, or a letter is 0 or needs more than
    /// [`MAX_STRANDS`] strands.
    pub fn parse(letters: &[i32]) -> Result<Self, String> {
        if letters.len() > MAX_LETTERS {
            return Err(format!("a braid word has at most {MAX_LETTERS} letters."));
        }
        let max_generator = MAX_STRANDS - 1;
        let index = |letter: &i32| usize::try_from(letter.unsigned_abs()).unwrap_or(usize::MAX);
        if letters.iter().any(|letter| *letter == 0 || index(letter) > max_generator) {
            return Err(format!("each letter must be 1 to {max_generator} or -1 to -{max_generator}."));
        }
        let strands = letters.iter().map(index).max().unwrap_or(0) + 1;
        Ok(Self { letters: letters.to_vec(), strands })
    }

    /// The same word on more strands: each additional strand is a separate circle of the closure.
    ///
    /// # Errors
    /// A message for the caller if the word needs more strands, or if there are more than [`MAX_STRANDS`].
    pub fn on(self, strands: i32) -> Result<Self, String> {
        let min_strands = self.strands;
        let strands = usize::try_from(strands).ok().filter(|strands| (min_strands..=MAX_STRANDS).contains(strands));
        let strands = strands.ok_or_else(|| format!("must be {min_strands} (needed by the word) to {MAX_STRANDS}."))?;
        Ok(Self { strands, ..self })
    }

    /// The letters.
    #[must_use]
    pub fn letters(&self) -> &[i32] {
        &self.letters
    }

    /// The number of strands.
    #[must_use]
    pub fn strands(&self) -> usize {
        self.strands
    }

    /// For each letter, the position of its left strand, from 0, and whether it is the generator (not its inverse).
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, bool)> + '_ {
        self.letters.iter().map(|letter| (letter.unsigned_abs() as usize - 1, *letter > 0))
    }

    /// The number of positive letters minus the number of negative letters.
    #[must_use]
    pub fn writhe(&self) -> i64 {
        self.letters.iter().map(|letter| i64::from(letter.signum())).sum()
    }

    /// The number of closed curves of the closure: the cycles of the braid's permutation.
    #[must_use]
    pub fn components(&self) -> usize {
        let mut ends: Vec<usize> = (0..self.strands).collect();
        for (place, _) in self.places() {
            ends.swap(place, place + 1);
        }
        let (mut seen, mut cycles) = (vec![false; self.strands], 0);
        for start in 0..self.strands {
            cycles += usize::from(!seen[start]);
            let mut at = start;
            while !seen[at] {
                seen[at] = true;
                at = ends[at];
            }
        }
        cycles
    }
}

impl Weave {
    /// Constructs a braid from the correlations of the dimensions `things`, given by their numbers in ascending order.
    ///
    /// The strands are the eight dimensions with the largest sum of |C|, in the order of their numbers. For each pair
    /// with |C| >= 0.3, strongest first, at most twelve, the band generator
    /// `a_ij = (s_(j-1) .. s_(i+1)) s_i (s_(i+1)^-1 .. s_(j-1)^-1)` is appended, or its inverse if C is negative.
    #[must_use]
    pub fn new(things: &[usize], correlation: impl Fn(usize, usize) -> f64) -> Self {
        let weight = |thing: usize| -> f64 {
            things.iter().filter(|other| **other != thing).map(|other| correlation(thing, *other).abs()).sum()
        };
        let mut weights: Vec<(usize, f64)> = things.iter().map(|thing| (*thing, weight(*thing))).collect();
        // The sort is stable, so equal weights keep the order of the numbers.
        weights.sort_by(|a, b| b.1.total_cmp(&a.1));
        let mut strands: Vec<usize> = weights.into_iter().take(MAX_WOVEN_STRANDS).map(|(thing, _)| thing).collect();
        strands.sort_unstable();

        let mut pairs = Vec::new();
        for i in 0..strands.len() {
            for j in i + 1..strands.len() {
                let c = correlation(strands[i], strands[j]);
                if c.abs() >= MIN_WOVEN_CORRELATION {
                    pairs.push((i, j, c));
                }
            }
        }
        pairs.sort_by(|a, b| b.2.abs().total_cmp(&a.2.abs()));
        pairs.truncate(MAX_WOVEN_PAIRS);

        let mut letters = Vec::new();
        for (i, j, c) in &pairs {
            // Strand i is generator i + 1.
            let letter = |place: usize| i32::try_from(place + 1).unwrap_or(i32::MAX);
            letters.extend((i + 1..*j).rev().map(letter));
            letters.push(if *c < 0.0 { -letter(*i) } else { letter(*i) });
            letters.extend((i + 1..*j).map(|place| -letter(place)));
        }
        let braid = Braid { letters, strands: strands.len().max(1) };
        let crossings = pairs
            .into_iter()
            .map(|(i, j, correlation)| Crossing { pair: (strands[i], strands[j]), correlation })
            .collect();
        Self { strands, crossings, braid }
    }

    /// Constructs a product's braid from the dimensions that it states: `C_ij = sign(v_i v_j) min(1, 4 |v_i v_j|)`
    /// with `v = y - 1/2`.
    #[must_use]
    pub fn of_product(product: &super::ProductVector) -> Self {
        let mut values = [0.0; 12];
        product.stated().for_each(|(k, y)| values[k] = y - 0.5);
        let stated: Vec<usize> = product.stated().map(|(k, _)| k).collect();
        Self::new(&stated, |i, j| (4.0 * values[i] * values[j]).clamp(-1.0, 1.0))
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same operations give the same bits")]
mod tests {
    use super::*;

    #[test]
    fn words_that_are_none_are_refused_and_the_empty_one_is_the_unknot() {
        for wrong in [vec![0], vec![10], vec![-10], vec![i32::MIN], vec![1; 61]] {
            assert!(Braid::parse(&wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(Braid::parse(&[]).unwrap().strands(), 1);
        assert_eq!(Braid::parse(&[-9]).unwrap().strands(), 10);
        assert!(Braid::parse(&[1; 60]).is_ok());
        let one = Braid::parse(&[1, 1, 1]).unwrap();
        assert_eq!((one.clone().on(4).unwrap().strands(), one.clone().on(4).unwrap().components()), (4, 3));
        assert!([1, 11, -1].into_iter().all(|strands| one.clone().on(strands).is_err()));
    }

    #[test]
    fn components_are_the_cycles_of_the_permutation() {
        let components = |letters: &[i32]| Braid::parse(letters).unwrap().components();
        assert_eq!(components(&[]), 1);
        assert_eq!(components(&[1, 1, 1]), 1);
        assert_eq!(components(&[1, -1]), 2);
        assert_eq!(components(&[1, -2, 1, -2]), 1);
        assert_eq!(components(&[1, -2, 1, -2, 1, -2]), 3);
        assert_eq!(components(&[3]), 3);
    }

    #[test]
    fn a_weave_takes_the_strongest_pairs_as_band_generators() {
        let table = |i: usize, j: usize| match (i.min(j), i.max(j)) {
            (0, 3) => -0.9,
            (1, 2) => 0.5,
            (0, 1) => 0.299,
            _ => 0.0,
        };
        let weave = Weave::new(&[0, 1, 2, 3], table);
        assert_eq!(weave.strands, [0, 1, 2, 3]);
        assert_eq!(weave.braid.letters(), [3, 2, -1, -2, -3, 2]);
        assert_eq!(weave.crossings[0], Crossing { pair: (0, 3), correlation: -0.9 });
        assert_eq!(weave.crossings.len(), 2);
    }

    #[test]
    fn a_weave_has_eight_strands_at_most_and_twelve_pairs() {
        let all: Vec<usize> = (0..12).collect();
        let weave = Weave::new(&all, |i, j| if i.min(j) < 4 { 0.2 } else { 0.9 });
        assert_eq!(weave.strands, (4..12).collect::<Vec<_>>());
        assert_eq!(weave.crossings.len(), 12);
        assert_eq!(weave.crossings[0].pair, (4, 5));
        let product = crate::ProductVector::new([Some(0.9); 12]).unwrap();
        assert_eq!(Weave::of_product(&product).crossings[0].correlation, 4.0 * 0.4 * 0.4);
        let one = product.only(|k| k == 3).unwrap();
        assert_eq!((Weave::of_product(&one).braid.strands(), Weave::of_product(&one).braid.letters().len()), (1, 0));
    }
}
