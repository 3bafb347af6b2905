//! `linear_regression`: y = x . coefficients + intercept, for one target or several.
//!
//! Tensors: `coefficients` (targets x inputs; the inputs alone if there is one target), `intercept` (targets).
//!
//! Elastic nets, lasso, ridge, least angle regression and partial least squares differ in how they are fitted. What
//! they have learnt is such a map, so that they share this kind.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, affine::Affine, sums::linear};
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
