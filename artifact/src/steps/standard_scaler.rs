//! `standard_scaler`: (x - offset) * scale for each column.
//!
//! Tensors: `offsets`, `scales` (columns each).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Shifts and scales each column, as `linfa_preprocessing::linear_scaling::LinearScaler` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandardScaler {}

#[derive(Debug)]
struct Loaded {
    offsets: Vec<f64>,
    scales: Vec<f64>,
}

impl Kind for StandardScaler {
    fn load(
        &self,
        inputs: usize,
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let offsets = parameters.vector("offsets", inputs)?;
        let scales = parameters.vector("scales", inputs)?;
        // Zero would erase a feature in silence; linfa writes 1 for a constant one.
        if let Some(index) = scales.iter().position(|scale| *scale <= 0.0) {
            return Err(parameters.refuse("scales", index, scales[index], "greater than zero"));
        }
        Ok(Box::new(Loaded { offsets, scales }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.offsets.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        let width = self.offsets.len();
        for (row, scaled) in rows.chunks_exact(width).zip(scores.chunks_exact_mut(width)) {
            for column in 0..width {
                scaled[column] = (row[column] - self.offsets[column]) * self.scales[column];
            }
        }
    }
}
