//! Laurent polynomials in t with exact integer coefficients.

use std::fmt::Write as _;

/// A Laurent polynomial. Its exponents increase by 1 from the lowest, which may be half an odd number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Laurent {
    /// Twice the exponent of the first coefficient.
    halves: i64,
    /// Empty for the zero polynomial; otherwise the first and the last coefficient are not 0.
    coefficients: Vec<i64>,
}

impl Laurent {
    /// Creates a polynomial from twice the lowest exponent and the coefficients; zeros at both ends are removed.
    #[must_use]
    pub fn new(halves: i64, mut coefficients: Vec<i64>) -> Self {
        let Some(first) = coefficients.iter().position(|coefficient| *coefficient != 0) else {
            return Self { halves: 0, coefficients: Vec::new() };
        };
        let last = coefficients.iter().rposition(|coefficient| *coefficient != 0).unwrap_or(first);
        coefficients.truncate(last + 1);
        coefficients.drain(..first);
        let skipped = i64::try_from(first).unwrap_or(i64::MAX);
        Self { halves: halves + 2 * skipped, coefficients }
    }

    /// The lowest exponent: an integer or half an odd number; 0 for the zero polynomial.
    #[must_use]
    pub fn lowest_exponent(&self) -> f64 {
        self.halves as f64 / 2.0
    }

    /// The coefficients from the lowest exponent on; empty for the zero polynomial.
    #[must_use]
    pub fn coefficients(&self) -> &[i64] {
        &self.coefficients
    }

    /// |p(-1)|; `None` if it does not fit into 64 bits.
    #[must_use]
    pub fn at_minus_one(&self) -> Option<i64> {
        let terms = self.coefficients.iter().enumerate();
        let sum: i128 = terms.map(|(k, c)| if k % 2 == 0 { i128::from(*c) } else { -i128::from(*c) }).sum();
        i64::try_from(sum.abs()).ok()
    }

    /// The similarity 1 - d/(1+d), with d the L1 distance of the coefficients divided by the larger L1 norm: 1 for
    /// equal polynomials, at least 1/3 for any two.
    #[must_use]
    pub fn likeness(&self, other: &Self) -> f64 {
        let term = |of: &Self, halves: i64| -> f64 {
            let steps = halves - of.halves;
            let index = usize::try_from(steps / 2).ok().filter(|_| steps >= 0 && steps % 2 == 0);
            index.and_then(|index| of.coefficients.get(index)).map_or(0.0, |coefficient| *coefficient as f64)
        };
        let exponents = |of: &Self| {
            let last = of.halves + 2 * i64::try_from(of.coefficients.len()).unwrap_or(0);
            of.halves..last
        };
        let (a, b) = (exponents(self), exponents(other));
        let distance: f64 =
            (a.start.min(b.start)..a.end.max(b.end)).map(|at| (term(self, at) - term(other, at)).abs()).sum();
        let norm = |of: &Self| of.coefficients.iter().map(|coefficient| coefficient.unsigned_abs() as f64).sum::<f64>();
        likeness(distance, norm(self).max(norm(other)))
    }

    /// The polynomial in mathematical notation: `t + t^3 - t^4`, `-t^(1/2) - t^(5/2)`, `0`.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        let mut halves = self.halves;
        for coefficient in &self.coefficients {
            if *coefficient != 0 {
                let sign = match (text.is_empty(), *coefficient < 0) {
                    (true, true) => "-",
                    (true, false) => "",
                    (false, true) => " - ",
                    (false, false) => " + ",
                };
                let size = coefficient.unsigned_abs();
                let number = if size == 1 && halves != 0 { String::new() } else { size.to_string() };
                let power = match halves {
                    0 => String::new(),
                    2 => "t".to_owned(),
                    whole if whole % 2 == 0 => format!("t^{}", whole / 2),
                    half => format!("t^({half}/2)"),
                };
                let _ = write!(text, "{sign}{number}{power}");
            }
            halves += 2;
        }
        if text.is_empty() { "0".to_owned() } else { text }
    }
}

/// The similarity 1 - d/(1+d) with d = distance / norm; 1 if the norm is 0, because then both values are zero.
pub(super) fn likeness(distance: f64, norm: f64) -> f64 {
    if norm == 0.0 { 1.0 } else { 1.0 / (1.0 + distance / norm) }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the same operations give the same bits")]
mod tests {
    use super::*;

    #[test]
    fn polynomials_are_written_as_mathematicians_do() {
        let text = |halves, coefficients: &[i64]| Laurent::new(halves, coefficients.to_vec()).text();
        assert_eq!(text(2, &[1, 0, 1, -1]), "t + t^3 - t^4");
        assert_eq!(text(-4, &[1, -1, 1, -1, 1]), "t^-2 - t^-1 + 1 - t + t^2");
        assert_eq!(text(1, &[-1, 0, -1]), "-t^(1/2) - t^(5/2)");
        assert_eq!(text(-3, &[2, -1]), "2t^(-3/2) - t^(-1/2)");
        assert_eq!(text(7, &[0, 0]), "0");
        assert_eq!(Laurent::new(0, vec![0, 0, 3, 0]), Laurent::new(4, vec![3]));
    }

    #[test]
    fn likeness_is_one_of_equals_and_falls_with_the_distance() {
        let of = |halves, coefficients: &[i64]| Laurent::new(halves, coefficients.to_vec());
        let (trefoil, zero) = (of(2, &[1, 0, 1, -1]), of(0, &[]));
        assert_eq!(trefoil.likeness(&trefoil), 1.0);
        assert_eq!(zero.likeness(&zero), 1.0);
        // The distance is the whole norm of one: d = 1.
        assert_eq!(trefoil.likeness(&zero), 0.5);
        // No term in common, one with half exponents: d = (3 + 2) / 3.
        assert_eq!(trefoil.likeness(&of(3, &[1, 1])), 1.0 / (1.0 + 5.0 / 3.0));
        assert_eq!(of(0, &[1, -1, 1]).likeness(&of(0, &[1, -3, 1])), 1.0 / (1.0 + 2.0 / 5.0));
    }

    #[test]
    fn at_minus_one_signs_alternate() {
        assert_eq!(Laurent::new(2, vec![1, 0, 1, -1]).at_minus_one(), Some(3));
        assert_eq!(Laurent::new(0, vec![i64::MAX, -1]).at_minus_one(), None);
    }
}
