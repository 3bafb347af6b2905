//! `linear_projection` from linfa's principal and independent components, whitening and random projections.
//!
//! ```
//! use artifact::{Artifact, fitted::OfWidth};
//! use linfa::{DatasetBase, traits::Fit};
//! use linfa_reduction::{Pca, random_projection::GaussianRandomProjection};
//! use ndarray::Array2;
//!
//! let rows = Array2::from_shape_fn((60, 3), |(row, column)| ((row * 7 + column * row) % 11) as f64);
//! let dataset = DatasetBase::from(rows);
//! let model = Pca::params(2).fit(&dataset)?;
//! Artifact::from_fitted(&model, "plane", &dataset)?.named(["long", "wide"]).seal()?;
//!
//! let model = GaussianRandomProjection::<f64>::params().target_dim(2).fit(&dataset)?;
//! Artifact::from_fitted(&OfWidth { model, inputs: 3 }, "shadow", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::{
    Float,
    traits::{Predict as _, Transformer as _},
};
use linfa_ica::fast_ica::FastIca;
use linfa_preprocessing::whitening::FittedWhitener;
use linfa_reduction::{
    Pca,
    random_projection::{GaussianRandomProjection, SparseRandomProjection},
};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Ix1, Ix2};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Answers, ExportError, Fitted,
    hidden::{Hidden, OfWidth, fields, unit_rows},
    narrow, wide,
};
use crate::{
    Exported,
    steps::{Role, linear_projection::LinearProjection},
    tensors::Tensor,
};

/// linfa fits principal components in f64 alone.
impl Fitted for Pca<f64> {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.components().nrows() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        Ok(projection(self.mean().view(), self.components().view()))
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers::numbers(self.predict(rows))
    }
}

impl<F: Float> Fitted for FittedWhitener<F> {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.transformation_matrix().nrows() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        Ok(projection(self.mean(), self.transformation_matrix()))
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers::numbers(wide(self.transform(narrow(rows))))
    }
}

/// What linfa shows in no other way than serialised.
#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Components<F> {
    mean: Hidden<F, Ix1>,
    components: Hidden<F, Ix2>,
}

fn components<F>(model: &FastIca<F>) -> Result<Components<F>, ExportError>
where
    F: Float + Serialize + DeserializeOwned,
{
    fields("linfa_ica::FastIca", model)
}

impl<F: Float + Serialize + DeserializeOwned> Fitted for FastIca<F> {
    fn role(&self) -> Role {
        Role::Transformer { columns: components(self).map_or(0, |found| found.components.nrows()) }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let Components { mean, components } = components(self)?;
        let known = |value: Option<F>| value.unwrap_or(F::nan());
        Ok(projection(mean.mapv(known).view(), components.mapv(known).view()))
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers::numbers(wide(self.predict(&narrow(rows))))
    }
}

/// linfa's bounds on the random numbers are its own; they hold for f32 and f64.
macro_rules! random_projections {
    ($($Model:ty),*) => {$(
        impl Fitted for OfWidth<$Model> {
            fn role(&self) -> Role {
                Role::Transformer { columns: self.model.transform(Array2::zeros((1, self.inputs))).ncols() }
            }

            /// A unit row is mapped to a row of the matrix.
            fn export(&self) -> Result<Vec<Exported>, ExportError> {
                Ok(projection_of(self.inputs, |rows| self.model.transform(rows)))
            }

            fn answer(&self, rows: &Array2<f64>) -> Answers {
                Answers::numbers(wide(self.model.transform(narrow(rows))))
            }
        }
    )*};
}

random_projections!(
    GaussianRandomProjection<f32>,
    GaussianRandomProjection<f64>,
    SparseRandomProjection<f32>,
    SparseRandomProjection<f64>
);

fn projection<F: Float>(mean: ArrayView1<'_, F>, components: ArrayView2<'_, F>) -> Vec<Exported> {
    vec![Exported::new(
        LinearProjection {},
        [
            ("mean", Tensor::floats(mean.shape(), mean)),
            ("components", Tensor::floats(components.shape(), components)),
        ],
    )]
}

/// The step of a map without a mean.
fn projection_of<F: Float>(inputs: usize, map: impl Fn(Array2<F>) -> Array2<F>) -> Vec<Exported> {
    let mapped: Vec<_> = unit_rows(inputs, F::one()).map(map).collect();
    let columns = mapped.first().map_or(0, Array2::ncols);
    let mut components = Array2::zeros((columns, inputs));
    let rows = mapped.iter().flat_map(|part| part.rows());
    for (mut component, row) in components.columns_mut().into_iter().zip(rows) {
        component.assign(&row);
    }
    projection(Array1::zeros(inputs).view(), components.view())
}
