//! The exponential function of many numbers at once. The one of the standard library takes them one by one, through a
//! call that no vector register passes.

use pulp::{Arch, Simd, WithSimd};

/// Below it, the result is 0: exp has left the normal numbers.
const LEAST: f64 = -708.0;

/// Replaces each of `exponents`, which are at most 0, by e to the power of it, within 2 units in the last place; by 0 below
/// -708, where it is less than 1e-307. NaN stays NaN.
///
/// With n = round(x / ln 2) and r = x - n ln 2, it is 2^n exp(r), and |r| <= ln 2 / 2: the Taylor series of exp(r) ends
/// below the last place after 13 terms. (Cody and Waite, Software Manual for the Elementary Functions, 1980)
pub(super) fn exp(exponents: &mut [f64]) {
    Arch::new().dispatch(Exp(exponents));
}

struct Exp<'a>(&'a mut [f64]);

impl WithSimd for Exp<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        for exponent in self.0 {
            *exponent = power::<S>(*exponent);
        }
    }
}

#[inline(always)]
fn power<S: Simd>(exponent: f64) -> f64 {
    /// ln 2 in two parts; the first has so few digits that its products with n are exact.
    const LN_2: [f64; 2] = [6.931_471_803_691_238e-1, 1.908_214_929_270_587_7e-10];
    /// 1.5 * 2^52: adding it rounds to an integer, which then stands in the last bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    /// The exponent of 1 in an f64.
    const BIAS: u64 = 1023;
    /// 1 / 13!, 1 / 12!, … 1 / 0!
    const TERMS: [f64; 14] = {
        let mut terms = [1.0; 14];
        let mut at = 13;
        while at > 0 {
            terms[at - 1] = terms[at] / (14 - at) as f64;
            at -= 1;
        }
        terms
    };
    let x = if exponent < LEAST { LEAST } else { exponent };
    let shifted = multiply_add::<S>(x, std::f64::consts::LOG2_E, ROUND);
    let n = shifted - ROUND;
    let r = multiply_add::<S>(n, -LN_2[1], multiply_add::<S>(n, -LN_2[0], x));
    let mut series = TERMS[0];
    for term in &TERMS[1..] {
        series = multiply_add::<S>(series, r, *term);
    }
    let scale = f64::from_bits(shifted.to_bits().wrapping_add(BIAS) << 52);
    if exponent < LEAST { 0.0 } else { series * scale }
}

/// `a` * `b` + `c`, fused where the processor has an instruction for it.
#[inline(always)]
fn multiply_add<S: Simd>(a: f64, b: f64, c: f64) -> f64 {
    // Whoever has vectors of several f64 in pulp has the instruction; elsewhere it is a slow call.
    if S::F64_LANES > 1 { a.mul_add(b, c) } else { a * b + c }
}

#[cfg(test)]
mod tests {
    use super::exp;

    #[test]
    fn the_powers_are_those_of_the_standard_library() {
        // Close together near 0, where exponents mostly are.
        let exponents: Vec<_> =
            (0..200_000).map(|step| -708.0 * (f64::from(step) / 200_000.0).powi(3)).collect();
        let mut powers = exponents.clone();
        exp(&mut powers);
        let off = |(found, x): (&f64, &f64)| (found - x.exp()).abs() / (x.exp() * f64::EPSILON);
        let worst = powers.iter().zip(&exponents).map(off).fold(0.0, f64::max);
        assert!(worst <= 2.0, "{worst} units");
    }

    #[test]
    fn the_ends_of_the_range_are_right() {
        let mut powers = [-0.0, -1e-300, -708.0, -708.001, -f64::MAX, f64::NEG_INFINITY, f64::NAN];
        exp(&mut powers);
        assert_eq!(powers[..2], [1.0, 1.0]);
        assert!((powers[2] / (-708.0_f64).exp() - 1.0).abs() < 1e-15);
        assert_eq!(powers[3..6], [0.0; 3]);
        assert!(powers[6].is_nan());
    }

    #[test]
    fn a_number_has_the_same_power_wherever_it_stands() {
        let mut alone = [-1.234];
        exp(&mut alone);
        for len in 1..40 {
            let mut powers = vec![-1.234; len];
            exp(&mut powers);
            assert_eq!(powers, vec![alone[0]; len]);
        }
    }
}
