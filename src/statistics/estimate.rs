//! Estimates with errors, computed from released sums. This is post-processing: it costs no privacy budget and reads no
//! data.
//!
//! A mean over people is `center + S / N`: S is a noisy sum of centered contributions, N the noisy size. Its standard
//! error counts both noises: `sqrt(sigma_S^2 + (S/N)^2 sigma_N^2) / N`.

use crate::{
    domain::error::Error,
    privacy::{Group, Released},
};
use personality_math::simplex_shift;

/// Histogram cells that represent fewer people than this are folded into one cell, "other".
pub const MIN_CELL_PEOPLE: f64 = 100.0;
/// The noisy total, in units of the cap of one person, below which a mean is withheld: one person could account for
/// more than a twentieth of a smaller total.
const MIN_TOTAL: f64 = 20.0;

/// Half the width of a 95 % interval, in standard errors.
pub const Z95: f64 = 1.96;

/// A number, its standard error, and its 95 % interval from `low` to `high`, all in the same unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    pub value: f64,
    pub sigma: f64,
    pub low: f64,
    pub high: f64,
}

impl Estimate {
    /// An estimate with a normal error: the interval is `value` plus and minus 1.96 `sigma`.
    #[must_use]
    pub fn new(value: f64, sigma: f64) -> Self {
        Self { value, sigma, low: value - Z95 * sigma, high: value + Z95 * sigma }
    }

    /// The estimate in another unit: each number `x` becomes `offset + factor x` (a negative factor exchanges the ends
    /// of the interval).
    #[must_use]
    pub fn linear(self, factor: f64, offset: f64) -> Self {
        let ends = [offset + factor * self.low, offset + factor * self.high];
        Self {
            value: offset + factor * self.value,
            sigma: factor.abs() * self.sigma,
            low: ends[0].min(ends[1]),
            high: ends[0].max(ends[1]),
        }
    }

    /// Clamps the estimate to the range from `least` to `most`. A value outside the range is clamped to it and the
    /// interval is shifted by the same amount; then the interval is cut to the range. (Cutting alone could leave an
    /// interval of width zero if the noise carried the value far outside the range.)
    #[must_use]
    pub fn clamped(self, least: f64, most: f64) -> Self {
        let value = self.value.clamp(least, most);
        let moved = value - self.value;
        Self {
            value,
            sigma: self.sigma,
            low: (self.low + moved).clamp(least, most),
            high: (self.high + moved).clamp(least, most),
        }
    }
}

/// Shares of which the small ones are folded together.
pub struct Folded {
    /// Each share; `None` where it is folded.
    pub shares: Vec<Option<Estimate>>,
    /// The sum of the folded shares; `None` if no share is folded.
    pub other: Option<Estimate>,
}

impl Folded {
    /// Folds the shares that represent fewer than [`MIN_CELL_PEOPLE`] of `people`. A single folded share could be
    /// computed as 1 minus the others, so the next smallest is folded with it.
    #[must_use]
    pub fn new(shares: Vec<Estimate>, people: f64) -> Self {
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|a, b| shares[*a].value.total_cmp(&shares[*b].value));
        let mut small = order.iter().filter(|cell| shares[**cell].value * people < MIN_CELL_PEOPLE).count();
        if small == 1 {
            small = 2.min(shares.len());
        }
        order.truncate(small);
        let folded = order.iter().map(|cell| shares[*cell]);
        let other = folded.reduce(|sum, share| {
            let (value, sigma) = (sum.value + share.value, sum.sigma.hypot(share.sigma));
            Estimate::new(value, sigma).clamped(0.0, 1.0)
        });
        let shares = shares.into_iter().enumerate().map(|(cell, share)| (!order.contains(&cell)).then_some(share));
        Self { shares: shares.collect(), other }
    }
}

/// The numbers of a group of a release, from which estimates are computed.
pub struct Sample {
    sums: Vec<f64>,
    sigma: f64,
    people: f64,
    sigma_people: f64,
}

impl Sample {
    /// Reads the sums of a group of a release.
    ///
    /// # Errors
    /// [`Error::Internal`] if the group is not part of the release.
    pub fn read(released: &Released, group: Group) -> Result<Self, Error> {
        let (sums, sigma) = released.sums(group)?;
        Ok(Self { sums, sigma, people: released.people, sigma_people: released.sigma_people() })
    }

    /// The mean over people of a number whose contributions were centered at `center`.
    #[must_use]
    pub fn mean(&self, index: usize, center: f64) -> Estimate {
        let mean = self.sums[index] / self.people;
        let sigma = self.sigma.hypot(mean * self.sigma_people) / self.people;
        Estimate::new(center + mean, sigma)
    }

    /// The sum over people of a number whose contributions were centered at `center`, in units of one person's cap.
    #[must_use]
    pub fn total(&self, index: usize, center: f64) -> Estimate {
        Estimate::new(self.sums[index] + center * self.people, self.sigma.hypot(center * self.sigma_people))
    }

    /// Whether a total is large enough that, allowing for noise, no person accounts for more than a twentieth of it.
    #[must_use]
    pub fn passes_dominance(&self, total: Estimate) -> bool {
        total.value >= MIN_TOTAL + 2.0 * self.sigma
    }

    /// Shares that sum to 1, with the small ones folded.
    #[must_use]
    pub fn folded(&self, center: f64) -> Folded {
        Folded::new(self.shares(center), self.people)
    }

    /// Shares that sum to 1: the nearest point of the simplex to the noisy shares. (A number is subtracted and negative
    /// results become 0; scaling would pull large shares towards 0.) The interval is that of the noisy share itself,
    /// which is unbiased, widened where it does not contain the value.
    #[must_use]
    pub fn shares(&self, center: f64) -> Vec<Estimate> {
        let raw: Vec<Estimate> = (0..self.sums.len()).map(|index| self.mean(index, center)).collect();
        let shift = simplex_shift(&raw.iter().map(|share| share.value).collect::<Vec<_>>());
        raw.into_iter()
            .map(|share| {
                let value = (share.value - shift).max(0.0);
                let share = share.clamped(0.0, 1.0);
                Estimate { value, sigma: share.sigma, low: share.low.min(value), high: share.high.max(value) }
            })
            .collect()
    }

    /// The ratio of two totals of the same group. The noise of the size is in both totals and partly cancels.
    #[must_use]
    pub fn ratio(&self, above: usize, below: usize, center: f64) -> Estimate {
        let (a, b) = (self.total(above, center), self.total(below, center));
        let ratio = a.value / b.value;
        let shared = (center * self.sigma_people).powi(2);
        let variance = a.sigma.powi(2) + (ratio * b.sigma).powi(2) - 2.0 * ratio * shared;
        Estimate::new(ratio, variance.max(0.0).sqrt() / b.value.abs())
    }
}

/// The standard deviation of a dimension from the mean of u and the mean of u squared.
#[must_use]
pub fn deviation(mean: Estimate, square: Estimate) -> Estimate {
    // Noise can carry the variance below zero; the interval then begins at zero and keeps its width.
    let variance = (square.value - mean.value.powi(2)).max(0.0);
    let sigma = square.sigma.hypot(2.0 * mean.value * mean.sigma);
    let root = |variance: f64| variance.clamp(0.0, 0.25).sqrt();
    let (low, high) = (root(variance - Z95 * sigma), root(variance + Z95 * sigma));
    Estimate { value: root(variance), sigma: (high - low) / (2.0 * Z95), low, high }
}

/// A dimension's distribution over equal bins of [0, 1].
pub struct Distribution {
    /// The share at or below the upper end of each bin; nondecreasing, the last is 1.
    cumulative: Vec<f64>,
    /// The standard error of one bin's share.
    sigma: f64,
}

impl Distribution {
    /// Reads the noisy counts of bins. The noise of a cumulative share is least if the counts are first adjusted to sum
    /// to the noisy size, by spreading the difference evenly over all bins. Isotonic regression then makes the
    /// cumulative shares nondecreasing.
    #[must_use]
    pub fn new(counts: &[f64], sigma: f64, people: f64) -> Self {
        let bins = counts.len() as f64;
        let missing = (people - counts.iter().sum::<f64>()) / bins;
        let mut sum = 0.0;
        let mut cumulative: Vec<f64> = counts
            .iter()
            .map(|count| {
                sum += count + missing;
                sum / people
            })
            .collect();
        isotonic(&mut cumulative);
        for share in &mut cumulative {
            *share = share.clamp(0.0, 1.0);
        }
        if let Some(last) = cumulative.last_mut() {
            *last = 1.0;
        }
        Self { cumulative, sigma: sigma / people }
    }

    /// The share of each bin.
    #[must_use]
    pub fn shares(&self) -> Vec<f64> {
        let before = [0.0].into_iter().chain(self.cumulative.iter().copied());
        self.cumulative.iter().zip(before).map(|(share, before)| share - before).collect()
    }

    /// The value at or below which a share `p` of the people lies, by linear interpolation within the bin.
    #[must_use]
    pub fn quantile(&self, p: f64) -> Estimate {
        let bins = self.cumulative.len() as f64;
        let value = self.invert(p);
        // After the counts are adjusted to sum to the size, the first b of B bins have b (B - b) / B times the variance
        // of one bin.
        let below = (value * bins).clamp(1.0, bins - 1.0);
        let error = self.sigma * (below * (bins - below) / bins).sqrt();
        let (low, high) = (self.invert(p - Z95 * error), self.invert(p + Z95 * error));
        Estimate { value, sigma: (high - low) / (2.0 * Z95), low, high }
    }

    fn invert(&self, p: f64) -> f64 {
        let bins = self.cumulative.len() as f64;
        let mut before = 0.0;
        for (bin, share) in self.cumulative.iter().enumerate() {
            if *share >= p {
                let part = if *share > before { ((p - before) / (share - before)).clamp(0.0, 1.0) } else { 0.0 };
                return (bin as f64 + part) / bins;
            }
            before = *share;
        }
        1.0
    }
}

/// Replaces the values by the nearest nondecreasing sequence in least squares (pool adjacent violators).
fn isotonic(values: &mut [f64]) {
    let mut pools: Vec<(f64, usize)> = Vec::with_capacity(values.len());
    for value in values.iter() {
        pools.push((*value, 1));
        while let [.., (before, many), (after, more)] = pools[..]
            && before > after
        {
            pools.truncate(pools.len() - 2);
            let count = many + more;
            pools.push(((before * many as f64 + after * more as f64) / count as f64, count));
        }
    }
    let pooled = pools.into_iter().flat_map(|(value, count)| std::iter::repeat_n(value, count));
    for (value, pooled) in values.iter_mut().zip(pooled) {
        *value = pooled;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} is not {b}");
    }

    #[test]
    fn violators_are_pooled() {
        let mut values = [1.0, 3.0, 2.0, 2.0, 5.0, 4.0];
        isotonic(&mut values);
        let pooled = 7.0 / 3.0;
        values
            .into_iter()
            .zip([1.0, pooled, pooled, pooled, 4.5, 4.5])
            .for_each(|(value, expected)| near(value, expected));
    }

    #[test]
    fn quantiles_of_an_even_distribution_are_the_shares_themselves() {
        let even = Distribution::new(&[100.0; 10], 1.0, 1_000.0);
        for p in [0.05, 0.25, 0.5, 0.75] {
            near(even.quantile(p).value, p);
        }
        let median = even.quantile(0.5);
        near(median.high - median.low, 2.0 * Z95 * 0.001 * 2.5_f64.sqrt());
        even.shares().into_iter().for_each(|share| near(share, 0.1));
    }

    #[test]
    fn counts_that_do_not_sum_up_are_made_to() {
        let distribution = Distribution::new(&[90.0; 10], 1.0, 1_000.0);
        near(distribution.quantile(0.5).value, 0.5);
        let noisy = Distribution::new(&[-5.0, 300.0, 300.0, -40.0, 5.0], 60.0, 560.0);
        let shares = noisy.shares();
        near(shares.iter().sum(), 1.0);
        assert!(shares.iter().all(|share| *share >= 0.0), "{shares:?}");
    }

    #[test]
    fn a_value_beyond_what_is_possible_keeps_a_width() {
        let estimate = Estimate::new(-0.3, 0.1).clamped(0.0, 1.0);
        near(estimate.value, 0.0);
        near(estimate.low, 0.0);
        near(estimate.high, 0.196);
        let spread = deviation(Estimate::new(0.3, 0.01), Estimate::new(0.0, 0.01));
        near(spread.high, (Z95 * 0.01_f64.hypot(0.006)).sqrt());
    }

    #[test]
    fn a_deviation_is_never_below_zero_or_above_a_half() {
        let point = |value| Estimate::new(value, 0.001);
        near(deviation(point(0.0), point(0.25)).value, 0.5);
        near(deviation(point(0.3), point(0.0)).value, 0.0);
        near(deviation(point(0.1), point(0.05)).value, 0.2);
    }

    #[test]
    fn shares_sum_to_one_and_their_intervals_hold_the_noisy_share_and_the_value() {
        let sample = Sample { sums: vec![60.0, -10.0, -20.0, 30.0], sigma: 5.0, people: 100.0, sigma_people: 0.0 };
        let shares = sample.shares(0.25);
        near(shares.iter().map(|share| share.value).sum(), 1.0);
        let expected = [0.65, 0.0, 0.0, 0.35];
        for (index, share) in shares.iter().enumerate() {
            near(share.value, expected[index]);
            assert!(share.low <= share.value && share.value <= share.high, "{share:?}");
            let noisy = sample.mean(index, 0.25).value.clamp(0.0, 1.0);
            assert!(share.low <= noisy && noisy <= share.high && share.high - share.low > 0.09, "{share:?}");
        }
    }

    /// A large share next to empty cells: 95 % of the intervals contain it (2,000 draws, fixed seed: the standard error
    /// of the coverage is 0.5 %, the bound lies 4 of them below).
    #[test]
    fn share_intervals_cover_95_percent() {
        use rand::SeedableRng as _;
        let exact = [0.55, 0.15, 0.1, 0.08, 0.05, 0.04, 0.02, 0.01, 0.0, 0.0, 0.0, 0.0];
        let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(3);
        for people in [300.0, 1_000.0, 3_000.0] {
            let mut held = 0;
            for _ in 0..2_000 {
                let noise = crate::privacy::noise::sample(crate::privacy::Bundle::Behavior, 0, &mut rng).unwrap();
                let noise = &noise[15..27];
                let sums: Vec<f64> = exact
                    .iter()
                    .zip(noise)
                    .map(|(share, noise)| (share - 1.0 / 12.0) * people + *noise as f64 / 1e4)
                    .collect();
                let group = Group::Categories.spec();
                let sample = Sample { sums, sigma: group.sigma() / 1e4, people, sigma_people: 0.0 };
                let share = sample.shares(1.0 / 12.0)[0];
                held += i32::from(share.low <= exact[0] && exact[0] <= share.high);
            }
            assert!(held >= 1_860, "{people} people: {held} of 2,000");
        }
    }

    #[test]
    fn small_cells_are_folded_and_never_a_single_one() {
        let fold = |shares: &[f64]| {
            let shares = shares.iter().map(|share| Estimate::new(*share, 0.01)).collect();
            let folded = Folded::new(shares, 1_000.0);
            let there: Vec<bool> = folded.shares.iter().map(Option::is_some).collect();
            (there, folded.other.map(|other| (other.value * 1e6).round() / 1e6))
        };
        assert_eq!(fold(&[0.5, 0.3, 0.2]), (vec![true, true, true], None));
        assert_eq!(fold(&[0.5, 0.41, 0.05, 0.04]), (vec![true, true, false, false], Some(0.09)));
        assert_eq!(fold(&[0.5, 0.41, 0.09]), (vec![true, false, false], Some(0.5)));
        let sample = Sample { sums: vec![0.0], sigma: 22.5, people: 1_000.0, sigma_people: 0.0 };
        assert!(
            sample.passes_dominance(Estimate::new(65.0, 0.0)) && !sample.passes_dominance(Estimate::new(64.9, 0.0))
        );
    }

    #[test]
    fn a_ratio_knows_that_the_size_is_in_both() {
        let sample = Sample { sums: vec![0.0, 0.0], sigma: 0.0, people: 1_000.0, sigma_people: 26.0 };
        let same = sample.ratio(0, 1, 0.5);
        near(same.value, 1.0);
        near(same.sigma, 0.0);
    }
}
