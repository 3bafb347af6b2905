//! `linear_regression` from the types of linfa that are a weighted sum, or one for each of several targets: ordinary least
//! squares, elastic nets (lasso and ridge among them) and least angle regression.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_elasticnet::MultiTaskElasticNet;
//! use ndarray::{Array2, array};
//!
//! let rows = Array2::from_shape_fn((20, 2), |(row, column)| (row * (column + 3) % 7) as f64 - 3.0);
//! let targets = rows.dot(&array![[1.0, 0.5], [2.0, -1.0]]);
//! let dataset = Dataset::new(rows, targets);
//! let model = MultiTaskElasticNet::params().penalty(0.01).fit(&dataset)?;
//! Artifact::from_fitted(&model, "weather", &dataset)?.named(["temperature", "pressure"]).seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::{
    Float,
    traits::{Predict as _, PredictInplace as _},
};
use linfa_elasticnet::{ElasticNet, MultiTaskElasticNet};
use linfa_lars::Lars;
use linfa_linear::FittedLinearRegression;
use ndarray::{Array1, Array2, Axis};

use super::{Answers, ExportError, Fitted, narrow, tolerance, wide};
use crate::{
    Exported,
    steps::{Role, linear_regression::LinearRegression},
    tensors::Tensor,
};

macro_rules! one_target {
    ($($Model:ident . $weights:ident),*) => {$(
        impl<F: Float> Fitted for $Model<F> {
            fn role(&self) -> Role {
                Role::Regressor { targets: 1 }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                let (weights, intercept) = (self.$weights(), self.intercept());
                Ok(vec![Exported::new(
                    LinearRegression {},
                    [
                        ("coefficients", Tensor::floats(&[weights.len()], weights)),
                        ("intercept", Tensor::floats(&[1], &[intercept])),
                    ],
                )])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                Answers::numbers(wide(self.predict(&narrow(rows))).insert_axis(Axis(1)))
            }

            fn tolerance(&self) -> f64 {
                tolerance::<F>()
            }
        }
    )*};
}

one_target!(FittedLinearRegression.params, ElasticNet.hyperplane, Lars.hyperplane);

impl<F: Float> Fitted for MultiTaskElasticNet<F> {
    fn role(&self) -> Role {
        Role::Regressor { targets: self.intercept().len() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        Ok(vec![targets(self.hyperplane(), self.intercept())])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        // `predict` would make room for rows x rows answers first.
        let mut answers = Array2::zeros((rows.nrows(), self.intercept().len()));
        self.predict_inplace(&narrow(rows), &mut answers);
        Answers::numbers(wide(answers))
    }

    fn tolerance(&self) -> f64 {
        tolerance::<F>()
    }
}

/// The step with those `weights`, inputs x targets as linfa has them, and an intercept for each target.
pub(super) fn targets<F: Float>(weights: &Array2<F>, intercepts: &Array1<F>) -> Exported {
    let weights = weights.t();
    // Of one target the format has no matrix.
    let shape = if intercepts.len() == 1 { &weights.shape()[1..] } else { weights.shape() };
    Exported::new(
        LinearRegression {},
        [
            ("coefficients", Tensor::floats(shape, weights)),
            ("intercept", Tensor::floats(&[intercepts.len()], intercepts)),
        ],
    )
}
