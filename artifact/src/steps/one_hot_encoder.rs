//! `one_hot_encoder`: a column of categories becomes a column for each of them, in its place: 1 for the row's own, else 0.
//! A text that was none of them, where that is not refused, is 0 in all. There are no tensors: the categories are the
//! features' own.

use serde::{Deserialize, Serialize};

use super::{
    Role, Step,
    columns::{Column, Placed, StepError, TableKind, categories, chosen, within},
};
use crate::{Output, tensors::Parameters};

/// Encodes categories, as scikit-learn's `OneHotEncoder` does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OneHotEncoder {
    /// The columns of categories to encode, from 0, ascending.
    pub columns: Vec<usize>,
    /// Whether the first category has no column of its own: it is 0 in all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop_first: bool,
}

#[derive(Debug)]
struct Loaded {
    /// For each column how many take its place; none if it stays.
    widths: Vec<Option<usize>>,
    /// 1 if the first category has no column.
    dropped: usize,
    /// The sum of what takes the columns' places.
    width: usize,
}

impl TableKind for OneHotEncoder {
    fn load_table(&self, inputs: &[Column], _: &Output, _: &mut Parameters<'_>) -> Result<Placed, StepError> {
        let dropped = usize::from(self.drop_first);
        let mut widths = vec![None; inputs.len()];
        for (place, column) in self.columns.iter().zip(chosen(&self.columns, inputs)?) {
            let (codes, unknown) = categories(&column)?;
            widths[*place] = Some(codes - usize::from(unknown) - dropped);
        }
        let sum = widths.iter().fold(0_usize, |sum, width| sum.saturating_add(width.unwrap_or(1)));
        let width = within(sum)?;
        let given = inputs.iter().zip(&widths).flat_map(|(column, width)| match width {
            Some(width) => vec![Column::Number; *width],
            None => vec![*column],
        });
        let given = given.collect();
        Ok((Box::new(Loaded { widths, dropped, width }), given))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.width }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        for (row, encoded) in rows.chunks_exact(self.widths.len()).zip(scores.chunks_exact_mut(self.width)) {
            let mut rest = encoded;
            for (value, width) in row.iter().zip(&self.widths) {
                let (place, after) = rest.split_at_mut(width.unwrap_or(1));
                rest = after;
                match width {
                    None => place[0] = *value,
                    Some(_) => {
                        place.fill(0.0);
                        // Neither a category without a column nor one that is none is in range.
                        let own = (*value as usize).checked_sub(self.dropped);
                        if let Some(one) = own.and_then(|own| place.get_mut(own)) {
                            *one = 1.0;
                        }
                    }
                }
            }
        }
    }
}
