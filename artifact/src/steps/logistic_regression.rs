//! `logistic_regression`: the probability of class 1 is 1 / (1 + exp(-(x . coefficients + intercept))).
//!
//! Tensors: `coefficients` (inputs), `intercept` (1). linfa calls the majority class of the training set the
//! positive one; an exporter negates both tensors where that is class 0.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, exp::exp, sums::linear};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of two classes, as `linfa_logistic::FittedLogisticRegression` with its threshold of 0.5.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogisticRegression {}

#[derive(Debug)]
struct Loaded {
    coefficients: Vec<f64>,
    intercept: f64,
}

impl Kind for LogisticRegression {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let coefficients = parameters.vector("coefficients", inputs)?;
        let intercept = parameters.vector("intercept", 1)?[0];
        Ok(Box::new(Loaded { coefficients, intercept }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: 2, probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        linear(rows, &self.coefficients, self.intercept, scores.iter_mut().step_by(2));
        logistic(scores, choices);
    }
}

/// Turns each row's two numbers, the first of which is the score of class 1, into the probabilities of both classes, and
/// chooses the larger one.
pub(super) fn logistic(scores: &mut [f64], choices: &mut [u32]) {
    /// Rows whose exponentials are taken together.
    const ROWS: usize = 64;
    let mut powers = [0.0; ROWS];
    for (rows, choices) in scores.as_chunks_mut::<2>().0.chunks_mut(ROWS).zip(choices.chunks_mut(ROWS)) {
        let powers = &mut powers[..rows.len()];
        for (power, [score, _]) in powers.iter_mut().zip(&*rows) {
            *power = -score.abs();
        }
        exp(powers);
        for ((row, power), choice) in rows.iter_mut().zip(powers).zip(choices) {
            // Each from its own side: 1 - p would lose the small one's digits.
            let (small, large) = (*power / (1.0 + *power), 1.0 / (1.0 + *power));
            *row = if row[0] > 0.0 { [small, large] } else { [large, small] };
            *choice = u32::from(row[1] > row[0]);
        }
    }
}
