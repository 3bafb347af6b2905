//! `multinomial_logistic_regression`: the softmax of one linear score per class.
//!
//! Tensors: `coefficients` (classes x inputs), `intercepts` (classes).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, affine::Affine, posterior::posterior};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of several classes, as `linfa_logistic::MultiFittedLogisticRegression`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultinomialLogisticRegression {}

/// The scores; the rest is the same for all.
#[derive(Debug)]
struct Loaded(Affine);

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
        Ok(Box::new(Loaded(Affine::new(coefficients, intercepts, inputs))))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.0.outputs(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        self.0.run(rows, scores);
        posterior(scores, choices);
    }
}
