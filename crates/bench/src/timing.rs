//! The timing attack on first views: does the time of a key's first view of a segment tell whether another key has
//! requested the same segment before (`docs/privacy.md`, "First views")?

use rand::{SeedableRng as _, seq::SliceRandom as _};
use rand_chacha::ChaCha20Rng;
use serde::Serialize;

use crate::{
    environment::Environment,
    load::{self, Target},
    workloads::new_portrait,
};

/// The number of views before and after a view, with which its time is compared.
const NEIGHBOURS: usize = 10;

/// What an attacker measured who views segments, of which another key has viewed every second one.
#[derive(Debug, Serialize)]
pub struct TimingAttack {
    /// Segments without an error in the answer.
    pub pages: usize,
    pub median_stored_ms: f64,
    pub median_new_ms: f64,
    /// The probability that the attacker tells a stored segment from a new one by their times: 0.5 is chance, 1 is
    /// always. Times are compared without their trend, and half of the pairs with equal times count.
    pub auc: f64,
}

impl TimingAttack {
    /// Views `pages` segments, one after the other.
    ///
    /// # Errors
    /// The server stops or cannot be reached.
    pub async fn run(environment: &Environment, pages: usize, seed: u64) -> anyhow::Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let [other, attacker] = [0, 1].map(|key| environment.keys[key].clone());
        let ask = async |key: &str, page: usize| {
            let document = new_portrait(&environment.vocabulary, seed, page as u64);
            load::once(&Target::same("/graphql", key, &document), &environment.server).await
        };
        for page in (0..pages).step_by(2) {
            ask(&other, page).await?;
        }
        let mut order: Vec<usize> = (0..pages).collect();
        order.shuffle(&mut rng);
        let mut views: Vec<(bool, i64)> = Vec::new();
        for page in order {
            let (micros, code) = ask(&attacker, page).await?;
            if code.is_none() {
                views.push((page % 2 == 0, i64::from(micros)));
            }
        }
        let times: Vec<i64> = views.iter().map(|(_, micros)| *micros).collect();
        let of = |is_stored: bool, times: &[i64]| -> Vec<i64> {
            let own = views.iter().zip(times).filter(|((stored, _), _)| *stored == is_stored);
            own.map(|(_, time)| *time).collect()
        };
        let relative = without_trend(&times);
        Ok(Self {
            pages: views.len(),
            median_stored_ms: median(of(true, &times)) as f64 / 1_000.0,
            median_new_ms: median(of(false, &times)) as f64 / 1_000.0,
            auc: auc(&of(true, &relative), &of(false, &relative)),
        })
    }
}

/// The median; 0 of nothing.
fn median(mut times: Vec<i64>) -> i64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

/// Each time less the median of its neighbours. The times grow with the number of segments that a key has viewed, which
/// an attacker takes into account.
fn without_trend(times: &[i64]) -> Vec<i64> {
    let around = |index: usize| &times[index.saturating_sub(NEIGHBOURS)..times.len().min(index + NEIGHBOURS + 1)];
    times.iter().enumerate().map(|(index, time)| time - median(around(index).to_vec())).collect()
}

/// The area under the curve of the better of the two rules: the shorter times are stored, or the longer ones.
fn auc(stored: &[i64], new: &[i64]) -> f64 {
    let pairs = stored.iter().flat_map(|stored| new.iter().map(move |new| stored.cmp(new)));
    let points: f64 = pairs.map(|order| f64::from(1 - order as i8) / 2.0).sum();
    let auc = points / (stored.len() * new.len()) as f64;
    auc.max(1.0 - auc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_one_half_without_a_difference_and_one_with_a_clear_one() {
        let close = |found: f64, expected: f64| (found - expected).abs() < 1e-9;
        assert!(close(auc(&[1, 2, 3], &[1, 2, 3]), 0.5));
        assert!(close(auc(&[1, 2], &[3, 4]), 1.0) && close(auc(&[3, 4], &[1, 2]), 1.0));
        assert!(close(auc(&[1, 3], &[2, 3]), 0.625));
    }

    #[test]
    fn a_difference_is_seen_beside_a_larger_trend() {
        let times: Vec<i64> = (0..200).map(|view| 100 * view + 300 * (view % 2)).collect();
        let relative = without_trend(&times);
        let of = |rest: usize| -> Vec<i64> { relative.iter().skip(rest).step_by(2).copied().collect() };
        assert!(auc(&of(0), &of(1)) > 0.95);
    }
}
