//! `linear_regression`: y = x . coefficients + intercept, for one target.
//!
//! Tensors: `coefficients` (inputs), `intercept` (1).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, sums::linear};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A linear model of one target, as `linfa_linear::FittedLinearRegression` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearRegression {}

#[derive(Debug)]
struct Loaded {
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
        let coefficients = parameters.vector("coefficients", inputs)?;
        let intercept = parameters.vector("intercept", 1)?[0];
        Ok(Box::new(Loaded { coefficients, intercept }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        for (row, value) in rows.chunks_exact(self.coefficients.len()).zip(scores) {
            *value = linear(row, &self.coefficients, self.intercept);
        }
    }
}
