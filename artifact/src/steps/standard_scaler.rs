//! `standard_scaler`: (x - offset) * scale for each column.
//!
//! Tensors: `offsets`, `scales` (columns each).

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step};
#[cfg(feature = "linfa")]
use crate::{Exported, tensors::Tensor};
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

#[cfg(feature = "linfa")]
impl StandardScaler {
    /// The step that answers as `model` does, whatever its method: each is an offset and a scale per column.
    pub fn export<F: linfa::Float>(model: &linfa_preprocessing::linear_scaling::LinearScaler<F>) -> Exported {
        use linfa_preprocessing::linear_scaling::ScalingMethod;

        // linfa answers ((x - offset) * scale) * stretch + shift.
        let column = |offset: F, scale: F| {
            let (stretch, shift) = match *model.method() {
                ScalingMethod::Standard(true, _) | ScalingMethod::MaxAbs => (F::one(), F::zero()),
                ScalingMethod::Standard(false, _) => (F::one(), offset),
                ScalingMethod::MinMax(min, max) => (max - min, min),
            };
            let scale = scale * stretch;
            (offset - shift / scale, scale)
        };
        let (offsets, scales): (Vec<F>, Vec<F>) =
            model.offsets().iter().zip(model.scales()).map(|(offset, scale)| column(*offset, *scale)).unzip();
        Exported::new(
            Self {},
            [
                ("offsets", Tensor::floats(&[offsets.len()], &offsets)),
                ("scales", Tensor::floats(&[scales.len()], &scales)),
            ],
        )
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
