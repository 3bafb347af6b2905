//! `logistic_regression`: the probability of class 1 is 1 / (1 + exp(-(x . coefficients + intercept))).
//!
//! Tensors: `coefficients` (inputs), `intercept` (1). linfa calls the majority class of the training set the
//! positive one; an exporter negates both tensors where that is class 0.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, best, sums::linear};
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
        let rows = rows.chunks_exact(self.coefficients.len());
        for ((row, probabilities), choice) in rows.zip(scores.as_chunks_mut::<2>().0).zip(choices) {
            let score = linear(row, &self.coefficients, self.intercept);
            *probabilities = logistic(score);
            *choice = best(probabilities, f64::gt);
        }
    }
}

/// The probabilities of two classes, the second of which has that score. Each from its own side: 1 - p would lose the
/// small one's digits.
pub(super) fn logistic(score: f64) -> [f64; 2] {
    [1.0 / (1.0 + score.exp()), 1.0 / (1.0 + (-score).exp())]
}
