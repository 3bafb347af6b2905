//! `logistic_regression` and `multinomial_logistic_regression` from `linfa_logistic`, whose labels are class indices.

use linfa::traits::Predict as _;
use linfa_logistic::{FittedLogisticRegression, MultiFittedLogisticRegression};
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{
        Role, logistic_regression::LogisticRegression,
        multinomial_logistic_regression::MultinomialLogisticRegression,
    },
    tensors::Tensor,
};

/// linfa-logistic keeps the trait private that would make f32 and f64 one.
macro_rules! fitted {
    ($($Float:ty),*) => {$(
        /// linfa tells no threshold: with another than 0.5, [`crate::Artifact::seal`] shows where the two differ.
        impl Fitted for FittedLogisticRegression<$Float, usize> {
            fn role(&self) -> Role {
                Role::Classifier { classes: 2, probabilities: true }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                // The class that linfa calls positive is the more frequent one; ours is 1.
                let sign: $Float = if self.labels().pos.class < self.labels().neg.class { -1.0 } else { 1.0 };
                Ok(vec![Exported::new(
                    LogisticRegression {},
                    [
                        ("coefficients", Tensor::floats(&[self.params().len()], &(self.params() * sign))),
                        ("intercept", Tensor::floats(&[1], &[self.intercept() * sign])),
                    ],
                )])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                let rows = narrow(rows);
                let positive = wide(self.predict_probabilities(&rows));
                let scores = Array2::from_shape_fn((rows.nrows(), 2), |(row, class)| {
                    if class == self.labels().pos.class { positive[row] } else { 1.0 - positive[row] }
                });
                Answers { choices: Some(self.predict(&rows)), scores }
            }
        }

        /// linfa knows the classes of the training rows alone, in ascending order: if one never occurred there, the tensors
        /// will not fit the manifest.
        impl Fitted for MultiFittedLogisticRegression<$Float, usize> {
            fn role(&self) -> Role {
                Role::Classifier { classes: self.classes().len(), probabilities: true }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                // linfa's are inputs x classes.
                let (coefficients, intercepts) = (self.params().t(), self.intercept());
                Ok(vec![Exported::new(
                    MultinomialLogisticRegression {},
                    [
                        ("coefficients", Tensor::floats(coefficients.shape(), coefficients)),
                        ("intercepts", Tensor::floats(&[intercepts.len()], intercepts)),
                    ],
                )])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                let rows = narrow(rows);
                Answers { choices: Some(self.predict(&rows)), scores: wide(self.predict_probabilities(&rows)) }
            }
        }
    )*};
}

fitted!(f32, f64);
