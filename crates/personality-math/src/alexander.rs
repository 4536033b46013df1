//! The Alexander polynomial of a closed braid, exactly, by the reduced Burau representation (Burau 1935).
//!
//! det(I - B(t)) (1 - t)/(1 - t^n) is computed at many values of t modulo several primes, interpolated, and combined
//! by the Chinese remainder theorem. The number of primes follows from a bound of the coefficients, so the result is
//! exact.

use super::{Braid, Laurent, Overflow};

/// Upper limit of the primes, so that products of two residues fit into 64 bits.
const BELOW: u64 = 1 << 31;
/// Bits of each prime, rounded down.
const PRIME_BITS: f64 = 30.9;
/// The number of primes whose product fits into a signed 128-bit integer.
const EXACT_PRIMES: usize = 4;

/// The Alexander polynomial of the closure, normalized to a positive constant term and lowest exponent 0; 0 for a split
/// link.
///
/// # Errors
/// [`Overflow`] if a coefficient does not fit into 64 bits.
pub fn alexander(braid: &Braid) -> Result<Laurent, Overflow> {
    let (letters, strands) = (braid.letters().len(), braid.strands());
    let used: std::collections::HashSet<usize> = braid.places().map(|(place, _)| place).collect();
    if used.len() + 1 < strands {
        return Ok(Laurent::new(0, Vec::new()));
    }
    // The Seifert matrix V of the braid's surface has letters - strands + 1 rows (Collins 2016). Where |t| = 1, a row
    // of V - t V^T has a diagonal entry of at most |1 - t| and six other entries of at most 1, so its length is at most
    // sqrt 10, and no coefficient exceeds the determinant's bound sqrt(10)^rows (Hadamard).
    let rows = (letters + 1).saturating_sub(strands);
    let bits = rows as f64 * 10.0_f64.log2() / 2.0 + 1.0;
    let mut residues: Vec<(u64, Vec<u64>)> = Vec::new();
    for prime in primes() {
        if residues.len() as f64 * PRIME_BITS > bits {
            break;
        }
        if let Some(found) = interpolated(braid, prime) {
            residues.push((prime, found));
        }
    }
    let coefficients = (0..=letters).map(|k| {
        let of_each: Vec<(u64, u64)> = residues.iter().map(|(prime, values)| (*prime, values[k])).collect();
        lift(&of_each)
    });
    let mut coefficients = coefficients.collect::<Result<Vec<i64>, Overflow>>()?;
    if coefficients.iter().find(|coefficient| **coefficient != 0).is_some_and(|first| *first < 0) {
        for coefficient in &mut coefficients {
            *coefficient = -*coefficient;
        }
    }
    let start = coefficients.iter().position(|coefficient| *coefficient != 0).unwrap_or(0);
    Ok(Laurent::new(0, coefficients.split_off(start)))
}

/// The coefficients modulo a prime of the polynomial times t to the number of negative letters, which makes all
/// exponents nonnegative integers; `None` for the rare prime modulo which 1 - t^n is 0 at a point.
fn interpolated(braid: &Braid, prime: u64) -> Option<Vec<u64>> {
    let letters = braid.letters().len() as u64;
    let negative = braid.letters().iter().filter(|letter| **letter < 0).count() as u64;
    let values = (2..letters + 3).map(|t| {
        let below = (1 + prime - power(t, braid.strands() as u64, prime)) % prime;
        let shift = power(t, negative, prime);
        let above = burau(braid, t, prime) * (1 + prime - t) % prime * shift % prime;
        (below != 0).then(|| above * inverse(below, prime) % prime)
    });
    Some(polynomial(values.collect::<Option<_>>()?, 2, prime))
}

/// det(I - B(t)) modulo a prime.
fn burau(braid: &Braid, t: u64, prime: u64) -> u64 {
    let side = braid.strands() - 1;
    let back = inverse(t, prime);
    let minus = |x: u64| (prime - x) % prime;
    let mut product: Vec<Vec<u64>> = (0..side).map(|row| (0..side).map(|k| u64::from(k == row)).collect()).collect();
    for (place, positive) in braid.places() {
        // A generator is the identity except for one row: (t, -t, 1), or (1, -1/t, 1/t) for an inverse.
        let [left, middle, right] = if positive { [t, minus(t), 1] } else { [1, minus(back), back] };
        for row in &mut product {
            let own = row[place];
            if place > 0 {
                row[place - 1] = (row[place - 1] + own * left) % prime;
            }
            if place + 1 < side {
                row[place + 1] = (row[place + 1] + own * right) % prime;
            }
            row[place] = own * middle % prime;
        }
    }
    for (k, row) in product.iter_mut().enumerate() {
        for entry in row.iter_mut() {
            *entry = minus(*entry);
        }
        row[k] = (row[k] + 1) % prime;
    }
    determinant(product, prime)
}

fn determinant(mut matrix: Vec<Vec<u64>>, prime: u64) -> u64 {
    let mut determinant = 1;
    for step in 0..matrix.len() {
        let Some(pivot) = (step..matrix.len()).find(|row| matrix[*row][step] != 0) else { return 0 };
        if pivot != step {
            matrix.swap(pivot, step);
            determinant = prime - determinant;
        }
        let (above, below) = matrix.split_at_mut(step + 1);
        let pivot = &above[step];
        determinant = determinant * pivot[step] % prime;
        let scale = inverse(pivot[step], prime);
        for row in below {
            let factor = row[step] * scale % prime;
            for (entry, over) in row.iter_mut().zip(pivot).skip(step) {
                *entry = (*entry + (prime - factor) * over) % prime;
            }
        }
    }
    determinant
}

/// The coefficients modulo a prime of the polynomial with these values at `start`, `start` + 1, .. (Newton's divided
/// differences).
fn polynomial(mut values: Vec<u64>, start: u64, prime: u64) -> Vec<u64> {
    let count = values.len();
    for order in 1..count {
        let step = inverse(order as u64, prime);
        for k in (order..count).rev() {
            values[k] = (values[k] + prime - values[k - 1]) * step % prime;
        }
    }
    let mut coefficients = vec![0; count];
    for k in (0..count).rev() {
        // Multiply by (t - (start + k)) and add the next difference.
        let root = (prime - (start + k as u64) % prime) % prime;
        for place in (1..count).rev() {
            coefficients[place] = (coefficients[place - 1] + coefficients[place] * root) % prime;
        }
        coefficients[0] = (coefficients[0] * root + values[k]) % prime;
    }
    coefficients
}

/// The only integer within the bound that has these residues (Garner's algorithm). Four primes determine the candidate;
/// further primes, if the bound requires them, confirm it.
///
/// # Errors
/// [`Overflow`] if the integer does not fit into 64 bits.
fn lift(residues: &[(u64, u64)]) -> Result<i64, Overflow> {
    let (mut value, mut modulus) = (0_i128, 1_i128);
    for (prime, residue) in residues.iter().take(EXACT_PRIMES) {
        let wide = i128::from(*prime);
        let reduced = |x: i128| u64::try_from(x.rem_euclid(wide)).unwrap_or(0);
        let gap = reduced(i128::from(*residue) - value);
        value += modulus * i128::from(gap * inverse(reduced(modulus), *prime) % prime);
        modulus *= wide;
    }
    if value > modulus / 2 {
        value -= modulus;
    }
    let fits = residues.iter().all(|(prime, residue)| value.rem_euclid(i128::from(*prime)) == i128::from(*residue));
    i64::try_from(value).ok().filter(|_| fits).ok_or(Overflow)
}

fn power(base: u64, mut exponent: u64, prime: u64) -> u64 {
    let (mut base, mut power) = (base % prime, 1);
    while exponent > 0 {
        if exponent % 2 == 1 {
            power = power * base % prime;
        }
        base = base * base % prime;
        exponent /= 2;
    }
    power
}

/// 1/x modulo a prime, by Fermat's little theorem.
fn inverse(x: u64, prime: u64) -> u64 {
    power(x, prime - 2, prime)
}

/// The primes from half of [`BELOW`] to [`BELOW`], largest first.
fn primes() -> impl Iterator<Item = u64> {
    let is_prime = |number: &u64| (3..).step_by(2).take_while(|d| d * d <= *number).all(|d| !number.is_multiple_of(d));
    (BELOW / 2..BELOW).rev().filter(|number| number % 2 == 1).filter(is_prime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(letters: &[i32]) -> String {
        alexander(&Braid::parse(letters).unwrap()).unwrap().text()
    }

    #[test]
    fn known_links_have_their_polynomials() {
        assert_eq!(text(&[]), "1");
        assert_eq!(text(&[1, -2]), "1");
        assert_eq!(text(&[1, 1, 1]), "1 - t + t^2");
        assert_eq!(text(&[1, -2, 1, -2]), "1 - 3t + t^2");
        // The Hopf link, the Borromean rings ((t - 1)^4 in one variable), and split links.
        assert_eq!(text(&[1, 1]), "1 - t");
        assert_eq!(text(&[1, -2, 1, -2, 1, -2]), "1 - 4t + 6t^2 - 4t^3 + t^4");
        assert_eq!(text(&[1, -1]), "0");
        assert_eq!(text(&[2, 2, 2]), "0");
    }

    #[test]
    fn a_polynomial_is_found_from_its_values() {
        let prime = primes().next().unwrap();
        assert_eq!(prime, 2_147_483_647);
        let value = |t: u64| (7 + 5 * t + 11 * t * t * t) % prime;
        assert_eq!(polynomial((2..7).map(value).collect(), 2, prime), [7, 5, 0, 11, 0]);
    }

    #[test]
    fn what_does_not_fit_is_an_overflow_and_never_a_wrong_number() {
        let primes: Vec<u64> = primes().take(6).collect();
        let residues = |value: i128| -> Vec<(u64, u64)> {
            let residue = |prime: &u64| u64::try_from(value.rem_euclid(i128::from(*prime))).unwrap();
            primes.iter().map(|prime| (*prime, residue(prime))).collect()
        };
        for value in [0, 1, -1, i128::from(i64::MAX), i128::from(i64::MIN)] {
            assert_eq!(lift(&residues(value)).map(i128::from), Ok(value));
        }
        for value in [i128::from(i64::MAX) + 1, i128::MAX, i128::MIN, i128::MAX / 3] {
            assert_eq!(lift(&residues(value)), Err(Overflow));
        }
    }
}
