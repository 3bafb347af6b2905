//! `generalized_linear_model`: y = the inverse of the link, at x . coefficients + intercept.
//!
//! Tensors: `coefficients` (inputs), `intercept` (1).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, sums::linear};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A linear model behind a link, as `linfa_linear::TweedieRegressor`. The distribution is a matter of fitting alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GeneralizedLinearModel {
    /// Between the mean of the target and the linear score.
    pub link: Link,
}

/// A link, by the function that it is; what answers is its inverse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// The score itself.
    Identity,
    /// exp(score).
    Log,
    /// 1 / (1 + exp(-score)).
    Logit,
}

#[derive(Debug)]
struct Loaded {
    link: Link,
    coefficients: Vec<f64>,
    intercept: f64,
}

impl Kind for GeneralizedLinearModel {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let coefficients = parameters.vector("coefficients", inputs)?;
        let intercept = parameters.vector("intercept", 1)?[0];
        Ok(Box::new(Loaded { link: self.link, coefficients, intercept }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        linear(rows, &self.coefficients, self.intercept, scores.iter_mut());
        scores.iter_mut().for_each(|score| *score = self.link.inverse(*score));
    }
}

impl Link {
    /// The mean of the target at a score; NaN at NaN.
    fn inverse(self, score: f64) -> f64 {
        match self {
            Self::Identity => score,
            Self::Log => score.exp(),
            Self::Logit => 1.0 / (1.0 + (-score).exp()),
        }
    }
}
