//! `linear_regression` from `linfa_pls`: regression, canonical and canonical correlation. Each answers
//! ((x - mean) / deviation) . coefficients + the targets' means, which is multiplied out. linfa shows means and deviations in the
//! serialised form alone.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_pls::PlsRegression;
//! use ndarray::{Array2, array};
//!
//! let rows = Array2::from_shape_fn((20, 2), |(row, column)| (row * (column + 3) % 7) as f64);
//! let targets = rows.dot(&array![[1.0, 0.5], [2.0, -1.0]]);
//! let dataset = Dataset::new(rows, targets);
//! let model = PlsRegression::<f64>::params(2).fit(&dataset)?;
//! Artifact::from_fitted(&model, "spectra", &dataset)?.named(["fat", "water"]).seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::{Float, traits::Predict as _};
use linfa_pls::{PlsCanonical, PlsCca, PlsRegression};
use ndarray::{Array1, Array2, Axis, Ix1};
use serde::{Deserialize, Serialize};

use super::{
    Answers, ExportError, Fitted,
    hidden::{Hidden, fields, numbers},
    linear_regression::targets,
    narrow, tolerance, wide,
};
use crate::{Exported, steps::Role};

macro_rules! fitted {
    ($($Model:ident),*) => {$(
        impl<F: Float + Serialize> Fitted for $Model<F> {
            fn role(&self) -> Role {
                Role::Regressor { targets: self.coefficients().ncols() }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                Ok(vec![multiplied_out(stringify!($Model), self, self.coefficients())?])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                Answers::numbers(wide(self.predict(&narrow(rows))))
            }

            fn tolerance(&self) -> f64 {
                tolerance::<F>()
            }
        }
    )*};
}

fitted!(PlsRegression, PlsCanonical, PlsCca);

fn multiplied_out<F: Float>(
    what: &'static str,
    model: &impl Serialize,
    coefficients: &Array2<F>,
) -> Result<Exported, ExportError> {
    #[derive(Deserialize)]
    struct Model {
        x_mean: Hidden<f64, Ix1>,
        x_std: Hidden<f64, Ix1>,
        y_mean: Hidden<f64, Ix1>,
    }

    let Model { x_mean, x_std, y_mean } = fields(what, model)?;
    let [mean, deviation, origin] = [x_mean, x_std, y_mean].map(|array| Array1::from(numbers(&array)));
    let weights = wide(coefficients.to_owned()) / deviation.insert_axis(Axis(1));
    let intercepts = origin - mean.dot(&weights);
    Ok(targets(&weights, &intercepts))
}
