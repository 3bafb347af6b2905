//! The sums that models are made of. Each has one order of summation, whatever the batch.

use pulp::{Arch, Simd, WithSimd};

/// Accumulators, so that the compiler can use vector registers: it may not reorder a sum by itself.
const LANES: usize = 8;

/// Writes row . `coefficients` + `intercept` for each of `rows`, or NaN where that overflows: an infinity that came about on
/// the way says nothing of the sum's sign, and must not become a confident 0 or 1.
pub(super) fn linear<'a>(
    rows: &[f64],
    coefficients: &[f64],
    intercept: f64,
    scores: impl Iterator<Item = &'a mut f64>,
) {
    Arch::new().dispatch(Linear { rows, coefficients, intercept, scores });
}

struct Linear<'a, T> {
    rows: &'a [f64],
    coefficients: &'a [f64],
    intercept: f64,
    scores: T,
}

impl<'a, T: Iterator<Item = &'a mut f64>> WithSimd for Linear<'_, T> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let rows = self.rows.chunks_exact(self.coefficients.len());
        for (row, score) in rows.zip(self.scores) {
            *score = finite(product(simd, row, self.coefficients) + self.intercept);
        }
    }
}

/// The score, or NaN in place of an infinity.
pub(super) fn finite(score: f64) -> f64 {
    if score.is_finite() { score } else { f64::NAN }
}

/// The square of a vector's Euclidean length.
pub(super) fn squared_length(vector: &[f64]) -> f64 {
    sum(vector, vector, |a, b| a * b)
}

/// `a` . `b`, of so many numbers that the vectors of the processor pay for being asked about; both have one length.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    Arch::new().dispatch(Dot(a, b))
}

struct Dot<'a>(&'a [f64], &'a [f64]);

impl WithSimd for Dot<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f64 {
        product(simd, self.0, self.1)
    }
}

#[inline(always)]
fn product<S: Simd>(simd: S, a: &[f64], b: &[f64]) -> f64 {
    let ((a, a_rest), (b, b_rest)) = (S::as_simd_f64s(a), S::as_simd_f64s(b));
    let ((a, a_few), (b, b_few)) = (a.as_chunks::<4>(), b.as_chunks::<4>());
    let mut sums = [simd.splat_f64s(0.0); 4];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum = simd.mul_add_e_f64s(*a, *b, *sum);
        }
    }
    for (sum, (a, b)) in sums.iter_mut().zip(a_few.iter().zip(b_few)) {
        *sum = simd.mul_add_e_f64s(*a, *b, *sum);
    }
    // What fills no register, with zeros beside it.
    let (a, b) = (simd.partial_load_f64s(a_rest), simd.partial_load_f64s(b_rest));
    let [first, second, third, fourth] = sums;
    let fourth = simd.mul_add_e_f64s(a, b, fourth);
    simd.reduce_sum_f64s(simd.add_f64s(simd.add_f64s(first, second), simd.add_f64s(third, fourth)))
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

#[cfg(test)]
mod tests {
    use super::{dot, sum};

    #[test]
    fn products_are_summed_up_whatever_their_number() {
        for len in 0..100 {
            let numbers: Vec<_> = (0..len).map(f64::from).collect();
            // 0² + 1² + 2² + …, which is exact.
            let right = f64::from(len * (len - 1) * (2 * len - 1) / 6);
            assert_eq!(dot(&numbers, &numbers), right, "{len}");
            assert_eq!(sum(&numbers, &numbers, |a, b| a * b), right, "{len}");
        }
    }
}
