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

/// What an attacker measured who views segments, of which another key has viewed every second one.
#[derive(Debug, Serialize)]
pub struct TimingAttack {
    /// Segments without an error in the answer.
    pub pages: usize,
    pub median_stored_ms: f64,
    pub median_new_ms: f64,
    /// The probability that the attacker tells a stored segment from a new one by their times: 0.5 is chance, 1 is
    /// always. Half of the pairs with equal times count.
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
        let (mut stored, mut new) = (Vec::new(), Vec::new());
        for page in order {
            let (micros, code) = ask(&attacker, page).await?;
            if code.is_none() {
                if page % 2 == 0 { &mut stored } else { &mut new }.push(micros);
            }
        }
        Ok(Self {
            pages: stored.len() + new.len(),
            median_stored_ms: median_ms(&mut stored),
            median_new_ms: median_ms(&mut new),
            auc: auc(&stored, &new),
        })
    }
}

fn median_ms(micros: &mut [u32]) -> f64 {
    micros.sort_unstable();
    micros.get(micros.len() / 2).map_or(f64::NAN, |micros| f64::from(*micros) / 1_000.0)
}

/// The area under the curve of the better of the two rules: the shorter times are stored, or the longer ones.
fn auc(stored: &[u32], new: &[u32]) -> f64 {
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
}
