//! Projection onto the probability simplex.

/// The number to subtract from each value so that the positive differences sum to 1 (Duchi, Shalev-Shwartz, Singer &
/// Chandra 2008). With negative differences set to 0, the result is the nearest point of the simplex.
#[must_use]
pub fn simplex_shift(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let (mut sum, mut shift) = (0.0, 0.0);
    for (before, value) in sorted.into_iter().enumerate() {
        sum += value;
        let candidate = (sum - 1.0) / (before + 1) as f64;
        if value > candidate {
            shift = candidate;
        }
    }
    shift
}
