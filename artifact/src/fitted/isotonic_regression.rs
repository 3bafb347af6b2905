//! `isotonic_regression` from `linfa_linear::FittedIsotonicRegression`, which shows its points in the serialised form alone.
//!
//! linfa's fit is right for rows in ascending order whose targets ascend, too. It pools more than it has to, it takes the rows for
//! sorted by the feature whatever their order, and it turns a descending function round. What it fitted is exported as it is;
//! the points of rows in another order do not ascend, and loading refuses them.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_linear::IsotonicRegression;
//! use ndarray::array;
//!
//! let dataset = Dataset::new(array![[0.0], [1.0], [2.0], [3.0]], array![1.0, 2.0, 2.0, 9.0]);
//! let model = IsotonicRegression::new().fit(&dataset)?;
//! Artifact::from_fitted(&model, "growth", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::traits::Predict as _;
use linfa_linear::{FittedIsotonicRegression, Float};
use ndarray::{Array2, Axis, Ix1};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Answers, ExportError, Fitted,
    hidden::{Hidden, fields, numbers},
    narrow, tolerance, wide,
};
use crate::{
    Exported,
    steps::{Role, isotonic_regression::IsotonicRegression},
    tensors::Tensor,
};

#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Model<F> {
    regressor: Hidden<F, Ix1>,
    response: Hidden<F, Ix1>,
}

impl<F: Float + Serialize + DeserializeOwned> Fitted for FittedIsotonicRegression<F> {
    fn role(&self) -> Role {
        Role::Regressor { targets: 1 }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let Model::<F> { regressor, response } = fields("FittedIsotonicRegression", self)?;
        Ok(vec![Exported::new(
            IsotonicRegression {},
            [
                ("knots", Tensor::floats(regressor.shape(), &numbers(&regressor))),
                ("values", Tensor::floats(response.shape(), &numbers(&response))),
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
