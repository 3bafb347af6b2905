//! The exponential function of many numbers at once. The one of the standard library takes them one by one, through a
//! call that no vector register passes.

use super::panels::{LANES, Lanes};

/// Below it, the result is 0: exp has left the normal numbers.
const LEAST: f64 = -708.0;

/// e to the power of each of `exponents`, which are at most 0, within 2 units in the last place; 0 below -708, where
/// it is less than 1e-307. NaN stays NaN.
///
/// With n = round(x / ln 2) and r = x - n ln 2, it is 2^n exp(r), and |r| <= ln 2 / 2: the Taylor series of exp(r) ends
/// below the last place after 13 terms. (Cody and Waite, Software Manual for the Elementary Functions, 1980)
#[inline(always)]
pub(super) fn exp(exponents: &Lanes) -> Lanes {
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

    let mut powers = [0.0; LANES];
    for (power, exponent) in powers.iter_mut().zip(exponents) {
        let x = if *exponent < LEAST { LEAST } else { *exponent };
        let shifted = x * std::f64::consts::LOG2_E + ROUND;
        let n = shifted - ROUND;
        let r = (x - n * LN_2[0]) - n * LN_2[1];
        let mut series = TERMS[0];
        for term in &TERMS[1..] {
            series = series * r + term;
        }
        let scale = f64::from_bits(shifted.to_bits().wrapping_add(BIAS) << 52);
        *power = if *exponent < LEAST { 0.0 } else { series * scale };
    }
    powers
}

#[cfg(test)]
mod tests {
    use super::{LANES, exp};

    #[test]
    fn the_powers_are_those_of_the_standard_library() {
        let mut worst: f64 = 0.0;
        for step in 0..200_000 {
            // Close together near 0, where exponents mostly are.
            let x = -708.0 * (f64::from(step) / 200_000.0).powi(3);
            let (found, right) = (exp(&[x; LANES])[LANES - 1], x.exp());
            worst = worst.max((found - right).abs() / (right * f64::EPSILON));
        }
        assert!(worst <= 2.0, "{worst} units");
    }

    #[test]
    fn the_ends_of_the_range_are_right() {
        let mut exponents = [0.0; LANES];
        exponents[..6].copy_from_slice(&[-0.0, -1e-300, -708.0, -708.001, -f64::MAX, f64::NEG_INFINITY]);
        exponents[6] = f64::NAN;
        let powers = exp(&exponents);
        assert_eq!(powers[..2], [1.0, 1.0]);
        assert!((powers[2] / (-708.0_f64).exp() - 1.0).abs() < 1e-15);
        assert_eq!(powers[3..6], [0.0; 3]);
        assert!(powers[6].is_nan());
        assert_eq!(powers[7..], [1.0; LANES - 7]);
    }
}
