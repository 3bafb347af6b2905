//! Bayes' rule, which naive Bayes, mixtures and softmax regression end in: from the logarithm of how likely each class is
//! together with the row, to the class and the probability of each given the row.

use super::{best, exp::exp};
use crate::tensors::{Parameters, TensorError};

/// How far from 1 a sum of shares may be: far above what f32 rounds away, far below a share that is wrong.
const ROUNDING: f64 = 1e-4;

/// Rows whose exponentials are taken together, while they are in the cache.
const ROWS: usize = 64;

/// Turns the scores of each row (rows x classes) into probabilities, and chooses the first of the largest; there are as many
/// rows as `choices`. A row's scores are shifted by the largest, so that none overflows and a row far from every class
/// still has an answer; one NaN makes all of them NaN.
pub(super) fn posterior(scores: &mut [f64], choices: &mut [u32]) {
    let classes = scores.len() / choices.len();
    for (scores, choices) in scores.chunks_mut(ROWS * classes).zip(choices.chunks_mut(ROWS)) {
        for (scores, choice) in scores.chunks_exact_mut(classes).zip(choices) {
            // Before the exponentials: they can make two scores equal that are not.
            *choice = best(scores, f64::gt);
            let largest = scores[*choice as usize];
            scores.iter_mut().for_each(|score| *score -= largest);
        }
        exp(scores);
        for scores in scores.chunks_exact_mut(classes) {
            let sum: f64 = scores.iter().sum();
            scores.iter_mut().for_each(|score| *score /= sum);
        }
    }
}

/// Takes `len` shares of a whole, each above zero, and gives their logarithms.
///
/// # Errors
/// [`TensorError`] if there are none of that name and length, or they are no shares.
pub(super) fn log_shares(
    parameters: &mut Parameters<'_>,
    name: &str,
    len: usize,
) -> Result<Vec<f64>, TensorError> {
    let shares = parameters.vector(name, len)?;
    if let Some(index) = shares.iter().position(|share| *share <= 0.0) {
        return Err(parameters.refuse(name, index, shares[index], "greater than zero"));
    }
    whole(parameters, name, len - 1, shares.iter().sum())?;
    Ok(shares.into_iter().map(f64::ln).collect())
}

/// Refuses a sum of shares that is not 1, by the position of the last of them.
pub(super) fn whole(
    parameters: &Parameters<'_>,
    name: &str,
    last: usize,
    sum: f64,
) -> Result<(), TensorError> {
    if (sum - 1.0).abs() <= ROUNDING {
        Ok(())
    } else {
        Err(parameters.refuse(name, last, format!("the sum {sum}"), "1"))
    }
}
