//! `linear_projection`: W (x - mean), with a row of W for each column that comes out. Principal and independent
//! components, whitening and random projections are all this map.
//!
//! Tensors: `mean` (inputs), `components` (columns x inputs).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, product::Product};
use crate::{
    Output,
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
        Ok(Box::new(Product::new(mean, components)))
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
