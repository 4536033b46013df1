//! T2: the noise follows the discrete Gaussian's exact probabilities, and has the sigma of its group.

use rand::SeedableRng as _;
use rand_chacha::ChaCha20Rng;
use spots_enrichment::privacy::{
    Bundle,
    noise::{self, gaussian},
    steps::STEPS,
};

const DRAWS: usize = 2_000_000;

fn sample(sigma_milli: u128, seed: u64, draws: usize) -> Vec<i64> {
    gaussian(sigma_milli, draws, &mut ChaCha20Rng::seed_from_u64(seed)).unwrap()
}

/// Each integer's probability is exp(-x^2 / 2 sigma^2), normalized. Cells with fewer than 20 expected draws are merged
/// into one. A sigma that is 3 % off has a p-value below 1e-100; a correct sampler falls below 1e-4 with one seed in
/// 10,000.
fn chi_square(sigma_milli: u128) {
    let sigma = sigma_milli as f64 / 1000.0;
    let samples = sample(sigma_milli, 1, DRAWS);

    #[expect(clippy::cast_possible_truncation, reason = "a few hundred")]
    let reach = (12.0 * sigma) as i64;
    let weight = |x: i64| (-(x as f64).powi(2) / (2.0 * sigma * sigma)).exp();
    let all: f64 = (-reach..=reach).map(weight).sum();
    let expected = |x: i64| DRAWS as f64 * weight(x) / all;
    let (mut statistic, mut cells) = (0.0, 0);
    let mut rest = (0.0, DRAWS as f64);
    let mut counts = vec![0_u32; usize::try_from(2 * reach + 1).unwrap()];
    for x in samples {
        assert!(x.abs() <= reach, "{x} lies beyond 12 sigma, which has a negligible probability");
        counts[usize::try_from(x + reach).unwrap()] += 1;
    }
    for (x, count) in (-reach..=reach).zip(counts) {
        if expected(x) >= 20.0 {
            statistic += (f64::from(count) - expected(x)).powi(2) / expected(x);
            cells += 1;
            rest = (rest.0 + expected(x), rest.1 - f64::from(count));
        }
    }
    let left = DRAWS as f64 - rest.0;
    statistic += (rest.1 - left).powi(2) / left.max(1.0);
    // Wilson and Hilferty 1931: the cube root of a chi-square over its degrees of freedom is nearly normal.
    let freedom = f64::from(cells);
    let part = 2.0 / (9.0 * freedom);
    let z = ((statistic / freedom).cbrt() - (1.0 - part)) / part.sqrt();
    assert!(z < 3.72, "sigma {sigma}: chi-square {statistic} with {cells} degrees of freedom, z = {z} (p < 1e-4)");
}

#[test]
fn t2_the_sampler_follows_the_exact_probabilities_at_sigma_5() {
    chi_square(5_200);
}

#[test]
fn t2_the_sampler_follows_the_exact_probabilities_at_sigma_26() {
    chi_square(26_000);
}

/// With 20,000 draws the standard error of a sample variance is 1 %. The bound is 5 standard errors (in 22 cases a
/// correct sampler fails for one seed in 80,000); a sigma that is 3 % off changes the variance by 6.
#[test]
fn t2_the_noise_of_every_group_has_its_variance() {
    for (number, group) in Bundle::ALL.into_iter().flat_map(Bundle::groups).enumerate() {
        for step in [1, STEPS] {
            let sigma_milli = group.sigma_milli_of_step(step);
            let samples = sample(sigma_milli, 10 + number as u64 + 100 * u64::from(step), 20_000);
            let square = |x: &i64| (*x as f64 * 1000.0 / sigma_milli as f64).powi(2);
            let variance = samples.iter().map(square).sum::<f64>() / samples.len() as f64;
            assert!((variance - 1.0).abs() < 0.05, "{}, step {step}: {variance} of sigma squared", group.name);
        }
    }
}

/// The noise of a bundle is the noise of its groups, in their order.
#[test]
fn t2_a_bundle_is_drawn_group_by_group() {
    for bundle in Bundle::ALL {
        let mut squares = vec![0.0; bundle.width()];
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        for _ in 0..200 {
            for (sum, x) in squares.iter_mut().zip(noise::sample(bundle, STEPS, &mut rng).unwrap()) {
                *sum += (x as f64).powi(2) / 200.0;
            }
        }
        let mut start = 0;
        for group in bundle.groups() {
            for (place, square) in squares[start..start + group.size].iter().enumerate() {
                // 200 draws: a standard error of 10 % of the variance.
                let sigma = group.sigma_milli_of_step(STEPS) as f64 / 1000.0;
                let variance = square / sigma.powi(2);
                assert!((0.4..1.7).contains(&variance), "{} {place}: {variance} of sigma squared", group.name);
            }
            start += group.size;
        }
    }
}
