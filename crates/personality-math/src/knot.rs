//! The knot or link that a braid closes to, by its invariants.

use super::{Braid, Laurent, Overflow, alexander, jones, polynomial::likeness};

/// The invariants of a closed braid.
#[derive(Clone, Debug, PartialEq)]
pub struct Knot {
    pub braid: Braid,
    /// The number of closed curves.
    pub components: usize,
    /// Positive letters minus negative letters; a number of the word, not of the link.
    pub writhe: i64,
    pub jones: Laurent,
    pub alexander: Laurent,
    /// |V(-1)|.
    pub determinant: i64,
    /// 0 or 1 for a knot (one component), `None` for a link of several curves.
    pub arf: Option<i32>,
}

/// The similarity of two knots as fingerprints; each number is 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Likeness {
    /// 0.4 Jones + 0.3 Alexander + 0.3 structure.
    pub score: f64,
    pub jones: f64,
    pub alexander: f64,
    /// The similarity of components, writhe and determinant.
    pub structure: f64,
}

impl Likeness {
    /// The numbers, rounded to four decimals.
    #[must_use]
    pub fn rounded(self) -> Self {
        let rounded = |number: f64| (number * 1e4).round() / 1e4;
        Self {
            score: rounded(self.score),
            jones: rounded(self.jones),
            alexander: rounded(self.alexander),
            structure: rounded(self.structure),
        }
    }
}

impl Knot {
    /// Computes the invariants of the closure of `braid`.
    ///
    /// # Errors
    /// [`Overflow`] if a coefficient or the determinant does not fit into 64 bits.
    pub fn of(braid: Braid) -> Result<Self, Overflow> {
        let (jones, alexander) = (jones(&braid)?, alexander(&braid)?);
        let determinant = jones.at_minus_one().ok_or(Overflow)?;
        let components = braid.components();
        // For a knot, det = |Delta(-1)| is odd; it is 1 or 7 mod 8 if and only if Arf is 0 (Murasugi 1969).
        let arf = (components == 1).then_some(i32::from(!matches!(determinant % 8, 1 | 7)));
        Ok(Self { components, writhe: braid.writhe(), jones, alexander, determinant, arf, braid })
    }

    /// The similarity of two knots.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> Likeness {
        let jones = self.jones.likeness(&other.jones);
        let alexander = self.alexander.likeness(&other.alexander);
        let numbers = |knot: &Self| [knot.components as f64, knot.writhe as f64, knot.determinant as f64];
        let (a, b) = (numbers(self), numbers(other));
        let distance: f64 = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).sum();
        let norm = |numbers: &[f64; 3]| numbers.iter().map(|number| number.abs()).sum::<f64>();
        let structure = likeness(distance, norm(&a).max(norm(&b)));
        Likeness { score: 0.4 * jones + 0.3 * alexander + 0.3 * structure, jones, alexander, structure }
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same operations give the same bits")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn knot(letters: &[i32]) -> Knot {
        Knot::of(Braid::parse(letters).unwrap()).unwrap()
    }

    /// The numbers that do not depend on the diagram of a link.
    fn invariants(letters: &[i32]) -> (usize, Laurent, Laurent, i64, Option<i32>) {
        let knot = knot(letters);
        (knot.components, knot.jones, knot.alexander, knot.determinant, knot.arf)
    }

    /// A word on at most five strands.
    fn word(longest: usize) -> impl Strategy<Value = Vec<i32>> {
        prop::collection::vec((1..5_i32, any::<bool>()).prop_map(|(i, up)| if up { i } else { -i }), 0..longest)
    }

    fn with_strands(mut letters: Vec<i32>) -> Vec<i32> {
        // The two letters cancel each other, and fix the number of strands at five.
        letters.extend([4, -4]);
        letters
    }

    /// The coefficients after t is replaced by 1/t, normalized.
    fn mirrored(polynomial: &Laurent) -> Vec<i64> {
        let mut coefficients = polynomial.coefficients().to_vec();
        coefficients.reverse();
        if coefficients.first().is_some_and(|first| *first < 0) {
            for coefficient in &mut coefficients {
                *coefficient = -*coefficient;
            }
        }
        coefficients
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) })]

        #[test]
        fn braid_relations_change_nothing(
            before in word(8), after in word(8), i in 1..4_i32, far in prop::bool::ANY, sign in prop::bool::ANY,
        ) {
            let around = |middle: &[i32]| -> Vec<i32> { with_strands([&before[..], middle, &after[..]].concat()) };
            let sign = if sign { 1 } else { -1 };
            let plain = invariants(&around(&[]));
            prop_assert_eq!(&plain, &invariants(&around(&[i, -i])));
            prop_assert_eq!(&plain, &invariants(&around(&[-i, i])));
            let (j, k) = (i + 1, if far { 1 } else { 2 });
            prop_assert_eq!(
                invariants(&around(&[sign * i, sign * j, sign * i])),
                invariants(&around(&[sign * j, sign * i, sign * j]))
            );
            // Mixed signs: s_i s_j s_i^-1 = s_j^-1 s_i s_j.
            prop_assert_eq!(invariants(&around(&[i, j, -i])), invariants(&around(&[-j, i, j])));
            prop_assert_eq!(invariants(&around(&[k, sign * 4])), invariants(&around(&[sign * 4, k])));
        }

        #[test]
        fn conjugation_changes_nothing(letters in word(12), by in word(4)) {
            let inverse = by.iter().rev().map(|letter| -letter);
            let conjugated: Vec<i32> = by.iter().copied().chain(letters.iter().copied()).chain(inverse).collect();
            prop_assert_eq!(invariants(&with_strands(letters.clone())), invariants(&with_strands(conjugated)));
            let mut turned = letters.clone();
            turned.rotate_left(letters.len().min(3) % letters.len().max(1));
            prop_assert_eq!(invariants(&with_strands(letters)), invariants(&with_strands(turned)));
        }

        #[test]
        fn stabilisation_changes_nothing(letters in word(12), sign in prop::bool::ANY) {
            let letters = with_strands(letters);
            let stabilised = [&letters[..], &[if sign { 5 } else { -5 }]].concat();
            prop_assert_eq!(invariants(&letters), invariants(&stabilised));
        }

        #[test]
        fn a_mirror_image_has_mirrored_polynomials(letters in word(14)) {
            let letters = with_strands(letters);
            let mirror: Vec<i32> = letters.iter().map(|letter| -letter).collect();
            let (one, two) = (knot(&letters), knot(&mirror));
            let mut reversed = one.jones.coefficients().to_vec();
            reversed.reverse();
            prop_assert_eq!(two.jones.coefficients(), &reversed[..]);
            let highest = one.jones.lowest_exponent() + reversed.len().saturating_sub(1) as f64;
            prop_assert!(reversed.is_empty() || two.jones.lowest_exponent() == -highest);
            prop_assert_eq!(two.alexander.coefficients(), &mirrored(&one.alexander)[..]);
            prop_assert_eq!((two.determinant, two.writhe), (one.determinant, -one.writhe));
        }

        #[test]
        fn both_polynomials_agree_on_the_determinant(letters in word(24)) {
            let knot = knot(&letters);
            prop_assert_eq!(knot.alexander.at_minus_one(), Some(knot.determinant));
            // V(1) = (-2)^(components - 1), and |Delta(1)| is 1 for a knot and 0 for a link.
            let at_one: i64 = knot.jones.coefficients().iter().sum();
            prop_assert_eq!(at_one, (-2_i64).pow(u32::try_from(knot.components - 1).unwrap()));
            let at_one: i64 = knot.alexander.coefficients().iter().sum();
            prop_assert_eq!(at_one.abs(), i64::from(knot.components == 1));
        }
    }

    #[test]
    fn a_knot_is_like_itself_and_less_like_others() {
        let (trefoil, eight) = (knot(&[1, 1, 1]), knot(&[1, -2, 1, -2]));
        assert_eq!(trefoil.likeness(&trefoil).score, 1.0);
        let likeness = trefoil.likeness(&eight);
        // Alexander: d = 2/5. Structure: (1, 3, 3) and (1, 0, 5): d = 5/7. Jones: t + t^3 - t^4 and
        // t^-2 - t^-1 + 1 - t + t^2: |2| + |1| + the seven others, d = (1 + 1 + 1 + 2 + 1 + 1 + 1) / 5.
        assert_eq!(likeness.alexander, 1.0 / (1.0 + 2.0 / 5.0));
        assert_eq!(likeness.structure, 1.0 / (1.0 + 5.0 / 7.0));
        assert_eq!(likeness.jones, 1.0 / (1.0 + 8.0 / 5.0));
        let score = 0.4 * likeness.jones + 0.3 * likeness.alexander + 0.3 * likeness.structure;
        assert_eq!(likeness.score, score);
    }

    #[test]
    fn the_longest_words_are_no_trouble() {
        let weaving: Vec<i32> = (0..60).map(|k| if k % 9 % 2 == 0 { k % 9 + 1 } else { -(k % 9 + 1) }).collect();
        let knot = knot(&weaving);
        assert_eq!(knot.braid.strands(), 10);
        assert_eq!(knot.alexander.at_minus_one(), Some(knot.determinant));
        assert!(knot.determinant > 1_000_000, "{}", knot.determinant);
    }
}
