//! `linear_regression`: y = x . coefficients + intercept, for one target or several.
//!
//! Tensors: `coefficients` (targets x inputs; the inputs alone if there is one target), `intercept` (targets).
//!
//! Elastic nets, lasso, ridge, least angle regression and partial least squares differ in how they are fitted. What
//! they have learnt is such a map, so that they share this kind.

#[cfg(feature = "linfa")]
use ndarray::{ArrayView1, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

#[cfg(feature = "linfa")]
use super::hidden;
use super::{Kind, Role, Step, sums::linear};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A linear model, as `linfa_linear::FittedLinearRegression` and the fitted types of `linfa_elasticnet`,
/// `linfa_lars` and `linfa_pls` have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRegression {}

#[derive(Debug)]
struct Loaded {
    /// targets x inputs: the weights of a target lie together.
    coefficients: Vec<f64>,
    intercepts: Vec<f64>,
    inputs: usize,
}

impl Kind for LinearRegression {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let intercepts = parameters.numbers_of_any_length("intercept")?;
        let coefficients = match intercepts.len() {
            1 => parameters.vector("coefficients", inputs)?,
            targets => parameters.matrix("coefficients", targets, inputs)?,
        };
        Ok(Box::new(Loaded { coefficients, intercepts, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Regressor { targets: self.intercepts.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        let values = scores.chunks_exact_mut(self.intercepts.len());
        for (row, values) in rows.chunks_exact(self.inputs).zip(values) {
            let targets = self.coefficients.chunks_exact(self.inputs).zip(&self.intercepts);
            for (value, (coefficients, intercept)) in values.iter_mut().zip(targets) {
                *value = linear(row, coefficients, *intercept);
            }
        }
    }
}

#[cfg(feature = "linfa")]
impl LinearRegression {
    /// The step of one target.
    pub fn export<F: linfa::Float>(coefficients: ArrayView1<'_, F>, intercept: F) -> Exported {
        Exported::new(
            Self {},
            [
                ("coefficients", Tensor::floats(&[coefficients.len()], coefficients)),
                ("intercept", Tensor::floats(&[1], &[intercept])),
            ],
        )
    }

    /// The step of as many targets as there are intercepts; `coefficients` are inputs x targets, as linfa has them.
    pub fn export_targets<F: linfa::Float>(
        coefficients: ArrayView2<'_, F>,
        intercepts: ArrayView1<'_, F>,
    ) -> Exported {
        if let [intercept] = intercepts.to_vec()[..] {
            return Self::export(coefficients.index_axis(Axis(1), 0), intercept);
        }
        let coefficients = coefficients.reversed_axes();
        Exported::new(
            Self {},
            [
                ("coefficients", Tensor::floats(coefficients.shape(), coefficients)),
                ("intercept", Tensor::floats(&[intercepts.len()], intercepts)),
            ],
        )
    }

    /// The step that answers as a fitted type of `linfa_pls` does, whatever its kind: ((x - mean) / std) .
    /// `coefficients` + the targets' mean, multiplied out. linfa shows means and deviations in the serde form alone.
    pub fn export_pls<F: linfa::Float>(
        model: &impl Serialize,
        coefficients: &ndarray::Array2<F>,
    ) -> Exported {
        let wide = |value: &F| value.to_f64().unwrap_or(f64::NAN);
        let (mean, std) = (hidden::array(model, "x_mean"), hidden::array(model, "x_std"));
        let mut coefficients = coefficients.map(wide);
        for (mut row, std) in coefficients.rows_mut().into_iter().zip(&std) {
            row /= *std;
        }
        let intercepts = hidden::array(model, "y_mean") - mean.dot(&coefficients);
        Self::export_targets(coefficients.view(), intercepts.view())
    }
}
