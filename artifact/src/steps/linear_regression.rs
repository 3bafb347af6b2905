//! `linear_regression`: y = x . coefficients + intercept, for one target or several.
//!
//! Tensors: `coefficients` (targets x inputs; the inputs alone if there is one target), `intercept` (targets).
//!
//! Elastic nets, lasso, ridge, least angle regression and partial least squares differ in how they are fitted. What
//! they have learnt is such a map, so that they share this kind.

#[cfg(feature = "linfa")]
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, Ix1};
use serde::{Deserialize, Serialize};

#[cfg(feature = "linfa")]
use super::hidden::{Hidden, fields, numbers};
use super::{Kind, Role, Step, affine::Affine, sums::linear};
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

/// A map to one target, which a plain sum is fastest for.
#[derive(Debug)]
struct OneTarget {
    coefficients: Vec<f64>,
    intercept: f64,
}

impl Kind for LinearRegression {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let intercepts = parameters.numbers_of_any_length("intercept")?;
        if let [intercept] = intercepts[..] {
            let coefficients = parameters.vector("coefficients", inputs)?;
            return Ok(Box::new(OneTarget { coefficients, intercept }));
        }
        let coefficients = parameters.matrix("coefficients", intercepts.len(), inputs)?;
        Ok(Box::new(Affine::new(&coefficients, &intercepts, inputs)))
    }
}

impl Step for OneTarget {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        for (row, value) in rows.chunks_exact(self.coefficients.len()).zip(scores) {
            *value = linear(row, &self.coefficients, self.intercept);
        }
    }
}

impl Step for Affine {
    fn role(&self) -> Role {
        Role::Regressor { targets: self.outputs() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        self.run(rows, scores);
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
    ///
    /// # Errors
    /// What the serde form lacks: `model` is of another type.
    pub fn export_pls<F: linfa::Float>(
        model: &impl Serialize,
        coefficients: &Array2<F>,
    ) -> Result<Exported, serde_json::Error> {
        #[derive(Deserialize)]
        struct Model {
            x_mean: Hidden<f64, Ix1>,
            x_std: Hidden<f64, Ix1>,
            y_mean: Hidden<f64, Ix1>,
        }

        let Model { x_mean, x_std, y_mean } = fields(model)?;
        let [mean, std, targets] = [x_mean, x_std, y_mean].map(|array| Array1::from(numbers(&array)));
        let mut coefficients = coefficients.map(|value| value.to_f64().unwrap_or(f64::NAN));
        coefficients /= &std.insert_axis(Axis(1));
        let intercepts = targets - mean.dot(&coefficients);
        Ok(Self::export_targets(coefficients.view(), intercepts.view()))
    }
}
