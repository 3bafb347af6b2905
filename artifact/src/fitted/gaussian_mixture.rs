//! `gaussian_mixture` from `linfa_clustering::GaussianMixtureModel`.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{DatasetBase, traits::Fit};
//! use ndarray::Array2;
//!
//! let rows = Array2::from_shape_fn((60, 2), |(row, column)| (row % 2 * 20) as f64 + ((row * 7 + column * 5) % 11) as f64);
//! let dataset = DatasetBase::from(rows);
//! let model = linfa_clustering::GaussianMixtureModel::params(2).fit(&dataset)?;
//! Artifact::from_fitted(&model, "groups", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::{Float, traits::Predict as _};
use linfa_clustering::GaussianMixtureModel;
use ndarray::{Array2, Ix3};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Answers, ExportError, Fitted,
    hidden::{Hidden, fields, numbers},
    narrow, wide,
};
use crate::{
    Exported,
    steps::{Role, gaussian_mixture::GaussianMixture},
    tensors::Tensor,
};

/// What linfa shows in no other way than serialised.
#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Factors<F> {
    precisions_chol: Hidden<F, Ix3>,
}

impl<F: Float + Serialize + DeserializeOwned> Fitted for GaussianMixtureModel<F> {
    fn role(&self) -> Role {
        Role::Mixture { clusters: self.means().nrows() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let what = "linfa_clustering::GaussianMixtureModel";
        let factors = fields::<Factors<F>>(what, self)?.precisions_chol;
        Ok(vec![Exported::new(
            GaussianMixture {},
            [
                ("weights", Tensor::floats(self.weights().shape(), self.weights())),
                ("means", Tensor::floats(self.means().shape(), self.means())),
                ("precision_factors", Tensor::floats(factors.shape(), &numbers(&factors))),
            ],
        )])
    }

    /// Far from all clusters linfa divides by a sum that has lost its digits or all of itself: where its probabilities
    /// do not add up to 1, they are no answer, and NaN here.
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        let mut probabilities = self.predict_proba(&rows);
        for mut row in probabilities.rows_mut() {
            let missing = (row.sum() - F::one()).abs();
            // What a sum of sound ones may lack is some hundred roundings.
            if missing.is_nan() || missing > F::epsilon() * F::cast(1e4) {
                row.fill(F::nan());
            }
        }
        Answers { choices: Some(self.predict(&rows)), scores: wide(probabilities) }
    }
}
