//! The Jones polynomial of a closed braid, exactly, by the Kauffman bracket (Kauffman 1987).
//!
//! A letter is resolved into the two ways in which its four ends can be joined without crossing (in the Temperley-Lieb
//! algebra: `s_i = A + A^-1 e_i`); a closed loop contributes the factor -A^2 - A^-2. Crossings are added one by one.
//! The state of the part of the diagram that has been added is a sum over the planar matchings of the edges that lead
//! out of it (the frontier), so the work grows with the Catalan number of half of those edges and not with 2^letters.

use std::{cmp::Reverse, collections::HashMap};

use super::{Braid, Laurent, Overflow};

/// The Jones polynomial of the closure, in the convention of knot tables: [1, 1, 1] has t + t^3 - t^4.
///
/// # Errors
/// [`Overflow`] if a coefficient of the result does not fit into 64 bits, or an intermediate one into 128 bits.
pub fn jones(braid: &Braid) -> Result<Laurent, Overflow> {
    // Very few words need more than 64 bits for intermediate coefficients.
    of_width::<i64>(braid).or_else(|Overflow| of_width::<i128>(braid))
}

fn of_width<C: Whole>(braid: &Braid) -> Result<Laurent, Overflow> {
    let bracket = bracket::<C>(braid)?.without_a_loop()?;
    let writhe = braid.writhe();
    // V = (-A^3)^-writhe <closure> with t = A^-4: high powers of A are low powers of t.
    let highest = bracket.lowest + 4 * (i64::try_from(bracket.coefficients.len()).unwrap_or(0) - 1) - 3 * writhe;
    let coefficients = bracket.coefficients.iter().rev().map(|coefficient| {
        let signed = if writhe % 2 == 0 { Some(*coefficient) } else { C::default().less(*coefficient) };
        signed.and_then(C::narrow).ok_or(Overflow)
    });
    Ok(Laurent::new(-highest / 2, coefficients.collect::<Result<_, _>>()?))
}

/// Integers with checked arithmetic: `None` is an overflow.
trait Whole: Copy + Default + From<i8> {
    fn plus(self, other: Self) -> Option<Self>;
    fn less(self, other: Self) -> Option<Self>;
    fn narrow(self) -> Option<i64>;
}

impl Whole for i64 {
    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn less(self, other: Self) -> Option<Self> {
        self.checked_sub(other)
    }

    fn narrow(self) -> Option<i64> {
        Some(self)
    }
}

impl Whole for i128 {
    fn plus(self, other: Self) -> Option<Self> {
        self.checked_add(other)
    }

    fn less(self, other: Self) -> Option<Self> {
        self.checked_sub(other)
    }

    fn narrow(self) -> Option<i64> {
        self.try_into().ok()
    }
}

/// A Laurent polynomial in A whose exponents increase by 4.
///
/// This suffices for the terms of one matching: resolving a crossing the other way changes the exponent by 2 and, in
/// the plane, the number of loops by 1, which changes the exponent by 2 again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Powers<C> {
    lowest: i64,
    coefficients: Vec<C>,
}

impl<C: Whole> Powers<C> {
    fn one() -> Self {
        Self { lowest: 0, coefficients: vec![C::from(1)] }
    }

    /// Adds A^shift * other.
    fn add(&mut self, other: &Self, shift: i64) -> Result<(), Overflow> {
        let start = other.lowest + shift;
        if self.coefficients.is_empty() {
            self.lowest = start;
        }
        let before = usize::try_from((self.lowest - start) / 4).unwrap_or(0);
        if before > 0 {
            self.coefficients.splice(0..0, std::iter::repeat_n(C::default(), before));
            self.lowest = start;
        }
        let offset = usize::try_from((start - self.lowest) / 4).map_err(|_| Overflow)?;
        let needed = offset + other.coefficients.len();
        if self.coefficients.len() < needed {
            self.coefficients.resize(needed, C::default());
        }
        for (own, other) in self.coefficients[offset..].iter_mut().zip(&other.coefficients) {
            *own = own.plus(*other).ok_or(Overflow)?;
        }
        Ok(())
    }

    /// Multiplies by -A^2 - A^-2, the factor of a loop.
    fn with_a_loop(&self) -> Result<Self, Overflow> {
        let places = 0..=self.coefficients.len();
        let at = |place: usize| self.coefficients.get(place).copied().unwrap_or_default();
        let term = |k: usize| C::default().less(at(k))?.less(if k == 0 { C::default() } else { at(k - 1) });
        let coefficients = places.map(|k| term(k).ok_or(Overflow));
        Ok(Self { lowest: self.lowest - 2, coefficients: coefficients.collect::<Result<_, _>>()? })
    }

    /// Divides by -A^2 - A^-2, the factor of a loop. The bracket of every closed diagram is a multiple of it, so the
    /// division has no remainder.
    fn without_a_loop(&self) -> Result<Self, Overflow> {
        let mut last = C::default();
        let mut quotient = Vec::with_capacity(self.coefficients.len());
        for coefficient in &self.coefficients[..self.coefficients.len().saturating_sub(1)] {
            last = C::default().less(*coefficient).and_then(|term| term.less(last)).ok_or(Overflow)?;
            quotient.push(last);
        }
        Ok(Self { lowest: self.lowest + 2, coefficients: quotient })
    }
}

/// The edges of the four ends of a crossing: two that enter from below, then two that leave above, each left before
/// right.
type Ends = [usize; 4];

/// The bracket of the closure, normalized so that the unknot has the factor of one loop.
fn bracket<C: Whole>(braid: &Braid) -> Result<Powers<C>, Overflow> {
    let (crossings, edges) = diagram(braid);
    let order = best_order(&crossings, edges);
    let mut frontier: Vec<usize> = Vec::new();
    // For each matching: the position in the frontier of the edge with which each frontier edge is joined.
    let mut states: HashMap<Vec<u8>, Powers<C>> = HashMap::from([(Vec::new(), Powers::one())]);
    for number in order {
        let (ends, positive) = crossings[number];
        let next = advance(&frontier, &ends);
        let [straight, turned] = [[(0, 2), (1, 3)], [(0, 1), (2, 3)]];
        let shift = if positive { 1 } else { -1 };
        let mut after: HashMap<Vec<u8>, Powers<C>> = HashMap::with_capacity(states.len());
        let mut joined = Joined::new(edges);
        for (state, powers) in &states {
            for (pairs, shift) in [(straight, shift), (turned, -shift)] {
                joined.load(&frontier, state);
                let loops = pairs.map(|(a, b)| joined.join(ends[a], ends[b])).into_iter().filter(|closed| *closed);
                let loops = loops.count();
                let sum = after.entry(joined.store(&next)).or_default();
                match loops {
                    0 => sum.add(powers, shift)?,
                    1 => sum.add(&powers.with_a_loop()?, shift)?,
                    _ => sum.add(&powers.with_a_loop()?.with_a_loop()?, shift)?,
                }
            }
        }
        (frontier, states) = (next, after);
    }
    let mut total = states.remove(&Vec::new()).unwrap_or_else(Powers::one);
    // A strand that no letter uses is a separate loop.
    let touched: std::collections::HashSet<usize> = braid.places().flat_map(|(place, _)| [place, place + 1]).collect();
    for _ in touched.len()..braid.strands() {
        total = total.with_a_loop()?;
    }
    Ok(total)
}

/// The crossings of the closure, with their signs, and the number of edges between them.
fn diagram(braid: &Braid) -> (Vec<(Ends, bool)>, usize) {
    let strands = braid.strands();
    let mut at: Vec<usize> = (0..strands).collect();
    let mut edges = strands;
    let mut crossings = Vec::new();
    for (place, positive) in braid.places() {
        crossings.push(([at[place], at[place + 1], edges, edges + 1], positive));
        (at[place], at[place + 1]) = (edges, edges + 1);
        edges += 2;
    }
    // The closure connects the edges that leave at the top with those that enter at the bottom.
    for (ends, _) in &mut crossings {
        for end in ends {
            *end = at.iter().position(|last| last == end).unwrap_or(*end);
        }
    }
    (crossings, edges)
}

/// The frontier after a crossing is added.
fn advance(frontier: &[usize], ends: &Ends) -> Vec<usize> {
    let mut next: Vec<usize> = frontier.iter().copied().filter(|edge| !ends.contains(edge)).collect();
    for (number, edge) in ends.iter().enumerate() {
        let twice = ends.iter().enumerate().any(|(other, same)| other != number && same == edge);
        if !frontier.contains(edge) && !twice {
            next.push(*edge);
        }
    }
    next
}

/// An order of adding the crossings that keeps the frontier short: the order of the word, or the best greedy order over
/// all starting crossings.
fn best_order(crossings: &[(Ends, bool)], edges: usize) -> Vec<usize> {
    let word = (0..crossings.len()).collect::<Vec<_>>();
    let greedy = word.iter().map(|start| greedy_order(crossings, edges, *start));
    let best = std::iter::once(word.clone()).chain(greedy).min_by(|a, b| {
        let work = |order: &[usize]| -> f64 {
            let mut frontier = Vec::new();
            order
                .iter()
                .map(|number| {
                    frontier = advance(&frontier, &crossings[*number].0);
                    // Half of the edges have about 4^half matchings.
                    2.0_f64.powf(frontier.len() as f64)
                })
                .sum()
        };
        work(a).total_cmp(&work(b))
    });
    best.unwrap_or(word)
}

/// From a starting crossing on, always adds the crossing that closes the most open edges; if several are equal, the one
/// that closes the edge that has been open longest, which keeps the added part of the diagram compact.
fn greedy_order(crossings: &[(Ends, bool)], edges: usize, start: usize) -> Vec<usize> {
    /// An edge that is not open.
    const NEVER: usize = usize::MAX;
    let mut open_since = vec![NEVER; edges];
    let mut left: Vec<usize> = (0..crossings.len()).filter(|number| *number != start).collect();
    let mut order = Vec::with_capacity(crossings.len());
    let mut next = Some(start);
    while let Some(number) = next {
        for edge in crossings[number].0 {
            open_since[edge] = if open_since[edge] == NEVER { order.len() } else { NEVER };
        }
        order.push(number);
        let worth = |number: usize| {
            let since = crossings[number].0.map(|edge| open_since[edge]);
            let closes = since.iter().filter(|since| **since != NEVER).count();
            (closes, Reverse(since.into_iter().min()))
        };
        next = (0..left.len()).max_by_key(|place| worth(left[*place])).map(|place| left.remove(place));
    }
    order
}

/// The edge with which each edge's end is joined, while one crossing is added.
struct Joined(Vec<Option<usize>>);

impl Joined {
    fn new(edges: usize) -> Self {
        Self(vec![None; edges])
    }

    fn load(&mut self, frontier: &[usize], state: &[u8]) {
        for (edge, with) in frontier.iter().zip(state) {
            self.0[*edge] = Some(frontier[usize::from(*with)]);
        }
    }

    /// Joins two ends; true if that closes a loop. If an edge's other end was added before, the edge continues from
    /// there.
    fn join(&mut self, a: usize, b: usize) -> bool {
        if a == b || self.0[a] == Some(b) {
            (self.0[a], self.0[b]) = (None, None);
            return true;
        }
        let [a, b] = [a, b].map(|edge| self.0[edge].take().unwrap_or(edge));
        (self.0[a], self.0[b]) = (Some(b), Some(a));
        false
    }

    /// Returns the matching by positions in the frontier, and resets these entries.
    fn store(&mut self, frontier: &[usize]) -> Vec<u8> {
        let place = |edge: usize| frontier.iter().position(|other| *other == edge).unwrap_or(0);
        let joined = frontier.iter().map(|edge| place(self.0[*edge].unwrap_or(*edge)));
        let state = joined.map(|place| u8::try_from(place).unwrap_or(u8::MAX)).collect();
        for edge in frontier {
            self.0[*edge] = None;
        }
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(letters: &[i32]) -> String {
        jones(&Braid::parse(letters).unwrap()).unwrap().text()
    }

    #[test]
    fn known_links_have_their_polynomials() {
        assert_eq!(text(&[]), "1");
        assert_eq!(text(&[1]), "1");
        assert_eq!(text(&[1, 1, 1]), "t + t^3 - t^4");
        assert_eq!(text(&[-1, -1, -1]), "-t^-4 + t^-3 + t^-1");
        assert_eq!(text(&[1, -2, 1, -2]), "t^-2 - t^-1 + 1 - t + t^2");
        // Two and three separate circles, the Hopf link, and the Borromean rings (Jones 1987).
        assert_eq!(text(&[1, -1]), "-t^(-1/2) - t^(1/2)");
        assert_eq!(text(&[2, -2, 1, -1]), "t^-1 + 2 + t");
        assert_eq!(text(&[1, 1]), "-t^(1/2) - t^(5/2)");
        assert_eq!(text(&[1, -2, 1, -2, 1, -2]), "-t^-3 + 3t^-2 - 2t^-1 + 4 - 2t + 3t^2 - t^3");
        // A strand that no letter uses is a separate circle.
        assert_eq!(text(&[2, 2, 2]), "-t^(1/2) - t^(3/2) - t^(5/2) + t^(9/2)");
    }
}
