//! Benchmarks of the mathematics: `just mathematics`. Targets (`docs/personality.md`): a catalog of 10,000 products is
//! ranked in under 5 ms with the release in memory, a knot of 10 strands and 60 letters is computed in under 50 ms.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use personality_math::{Braid, Density, Knot, alexander, jones, person};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use spots_enrichment::{
    catalog::{RankedCatalog, RankedProduct},
    domain::{
        dimensions::DimensionMap,
        product_state::{PriceBand, ProductState},
        product_vocabulary::{FEATURES, STYLES, Term},
    },
    privacy::{Bundle, contribution, noise},
};

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn dimensions(rng: &mut ChaCha20Rng) -> [f64; 12] {
    std::array::from_fn(|_| rng.random())
}

/// A typical product: most state a price band and some vocabulary terms, some state numbers.
fn product(number: usize, rng: &mut ChaCha20Rng) -> RankedProduct {
    let term = |table: &[Term], rng: &mut ChaCha20Rng| table[rng.random_range(0..table.len())].term.to_owned();
    let numbers = if number.is_multiple_of(4) { dimensions(rng).map(Some) } else { [None; 12] };
    let state = ProductState {
        price: Some(PriceBand::ALL[rng.random_range(0..4)]),
        styles: Some(vec![term(STYLES, rng), term(STYLES, rng)]),
        features: Some(vec![term(FEATURES, rng)]),
        ..ProductState::of_dimensions(&DimensionMap::new(numbers))
    };
    RankedProduct {
        id: format!("product-{number:05}"),
        category: None,
        rating: Some(rng.random_range(0..51_u8).into()),
        resolved: state.resolve().unwrap_or_else(|| unreachable!("it has a price band")),
    }
}

fn ranking(criterion: &mut Criterion) {
    let mut rng = rng();
    let states: Vec<_> = (0..500).map(|_| person(&dimensions(&mut rng))).collect();
    let rho = Density::mixture(&states).unwrap_or_else(|| unreachable!("there are people"));
    let catalog = RankedCatalog((0..10_000).map(|number| product(number, &mut rng)).collect());
    criterion.bench_function("rank 10,000 products", |bench| bench.iter(|| black_box(&catalog).rank(&rho, None, 10)));
    let product = &catalog.0[0].resolved.vector;
    criterion
        .bench_function("compatibility with one product", |bench| bench.iter(|| rho.compatibility(black_box(product))));
    let noisy = *rho.matrix() * 1.1;
    criterion.bench_function("nearest density matrix", |bench| bench.iter(|| Density::nearest(black_box(&noisy))));
    criterion.bench_function("fidelity", |bench| bench.iter(|| rho.fidelity(black_box(&rho))));
}

fn knots(criterion: &mut Criterion) {
    let mut rng = rng();
    let letter = |rng: &mut ChaCha20Rng| if rng.random() { rng.random_range(1..10) } else { -rng.random_range(1..10) };
    let random: Vec<i32> = (0..60).map(|_| letter(&mut rng)).collect();
    let weaving = |width: i32| -> Vec<i32> {
        (0..60).map(|k| k % width).map(|k| if k % 2 == 0 { k + 1 } else { -(k + 1) }).collect()
    };
    // Of the words of 60 letters that were tried, seven columns of nearly equal length take the longest.
    for (name, word) in
        [("random, 10 strands", random), ("weaving, 10 strands", weaving(9)), ("weaving, 8 strands", weaving(7))]
    {
        let braid = Braid::parse(&word).unwrap_or_else(|reason| unreachable!("{reason}"));
        criterion.bench_function(&format!("knot of 60 letters, {name}"), |bench| {
            bench.iter(|| Knot::of(black_box(braid.clone())));
        });
        criterion
            .bench_function(&format!("jones of 60 letters, {name}"), |bench| bench.iter(|| jones(black_box(&braid))));
        criterion.bench_function(&format!("alexander of 60 letters, {name}"), |bench| {
            bench.iter(|| alexander(black_box(&braid)));
        });
    }
}

fn moments(criterion: &mut Criterion) {
    let mean = std::array::from_fn(|k| i64::try_from(k).unwrap_or(0) * 700 - 4_000);
    criterion.bench_function("moments of one person", |bench| bench.iter(|| contribution::moments(black_box(&mean))));
    let mut rng = rng();
    criterion.bench_function("noise of MOMENTS", |bench| bench.iter(|| noise::sample(Bundle::Moments, 5, &mut rng)));
}

criterion_group!(benches, ranking, knots, moments);
criterion_main!(benches);
