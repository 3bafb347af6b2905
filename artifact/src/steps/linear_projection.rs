//! `linear_projection`: W (x - mean), with a row of W for each column that comes out. Principal and independent
//! components, whitening and random projections are all this map.
//!
//! Tensors: `mean` (inputs), `components` (columns x inputs).

#[cfg(feature = "linfa")]
use ndarray::{Array2, ArrayView1, ArrayView2, Ix1, Ix2};
use serde::{Deserialize, Serialize};

#[cfg(feature = "linfa")]
use super::hidden::{Hidden, fields, unit_rows};
use super::{Kind, Role, Step, product::Product};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
use crate::{
    Output,
    manifest::limits,
    tensors::{Parameters, TensorError},
};

/// A transformer that turns, scales and drops directions, as linfa's `Pca`, `FastIca`, `FittedWhitener` and
/// `RandomProjection` do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinearProjection {}

impl Kind for LinearProjection {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let mean = parameters.vector("mean", inputs)?;
        let components = parameters.matrix_of_any_height("components", inputs)?;
        let columns = components.len() / inputs;
        if columns > limits::WIDTH {
            // A small request must not become a huge answer.
            let expected = format!("at most {} rows", limits::WIDTH);
            return Err(parameters.refuse_shape("components", &[columns, inputs], expected));
        }
        Ok(Box::new(Product::new(mean, &components)))
    }
}

#[cfg(feature = "linfa")]
impl LinearProjection {
    /// The step that answers as `model` does. (linfa fits principal components in f64 alone.)
    pub fn export_pca(model: &linfa_reduction::Pca<f64>) -> Exported {
        Self::of(model.mean().view(), model.components().view())
    }

    /// The step that answers as `model` does, whatever its method.
    pub fn export_whitener<F: linfa::Float>(
        model: &linfa_preprocessing::whitening::FittedWhitener<F>,
    ) -> Exported {
        Self::of(model.mean(), model.transformation_matrix())
    }

    /// The step that answers as `model` does.
    ///
    /// # Errors
    /// If linfa serialises its model in another form than 0.8.1 does; it shows its numbers in no other way.
    pub fn export_fast_ica<F>(model: &linfa_ica::fast_ica::FastIca<F>) -> Result<Exported, serde_json::Error>
    where
        F: linfa::Float + Serialize + serde::de::DeserializeOwned,
    {
        #[derive(Deserialize)]
        #[serde(bound = "F: serde::de::DeserializeOwned")]
        struct Model<F> {
            mean: Hidden<F, Ix1>,
            components: Hidden<F, Ix2>,
        }

        let Model { mean, components } = fields(model)?;
        let known = |value: Option<F>| value.unwrap_or(F::nan());
        Ok(Self::of(mean.mapv(known).view(), components.mapv(known).view()))
    }

    /// The step that answers as `model` does, a random projection of rows of `inputs` values. linfa shows nothing of it,
    /// but a unit row is mapped to a row of its matrix.
    pub fn export_random_projection<F: linfa::Float>(
        model: &impl linfa::traits::Transformer<Array2<F>, Array2<F>>,
        inputs: usize,
    ) -> Exported {
        let mut columns = 0;
        let mut transposed = Vec::new();
        for mapped in unit_rows(inputs, F::one()).map(|rows| model.transform(rows)) {
            columns = mapped.ncols();
            transposed.extend(mapped);
        }
        // linfa's is inputs x columns.
        let components = (0..columns).flat_map(|column| transposed.iter().skip(column).step_by(columns));
        Exported::new(
            Self {},
            [
                ("mean", Tensor::floats(&[inputs], &vec![F::zero(); inputs])),
                ("components", Tensor::floats(&[columns, inputs], components)),
            ],
        )
    }

    fn of<F: linfa::Float>(mean: ArrayView1<'_, F>, components: ArrayView2<'_, F>) -> Exported {
        Exported::new(
            Self {},
            [
                ("mean", Tensor::floats(mean.shape(), mean)),
                ("components", Tensor::floats(components.shape(), components)),
            ],
        )
    }
}

impl Step for Product {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.outputs() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        self.run(rows, scores, &mut Vec::new());
    }
}
