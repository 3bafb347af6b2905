//! `norm_scaler`: each row divided by its own length. A row of zeros has no direction, and stays as it is.
//!
//! Tensors: none.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    sums::{squared_length, sum},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Brings rows to the length 1, as `linfa_preprocessing::norm_scaling::NormScaler` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NormScaler {
    /// What a row's length is.
    pub norm: Norm,
}

/// The length of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// The sum of its absolute values.
    L1,
    /// The root of the sum of its squares.
    L2,
    /// The largest of its absolute values.
    Max,
}

#[derive(Debug)]
struct Loaded {
    norm: Norm,
    inputs: usize,
}

impl Kind for NormScaler {
    fn load(&self, inputs: usize, _: &Output, _: &mut Parameters<'_>) -> Result<Box<dyn Step>, TensorError> {
        Ok(Box::new(Loaded { norm: self.norm, inputs }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.inputs }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        for (row, scaled) in rows.chunks_exact(self.inputs).zip(scores.chunks_exact_mut(self.inputs)) {
            self.norm.scale(row, scaled);
        }
    }
}

impl Norm {
    /// Below this the squares that a length is made of lose digits; a length that is infinite has lost all.
    const SHORTEST: f64 = 1e-140;

    fn of(self, row: &[f64]) -> f64 {
        match self {
            Self::L1 => sum(row, row, |value, _| value.abs()),
            Self::L2 => squared_length(row).sqrt(),
            Self::Max => row.iter().map(|value| value.abs()).fold(0.0, f64::max),
        }
    }

    /// Writes `row`, divided by its length.
    fn scale(self, row: &[f64], scaled: &mut [f64]) {
        let length = self.of(row);
        if (Self::SHORTEST..=f64::MAX).contains(&length) {
            divide(row, length, scaled);
            return;
        }
        // By its largest value first, if it has one.
        let largest = Self::Max.of(row);
        divide(row, if largest > 0.0 { largest } else { 1.0 }, scaled);
        if largest > 0.0 {
            let length = self.of(scaled);
            scaled.iter_mut().for_each(|value| *value /= length);
        }
    }
}

fn divide(row: &[f64], by: f64, quotients: &mut [f64]) {
    for (quotient, value) in quotients.iter_mut().zip(row) {
        *quotient = value / by;
    }
}
