//! The knots of segments and products, and a cache of knots: the same ones are requested repeatedly.

use std::sync::Arc;

use moka::future::Cache;
use personality_math::{Braid, Knot, Overflow, ProductVector, Weave};

use super::{
    estimate::Z95,
    measure::{Measure, Quality, Scale, quality},
    mixture::Mixture,
};
use crate::{
    domain::{dimensions::Dimension, error::Error},
    privacy::Released,
};

/// Maximum number of cached knots.
const CACHE_CAPACITY: u64 = 1_000;

/// Knots by their braids.
pub struct KnotCache(Cache<Braid, Arc<Knot>>);

impl Default for KnotCache {
    fn default() -> Self {
        Self(Cache::new(CACHE_CAPACITY))
    }
}

impl KnotCache {
    /// The knot of a braid. It takes milliseconds of computation, on a thread for blocking work; equal braids that are
    /// requested at the same time are computed once.
    ///
    /// # Errors
    /// [`Error::BadUserInput`] if an invariant does not fit into 64 bits.
    pub async fn find(&self, braid: Braid) -> Result<Arc<Knot>, Error> {
        let computed = async {
            let braid = braid.clone();
            let knot = tokio::task::spawn_blocking(move || Knot::of(braid)).await.map_err(Error::internal)?;
            knot.map(Arc::new).map_err(|Overflow| {
                Error::input("braid", "the invariants of this braid do not fit into 64 bits. Use a shorter braid.")
            })
        };
        self.0.try_get_with_by_ref(&braid, computed).await.map_err(|cause: Arc<Error>| (*cause).clone())
    }
}

/// The braid of a segment, and the correlations that it was derived from.
pub struct SegmentBraid {
    pub braid: Braid,
    /// The dimension of each strand.
    pub strands: Vec<Dimension>,
    /// The pairs of dimensions that contribute to the braid, strongest correlation first.
    pub correlations: Vec<(Dimension, Dimension, Measure)>,
    /// The quality of the least exact correlation among the strands.
    pub quality: Quality,
}

/// Derives a braid from the correlations of the dimensions of a segment.
///
/// # Errors
/// [`Error::Internal`] if it is not a release of MOMENTS.
pub fn segment_braid(released: &Released) -> Result<SegmentBraid, Error> {
    let mixture = Mixture::read(released)?;
    let all: Vec<usize> = (0..Dimension::COUNT).collect();
    let weave = Weave::new(&all, |i, j| mixture.rho().correlation(i, j));
    let strands = &weave.strands;
    let pairs = (0..strands.len()).flat_map(|i| (0..i).map(move |j| (strands[j], strands[i])));
    let largest_sigma = pairs.map(|(i, j)| mixture.correlation(i, j).sigma).fold(0.0, f64::max);
    let correlations = weave.crossings.iter().map(|crossing| {
        let (i, j) = crossing.pair;
        (Dimension::ALL[i], Dimension::ALL[j], Scale::CORRELATION.measure(mixture.correlation(i, j)))
    });
    Ok(SegmentBraid {
        strands: strands.iter().map(|index| Dimension::ALL[*index]).collect(),
        correlations: correlations.collect(),
        quality: quality(Z95 * largest_sigma, Scale::CORRELATION.quality_threshold),
        braid: weave.braid,
    })
}

/// Derives a braid from the dimensions that a product states.
#[must_use]
pub fn product_braid(product: &ProductVector) -> Braid {
    Weave::of_product(product).braid
}
