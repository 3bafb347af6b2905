//! `generalized_linear_model`: y = the inverse of the link, at x . coefficients + intercept.
//!
//! Tensors: `coefficients` (inputs), `intercept` (1).

use serde::{Deserialize, Serialize};

#[cfg(feature = "linfa")]
use super::hidden::fields;
use super::{Kind, Role, Step, sums::linear};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
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
        for (row, value) in rows.chunks_exact(self.coefficients.len()).zip(scores) {
            *value = self.link.inverse(linear(row, &self.coefficients, self.intercept));
        }
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

#[cfg(feature = "linfa")]
impl GeneralizedLinearModel {
    /// The step that answers as `model` does. linfa shows the link in the serde form alone.
    ///
    /// # Errors
    /// None with the linfa that this is built with.
    pub fn export<F: linfa::Float + Serialize>(
        model: &linfa_linear::TweedieRegressor<F>,
    ) -> Result<Exported, serde_json::Error> {
        #[derive(Deserialize)]
        struct Model {
            link: linfa_linear::Link,
        }

        let link = match fields::<Model>(model)?.link {
            linfa_linear::Link::Identity => Link::Identity,
            linfa_linear::Link::Log => Link::Log,
            linfa_linear::Link::Logit => Link::Logit,
        };
        Ok(Exported::new(
            Self { link },
            [
                ("coefficients", Tensor::floats(&[model.coef.len()], &model.coef)),
                ("intercept", Tensor::floats(&[1], &[model.intercept])),
            ],
        ))
    }
}
