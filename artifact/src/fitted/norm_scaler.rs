//! `norm_scaler` from `linfa_preprocessing::norm_scaling::NormScaler`.
//!
//! ```
//! use artifact::{Artifact, fitted::OfWidth};
//! use linfa::DatasetBase;
//! use linfa_preprocessing::norm_scaling::NormScaler;
//! use ndarray::array;
//!
//! let dataset = DatasetBase::from(array![[3.0, 4.0], [-6.0, 8.0]]);
//! let model = OfWidth { model: NormScaler::l2(), inputs: 2 };
//! Artifact::from_fitted(&model, "directions", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use linfa::traits::Transformer as _;
use linfa_preprocessing::norm_scaling::NormScaler;
use ndarray::{Array2, arr2};

use super::{Answers, ExportError, Fitted, OfWidth};
use crate::{
    Exported,
    steps::{
        Role,
        norm_scaler::{self, Norm},
    },
};

impl Fitted for OfWidth<NormScaler> {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.inputs }
    }

    /// linfa keeps the norm to itself, so it is asked: of (3, 4) the three lengths are 7, 5 and 4.
    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let scaled = self.model.transform(arr2(&[[3.0, 4.0]]));
        let norm = match 3.0 / scaled[(0, 0)] {
            length if length > 6.0 => Norm::L1,
            length if length > 4.5 => Norm::L2,
            _ => Norm::Max,
        };
        Ok(vec![Exported::new(norm_scaler::NormScaler { norm }, [])])
    }

    /// To a row of zeros linfa has no answer, since it divides by the length; such a row stays as it is.
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let mut scaled = self.model.transform(rows.clone());
        let pairs = scaled.rows_mut().into_iter().zip(rows.rows());
        for (mut scaled, row) in pairs.filter(|(_, row)| row.iter().all(|value| *value == 0.0)) {
            scaled.assign(&row);
        }
        Answers::numbers(scaled)
    }
}
