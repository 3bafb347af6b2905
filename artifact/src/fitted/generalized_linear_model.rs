//! `generalized_linear_model` from `linfa_linear::TweedieRegressor`, which shows its link in the serialised form alone.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_linear::TweedieRegressor;
//! use ndarray::array;
//!
//! let dataset = Dataset::new(array![[0.0], [1.0], [2.0], [3.0]], array![1.0, 2.0, 4.0, 9.0]);
//! let model = TweedieRegressor::params().alpha(0.01).fit(&dataset)?;
//! Artifact::from_fitted(&model, "visits", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::traits::Predict as _;
use linfa_linear::TweedieRegressor;
use ndarray::{Array2, Axis};
use serde::Deserialize;

use super::{Answers, ExportError, Fitted, hidden::fields, narrow, tolerance, wide};
use crate::{
    Exported,
    steps::{
        Role,
        generalized_linear_model::{GeneralizedLinearModel, Link},
    },
    tensors::Tensor,
};

#[derive(Deserialize)]
struct Model {
    link: linfa_linear::Link,
}

/// linfa-linear keeps the trait private that would make f32 and f64 one.
macro_rules! fitted {
    ($($Float:ty),*) => {$(
        impl Fitted for TweedieRegressor<$Float> {
            fn role(&self) -> Role {
                Role::Regressor { targets: 1 }
            }

            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                let link = match fields::<Model>("TweedieRegressor", self)?.link {
                    linfa_linear::Link::Identity => Link::Identity,
                    linfa_linear::Link::Log => Link::Log,
                    linfa_linear::Link::Logit => Link::Logit,
                };
                Ok(vec![Exported::new(
                    GeneralizedLinearModel { link },
                    [
                        ("coefficients", Tensor::floats(&[self.coef.len()], &self.coef)),
                        ("intercept", Tensor::floats(&[1], &[self.intercept])),
                    ],
                )])
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                Answers::numbers(wide(self.predict(&narrow(rows))).insert_axis(Axis(1)))
            }

            fn tolerance(&self) -> f64 {
                tolerance::<$Float>()
            }
        }
    )*};
}

fitted!(f32, f64);
