//! `standard_scaler` from `linfa_preprocessing::linear_scaling::LinearScaler`, whatever its method: each is an offset and a scale
//! per column.

use linfa::{Float, traits::Transformer as _};
use linfa_preprocessing::linear_scaling::{LinearScaler, ScalingMethod};
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow, wide};
use crate::{
    Exported,
    steps::{Role, standard_scaler::StandardScaler},
    tensors::Tensor,
};

impl<F: Float> Fitted for LinearScaler<F> {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.offsets().len() }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        // linfa answers ((x - offset) * scale) * stretch + shift.
        let column = |offset: F, scale: F| {
            let (stretch, shift) = match *self.method() {
                ScalingMethod::Standard(true, _) | ScalingMethod::MaxAbs => (F::one(), F::zero()),
                ScalingMethod::Standard(false, _) => (F::one(), offset),
                ScalingMethod::MinMax(min, max) => (max - min, min),
            };
            let scale = scale * stretch;
            (offset - shift / scale, scale)
        };
        let (offsets, scales): (Vec<F>, Vec<F>) =
            self.offsets().iter().zip(self.scales()).map(|(offset, scale)| column(*offset, *scale)).unzip();
        Ok(vec![Exported::new(
            StandardScaler {},
            [
                ("offsets", Tensor::floats(&[offsets.len()], &offsets)),
                ("scales", Tensor::floats(&[scales.len()], &scales)),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers::numbers(wide(self.transform(narrow(rows))))
    }
}
