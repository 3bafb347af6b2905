//! `logistic_regression` from `linfa_ftrl::Ftrl`, whose weights are those of a logistic regression without an intercept. Class 1
//! is its `true`.
//!
//! linfa cuts the score off at -35 and 35, beyond which the probability of the other class is below 1e-15.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::FitWith};
//! use linfa::ParamGuard;
//! use linfa_ftrl::Ftrl;
//! use ndarray::array;
//!
//! let dataset = Dataset::new(array![[-1.0, 1.0], [1.0, 0.0], [-2.0, 1.0], [2.0, 0.0]], array![false, true, false, true]);
//! let parameters = Ftrl::params().alpha(0.5).l1_ratio(0.0).check()?;
//! let model = parameters.fit_with(None, &dataset)?;
//! Artifact::from_fitted(&model, "clicks", &dataset)?.named(["passed", "clicked"]).seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::{Float, traits::Predict as _};
use linfa_ftrl::Ftrl;
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow, tolerance};
use crate::{
    Exported,
    steps::{Role, logistic_regression::LogisticRegression},
    tensors::Tensor,
};

impl<F: Float> Fitted for Ftrl<F> {
    fn role(&self) -> Role {
        Role::Classifier { classes: 2, probabilities: true }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let weights = self.get_weights();
        Ok(vec![Exported::new(
            LogisticRegression {},
            [
                ("coefficients", Tensor::floats(&[weights.len()], &weights)),
                ("intercept", Tensor::floats(&[1], &[F::zero()])),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let positive = self.predict(&narrow::<F>(rows)).mapv(|probability| f64::from(*probability));
        let scores = Array2::from_shape_fn((rows.nrows(), 2), |(row, class)| {
            if class == 1 { positive[row] } else { 1.0 - positive[row] }
        });
        // linfa has no threshold; half is where our runtime has it.
        Answers { choices: Some(positive.mapv(|probability| usize::from(probability > 0.5))), scores }
    }

    fn tolerance(&self) -> f64 {
        // linfa tells probabilities as f32, whatever it computes in.
        tolerance::<F>().max(f64::from(f32::EPSILON))
    }
}
