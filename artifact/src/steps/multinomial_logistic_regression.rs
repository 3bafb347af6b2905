//! `multinomial_logistic_regression`: the softmax of one linear score per class.
//!
//! Tensors: `coefficients` (classes x inputs), `intercepts` (classes).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, posterior::posterior, sums::linear};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of several classes, as `linfa_logistic::MultiFittedLogisticRegression`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultinomialLogisticRegression {}

#[derive(Debug)]
struct Loaded {
    /// classes x inputs: the weights of a class lie together.
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    inputs: usize,
}

impl Kind for MultinomialLogisticRegression {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let coefficients = parameters.matrix("coefficients", classes, inputs)?;
        let intercepts = parameters.vector("intercepts", classes)?;
        Ok(Box::new(Loaded { coefficients, intercepts, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.intercepts.len(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let scores = scores.chunks_exact_mut(self.intercepts.len());
        for ((row, scores), choice) in rows.chunks_exact(self.inputs).zip(scores).zip(choices) {
            let weights = self.coefficients.chunks_exact(self.inputs).zip(&self.intercepts);
            for (score, (coefficients, intercept)) in scores.iter_mut().zip(weights) {
                *score = linear(row, coefficients, *intercept);
            }
            *choice = posterior(scores);
        }
    }
}
