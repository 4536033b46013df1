//! The Jones polynomial of a closed braid, exactly, by the Kauffman bracket (Kauffman 1987).
//!
//! A letter is resolved into the two ways in which its four ends can be joined without crossing (in the algebra of
//! Temperley and Lieb: `s_i = A + A^-1 e_i`); a closed loop is worth -A^2 - A^-2. Crossings are taken in one by one. What
//! has been taken in is a sum over the planar matchings of the edges that lead out of it, so the work grows with the
//! Catalan number of half of those edges and not with 2^letters.

use std::collections::HashMap;

use super::{Braid, Laurent, Overflow};

/// The Jones polynomial of the closure, in the convention of the tables: [1, 1, 1] is t + t^3 - t^4.
///
/// # Errors
/// A coefficient does not fit.
pub fn jones(braid: &Braid) -> Result<Laurent, Overflow> {
    let bracket = bracket(braid)?.without_a_loop();
    let writhe = braid.writhe();
    // V = (-A^3)^-writhe <closure> with t = A^-4: high powers of A are low ones of t.
    let sign = if writhe % 2 == 0 { 1 } else { -1 };
    let highest = bracket.lowest + 2 * (i64::try_from(bracket.coefficients.len()).unwrap_or(0) - 1) - 3 * writhe;
    // All exponents of A differ by multiples of 4, so every second place is empty.
    let coefficients = bracket.coefficients.iter().rev().step_by(2);
    let coefficients = coefficients.map(|coefficient| i64::try_from(sign * coefficient).map_err(|_| Overflow));
    Ok(Laurent::new(-highest / 2, coefficients.collect::<Result<_, _>>()?))
}

/// A Laurent polynomial in A whose exponents rise by 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Powers {
    lowest: i64,
    coefficients: Vec<i128>,
}

impl Powers {
    fn one() -> Self {
        Self { lowest: 0, coefficients: vec![1] }
    }

    /// Adds sign x A^shift x other.
    fn add(&mut self, other: &Self, shift: i64, sign: i128) -> Result<(), Overflow> {
        let start = other.lowest + shift;
        if self.coefficients.is_empty() {
            self.lowest = start;
        }
        let before = usize::try_from((self.lowest - start) / 2).unwrap_or(0);
        if before > 0 {
            self.coefficients.splice(0..0, std::iter::repeat_n(0, before));
            self.lowest = start;
        }
        let offset = usize::try_from((start - self.lowest) / 2).map_err(|_| Overflow)?;
        let needed = offset + other.coefficients.len();
        if self.coefficients.len() < needed {
            self.coefficients.resize(needed, 0);
        }
        for (own, other) in self.coefficients[offset..].iter_mut().zip(&other.coefficients) {
            *own = own.checked_add(sign * other).ok_or(Overflow)?;
        }
        Ok(())
    }

    /// Times -A^2 - A^-2.
    fn with_a_loop(&self) -> Result<Self, Overflow> {
        let mut product = Self::default();
        product.add(self, -2, -1)?;
        product.add(self, 2, -1)?;
        Ok(product)
    }

    /// Divided by -A^2 - A^-2, of which every closed diagram is a multiple.
    fn without_a_loop(&self) -> Self {
        let mut rest = self.coefficients.clone();
        // From below: the quotient's terms are the lowest ones left, with the sign changed.
        let terms = rest.len().saturating_sub(2);
        let mut quotient = Vec::with_capacity(terms);
        for k in 0..terms {
            let term = -rest[k];
            rest[k + 2] += term;
            quotient.push(term);
        }
        Self { lowest: self.lowest + 2, coefficients: quotient }
    }
}

/// The four ends of a crossing by the edges that they lie on: two that come from below, two that leave above, left
/// before right.
type Ends = [usize; 4];

/// The bracket of the closure, in which the unknot is worth one loop.
fn bracket(braid: &Braid) -> Result<Powers, Overflow> {
    let (crossings, edges) = diagram(braid);
    let order = best_order(&crossings, edges);
    let mut frontier: Vec<usize> = Vec::new();
    // Which of the frontier's edges are joined inside of what was taken in, by their places in it.
    let mut states: HashMap<Vec<u8>, Powers> = HashMap::from([(Vec::new(), Powers::one())]);
    for number in order {
        let (ends, positive) = crossings[number];
        let next = advance(&frontier, &ends);
        let [straight, turned] = [[(0, 2), (1, 3)], [(0, 1), (2, 3)]];
        let shift = if positive { 1 } else { -1 };
        let mut after: HashMap<Vec<u8>, Powers> = HashMap::with_capacity(states.len());
        let mut joined = Joined::new(edges);
        for (state, powers) in &states {
            for (pairs, shift) in [(straight, shift), (turned, -shift)] {
                joined.load(&frontier, state);
                let loops = pairs.map(|(a, b)| joined.join(ends[a], ends[b])).into_iter().filter(|closed| *closed);
                let factor = match loops.count() {
                    0 => powers.clone(),
                    1 => powers.with_a_loop()?,
                    _ => powers.with_a_loop()?.with_a_loop()?,
                };
                after.entry(joined.store(&next)).or_default().add(&factor, shift, 1)?;
            }
        }
        (frontier, states) = (next, after);
    }
    let mut total = states.remove(&Vec::new()).unwrap_or_else(Powers::one);
    // Strands that no letter touches are loops of their own.
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
    // The closure leads what leaves at the top back in at the bottom.
    for (ends, _) in &mut crossings {
        for end in ends {
            *end = at.iter().position(|last| last == end).unwrap_or(*end);
        }
    }
    (crossings, edges)
}

/// The edges that lead out once a crossing is taken in.
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

/// The order of taking in that keeps the frontier short: that of the word, or the best of those that begin somewhere
/// and then take what shortens the frontier most.
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

fn greedy_order(crossings: &[(Ends, bool)], edges: usize, start: usize) -> Vec<usize> {
    let mut open = vec![false; edges];
    let mut left: Vec<usize> = (0..crossings.len()).filter(|number| *number != start).collect();
    let mut order = vec![start];
    let toggle = |open: &mut Vec<bool>, number: usize| {
        crossings[number].0.iter().for_each(|edge| open[*edge] = !open[*edge]);
    };
    toggle(&mut open, start);
    while !left.is_empty() {
        let reached = |number: usize| crossings[number].0.iter().filter(|edge| open[**edge]).count();
        let best = (0..left.len()).max_by_key(|index| (reached(left[*index]), std::cmp::Reverse(*index)));
        let number = left.remove(best.unwrap_or(0));
        toggle(&mut open, number);
        order.push(number);
    }
    order
}

/// Which edge's end is joined with which, while one crossing is taken in.
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

    /// Joins two ends; true if that closes a loop. An edge whose other end was taken in before goes on from there.
    fn join(&mut self, a: usize, b: usize) -> bool {
        if a == b || self.0[a] == Some(b) {
            (self.0[a], self.0[b]) = (None, None);
            return true;
        }
        let [a, b] = [a, b].map(|edge| self.0[edge].take().unwrap_or(edge));
        (self.0[a], self.0[b]) = (Some(b), Some(a));
        false
    }

    /// The matching by the places in a frontier; forgets it.
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
        // Two and three circles apart, the Hopf link, and the Borromean rings (Jones 1987).
        assert_eq!(text(&[1, -1]), "-t^(-1/2) - t^(1/2)");
        assert_eq!(text(&[2, -2, 1, -1]), "t^-1 + 2 + t");
        assert_eq!(text(&[1, 1]), "-t^(1/2) - t^(5/2)");
        assert_eq!(text(&[1, -2, 1, -2, 1, -2]), "-t^-3 + 3t^-2 - 2t^-1 + 4 - 2t + 3t^2 - t^3");
        // A strand that no letter touches is a circle apart.
        assert_eq!(text(&[2, 2, 2]), "-t^(1/2) - t^(3/2) - t^(5/2) + t^(9/2)");
    }
}
