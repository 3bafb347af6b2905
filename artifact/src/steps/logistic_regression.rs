//! `logistic_regression`: the probability of class 1 is 1 / (1 + exp(-(x . coefficients + intercept))).
//!
//! Tensors: `coefficients` (inputs), `intercept` (1). linfa calls the majority class of the training set the
//! positive one; an exporter negates both tensors where that is class 0.

#[cfg(feature = "linfa")]
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, best, sums::linear};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
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

#[cfg(feature = "linfa")]
impl LogisticRegression {
    /// The step that answers as `model` does, whose labels are the class indices 0 and 1. linfa tells no threshold:
    /// with another than 0.5, [`crate::Artifact::seal`] shows where the two differ.
    pub fn export(model: &linfa_logistic::FittedLogisticRegression<f64, usize>) -> Exported {
        let labels = model.labels();
        Self::of(model.params(), model.intercept(), labels.pos.class < labels.neg.class)
    }

    /// [`Self::export`] of an f32 model. (linfa-logistic keeps the trait private that would make them one.)
    pub fn export_f32(model: &linfa_logistic::FittedLogisticRegression<f32, usize>) -> Exported {
        let labels = model.labels();
        Self::of(model.params(), model.intercept(), labels.pos.class < labels.neg.class)
    }

    fn of<F: linfa::Float>(coefficients: &Array1<F>, intercept: F, negate: bool) -> Exported {
        let sign = if negate { -F::one() } else { F::one() };
        Exported::new(
            Self {},
            [
                ("coefficients", Tensor::floats(&[coefficients.len()], &(coefficients * sign))),
                ("intercept", Tensor::floats(&[1], &[intercept * sign])),
            ],
        )
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
            // Each from its own side: 1 - p would lose the small one's digits.
            *probabilities = [1.0 / (1.0 + score.exp()), 1.0 / (1.0 + (-score).exp())];
            *choice = best(probabilities, f64::gt);
        }
    }
}
