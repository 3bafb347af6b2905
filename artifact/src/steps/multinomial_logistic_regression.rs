//! `multinomial_logistic_regression`: the softmax of one linear score per class.
//!
//! Tensors: `coefficients` (classes x inputs), `intercepts` (classes).

#[cfg(feature = "linfa")]
use ndarray::{Array1, Array2};
use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, affine::Affine, best};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
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
        Ok(Box::new(Loaded(Affine::new(&coefficients, &intercepts, inputs))))
    }
}

#[cfg(feature = "linfa")]
impl MultinomialLogisticRegression {
    /// The step that answers as `model` does, whose labels are class indices. linfa knows the classes of the
    /// training rows alone, in ascending order: if one never occurred there, the tensors will not fit the manifest.
    pub fn export(model: &linfa_logistic::MultiFittedLogisticRegression<f64, usize>) -> Exported {
        Self::of(model.params(), model.intercept())
    }

    /// [`Self::export`] of an f32 model. (linfa-logistic keeps the trait private that would make them one.)
    pub fn export_f32(model: &linfa_logistic::MultiFittedLogisticRegression<f32, usize>) -> Exported {
        Self::of(model.params(), model.intercept())
    }

    fn of<F: linfa::Float>(coefficients: &Array2<F>, intercepts: &Array1<F>) -> Exported {
        // linfa's are inputs x classes.
        let coefficients = coefficients.t();
        Exported::new(
            Self {},
            [
                ("coefficients", Tensor::floats(coefficients.shape(), coefficients)),
                ("intercepts", Tensor::floats(&[intercepts.len()], intercepts)),
            ],
        )
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.0.outputs(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        self.0.run(rows, scores);
        for (scores, choice) in scores.chunks_exact_mut(self.0.outputs()).zip(choices) {
            // Before the exponentials: they can make two scores equal that are not.
            *choice = best(scores, f64::gt);
            softmax(scores);
        }
    }
}

/// exp(score) / sum of exp(scores), shifted by the largest so that none overflows. One NaN makes all of them NaN.
fn softmax(scores: &mut [f64]) {
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
