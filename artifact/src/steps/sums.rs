//! The sums that models are made of. Each has one order of summation, whatever the batch.

/// Accumulators, so that the compiler can use vector registers: it may not reorder a sum by itself.
const LANES: usize = 8;

/// `row` . `coefficients` + `intercept`, or NaN if that overflows: an infinity that came about on the way says
/// nothing of the sum's sign, and must not become a confident 0 or 1.
pub(super) fn linear(row: &[f64], coefficients: &[f64], intercept: f64) -> f64 {
    let score = sum(row, coefficients, |a, b| a * b) + intercept;
    if score.is_finite() { score } else { f64::NAN }
}

/// The sum of `term` over the pairs of two vectors of one length.
fn sum(a: &[f64], b: &[f64], term: impl Fn(f64, f64) -> f64) -> f64 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += term(a[lane], b[lane]);
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    sums.iter().sum::<f64>() + rest
}

/// exp(score) / sum of exp(scores), shifted by the largest so that none overflows. One NaN makes all of them NaN.
pub(super) fn softmax(scores: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for score in scores.iter_mut() {
        *score = (*score - largest).exp();
        sum += *score;
    }
    for score in scores {
        *score /= sum;
    }
}
