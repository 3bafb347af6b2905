//! `ordinal_encoder`: a number for each category, in the column's place.
//!
//! Tensors: `values`, the numbers of all encoded columns in order: one for each category and, where a text that is none
//! is not refused, one for such a text.

use serde::{Deserialize, Serialize};

use super::{
    Role, Step,
    columns::{Column, Placed, StepError, TableKind, categories, chosen},
};
use crate::{Output, tensors::Parameters};

/// Encodes categories, as scikit-learn's `OrdinalEncoder` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrdinalEncoder {
    /// The columns of categories to encode, from 0, ascending.
    pub columns: Vec<usize>,
}

#[derive(Debug)]
struct Loaded {
    width: usize,
    /// Columns, and where their numbers begin.
    starts: Vec<(usize, usize)>,
    values: Vec<f64>,
}

impl TableKind for OrdinalEncoder {
    fn load_table(
        &self,
        inputs: &[Column],
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Placed, StepError> {
        let mut given = inputs.to_vec();
        let mut starts = Vec::with_capacity(self.columns.len());
        let mut sum = 0_usize;
        for (place, column) in self.columns.iter().zip(chosen(&self.columns, inputs)?) {
            let (codes, _) = categories(&column)?;
            starts.push((*place, sum));
            sum = sum.saturating_add(codes);
            given[*place] = Column::Number;
        }
        let values = parameters.vector("values", sum)?;
        Ok((Box::new(Loaded { width: inputs.len(), starts, values }), given))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.width }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        scores.copy_from_slice(rows);
        for row in scores.chunks_exact_mut(self.width) {
            for (column, start) in &self.starts {
                // In range: a row holds positions of the column's own categories.
                row[*column] = self.values[start + row[*column] as usize];
            }
        }
    }
}
