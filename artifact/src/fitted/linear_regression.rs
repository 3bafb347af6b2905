//! `linear_regression` from `linfa_linear::FittedLinearRegression`.

use linfa::{Float, traits::Predict as _};
use linfa_linear::FittedLinearRegression;
use ndarray::{Array2, Axis};

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{Role, linear_regression::LinearRegression},
    tensors::Tensor,
};

impl<F: Float> Fitted for FittedLinearRegression<F> {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        Ok(vec![Exported::new(
            LinearRegression {},
            [
                ("coefficients", Tensor::floats(&[self.params().len()], self.params())),
                ("intercept", Tensor::floats(&[1], &[self.intercept()])),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers::numbers(wide(self.predict(&narrow(rows))).insert_axis(Axis(1)))
    }
}
