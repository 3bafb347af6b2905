//! `linear_regression`: y = x . coefficients + intercept, for one target or several.
//!
//! Tensors: `coefficients` (targets x inputs; the inputs alone if there is one target), `intercept` (targets).
//!
//! Elastic nets, lasso, ridge, least angle regression and partial least squares differ in how they are fitted. What
//! they have learnt is such a map, so that they share this kind.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, affine::Affine};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A linear model, as `linfa_linear::FittedLinearRegression` and the fitted types of `linfa_elasticnet`,
/// `linfa_lars` and `linfa_pls` have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRegression {}

impl Kind for LinearRegression {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let intercepts = parameters.numbers_of_any_length("intercept")?;
        // Of one target, the inputs alone.
        let coefficients = match intercepts.len() {
            1 => parameters.vector("coefficients", inputs)?,
            targets => parameters.matrix("coefficients", targets, inputs)?,
        };
        Ok(Box::new(Affine::new(coefficients, intercepts, inputs)))
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
