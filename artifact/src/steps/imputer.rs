//! `imputer`: a number for each one that is missing, column by column; all else stays as it is.
//!
//! Tensors: `fills` (one for each column of `columns`).

use serde::{Deserialize, Serialize};

use super::{
    Role, Step,
    columns::{Column, Placed, StepError, TableKind, chosen},
};
use crate::{Output, tensors::Parameters};

/// Fills in missing numbers, as scikit-learn's `SimpleImputer` does. Whether a fill was a mean or a median is of no
/// interest here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imputer {
    /// The columns that may lack a number, from 0, ascending.
    pub columns: Vec<usize>,
}

#[derive(Debug)]
struct Loaded {
    width: usize,
    /// Columns, and what is filled in there.
    fills: Vec<(usize, f64)>,
}

impl TableKind for Imputer {
    fn load_table(
        &self,
        inputs: &[Column],
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Placed, StepError> {
        let mut given = inputs.to_vec();
        for (place, column) in self.columns.iter().zip(chosen(&self.columns, inputs)?) {
            // A column that lacks nothing may stand here: it stays as it is.
            if !matches!(column, Column::Missing { .. }) {
                column.number("numbers that may be missing")?;
            }
            given[*place] = Column::Number;
        }
        let fills = parameters.vector("fills", self.columns.len())?;
        let fills = self.columns.iter().copied().zip(fills).collect();
        Ok((Box::new(Loaded { width: inputs.len(), fills }), given))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.width }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        scores.copy_from_slice(rows);
        for row in scores.chunks_exact_mut(self.width) {
            for (column, fill) in &self.fills {
                if row[*column].is_nan() {
                    row[*column] = *fill;
                }
            }
        }
    }
}
