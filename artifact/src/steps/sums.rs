//! The sums that models are made of. Each has one order of summation, whatever the batch.

/// Accumulators, so that the compiler can use vector registers: it may not reorder a sum by itself.
const LANES: usize = 8;

/// `row` . `coefficients` + `intercept`, or NaN if that overflows: an infinity that came about on the way says
/// nothing of the sum's sign, and must not become a confident 0 or 1.
pub(super) fn linear(row: &[f64], coefficients: &[f64], intercept: f64) -> f64 {
    finite(sum(row, coefficients, |a, b| a * b) + intercept)
}

/// The score, or NaN in place of an infinity.
pub(super) fn finite(score: f64) -> f64 {
    if score.is_finite() { score } else { f64::NAN }
}

/// The square of a vector's Euclidean length.
pub(super) fn squared_length(vector: &[f64]) -> f64 {
    sum(vector, vector, |a, b| a * b)
}

/// The sum of `term` over the pairs of two vectors of one length.
pub(super) fn sum<B: Copy>(a: &[f64], b: &[B], term: impl Fn(f64, B) -> f64) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    // In pairs, as the registers hold them: a sum from the first to the last would wait for each addition.
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + e) + (c + g)) + ((b + f) + (d + h)) + rest
}
