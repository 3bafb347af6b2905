//! `select_columns`: some columns, in another order or more than once. There are no tensors.

use serde::{Deserialize, Serialize};

use super::{
    Role, Step,
    columns::{Column, Placed, StepError, TableKind, at, within},
};
use crate::{Output, tensors::Parameters};

/// Chooses columns, whatever they hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectColumns {
    /// The columns to give, from 0, in that order.
    pub columns: Vec<usize>,
}

#[derive(Debug)]
struct Loaded {
    inputs: usize,
    columns: Vec<usize>,
}

impl TableKind for SelectColumns {
    fn load_table(&self, inputs: &[Column], _: &Output, _: &mut Parameters<'_>) -> Result<Placed, StepError> {
        if self.columns.is_empty() {
            return Err(StepError::Chosen("there is none".to_owned()));
        }
        within(self.columns.len())?;
        let given = self.columns.iter().map(|place| at(*place, inputs)).collect::<Result<_, _>>()?;
        Ok((Box::new(Loaded { inputs: inputs.len(), columns: self.columns.clone() }), given))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.columns.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        let selected = scores.chunks_exact_mut(self.columns.len());
        for (row, selected) in rows.chunks_exact(self.inputs).zip(selected) {
            for (value, column) in selected.iter_mut().zip(&self.columns) {
                *value = row[*column];
            }
        }
    }
}
