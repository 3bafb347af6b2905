//! Rows on their way into a model and answers on their way out. A [`Batch`] proves its checks, so that
//! nothing deeper asks again.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::inputs::Inputs;

/// The most cells that one error names.
pub(crate) const REPORTED: usize = 16;

/// Rows to predict: at least one row and one column, C-contiguous.
///
/// One of [`Batch::new`] holds finite numbers alone and fits every model of that width that takes numbers alone. One that a
/// model made ([`crate::Model::batch`]) fits that model alone: what each cell holds was checked by its rules.
#[derive(Clone, Debug)]
pub struct Batch {
    values: Array2<f64>,
    /// The free texts; the cells of a text column hold positions in it.
    texts: Vec<String>,
    /// The rules that the cells were checked by, unless all are finite numbers.
    made_for: Option<Arc<Inputs>>,
}

/// Why values are no batch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// There is nothing to predict.
    #[error("no rows")]
    Empty,
    /// The values do not fill the last row.
    #[error("{values} values do not form rows of {columns}")]
    Ragged {
        /// How many values there are.
        values: usize,
        /// The width of a row.
        columns: usize,
    },
    /// Another number of columns than the model has features.
    #[error("{found} columns, the model takes {expected}")]
    Width {
        /// How many there are.
        found: usize,
        /// How many features the model has.
        expected: usize,
    },
    /// A column that ends before others do, or after them.
    #[error("column {column} has {found} rows, the first one {expected}")]
    Uneven {
        /// The column, from 0.
        column: usize,
        /// Its rows.
        found: usize,
        /// The rows of the first column.
        expected: usize,
    },
    /// Numbers where texts belong, or texts where numbers do.
    #[error("column {column}: {found}, expected {expected}")]
    Kind {
        /// The column, from 0.
        column: usize,
        /// What it holds.
        found: &'static str,
        /// What the feature is.
        expected: &'static str,
    },
    /// Cells that the model cannot take; the first 16 of them.
    #[error("{}", .0.first().map(ToString::to_string).unwrap_or_default())]
    Cells(Vec<BadCell>),
}

/// One cell that a model cannot take.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, column {column}: {fault}")]
pub struct BadCell {
    /// The row, from 0.
    pub row: usize,
    /// The column, from 0.
    pub column: usize,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a cell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// NaN or infinite.
    #[error("not a finite number")]
    NotFinite,
    /// Nothing, where a value is needed.
    #[error("the value is missing")]
    Missing,
    /// A text that is none of the feature's categories.
    #[error("`{}` is no category", .0.escape_debug())]
    Unknown(
        /// At most 64 characters of it.
        String,
    ),
}

/// The answers to a batch, and the room that computing them takes. Reusing one allocates nothing.
#[derive(Clone, Debug, Default)]
pub struct Predictions {
    pub(crate) rows: usize,
    pub(crate) width: usize,
    /// rows x width: probabilities, values, distances or transformed rows.
    pub(crate) scores: Vec<f64>,
    /// One class or cluster per row; empty for regression and transformation.
    pub(crate) choices: Vec<u32>,
    /// The output of one step while the next one reads it.
    pub(crate) scratch: Vec<f64>,
}

impl Batch {
    /// Makes a batch of row-major values.
    ///
    /// # Errors
    /// [`BatchError`] if there is no row, a row is not full, or a value is not finite.
    pub fn new(values: Vec<f64>, columns: usize) -> Result<Self, BatchError> {
        let values = rows(values, columns)?;
        if values.iter().all(|value| value.is_finite()) {
            return Ok(Self { values, texts: Vec::new(), made_for: None });
        }
        let bad = values.indexed_iter().filter(|(_, value)| !value.is_finite());
        let bad =
            bad.take(REPORTED).map(|((row, column), _)| BadCell { row, column, fault: Fault::NotFinite });
        Err(BatchError::Cells(bad.collect()))
    }

    /// Row-major cells that were checked by a model's rules; `made_for` is none if all are finite numbers.
    pub(crate) fn checked(
        values: Vec<f64>,
        columns: usize,
        texts: Vec<String>,
        made_for: Option<Arc<Inputs>>,
    ) -> Result<Self, BatchError> {
        Ok(Self { values: rows(values, columns)?, texts, made_for })
    }

    /// The number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.values.nrows()
    }

    /// The number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.values.ncols()
    }

    /// All values, row-major. Of a category its position, of a text its position in [`Batch::texts`].
    pub fn values(&self) -> &[f64] {
        // Standard layout by construction.
        self.values.as_slice().unwrap_or_default()
    }

    /// The free texts, of all text columns.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// The rows as a matrix, rows x columns.
    pub fn view(&self) -> ArrayView2<'_, f64> {
        self.values.view()
    }

    /// One of the rows, alone.
    pub fn row(&self, index: usize) -> Option<Self> {
        if index >= self.rows() {
            return None;
        }
        let mut values = self.values.row(index).to_vec();
        let mut texts = Vec::new();
        for column in self.made_for.iter().flat_map(|inputs| inputs.texts()) {
            texts.extend(self.texts.get(values[column] as usize).cloned());
            values[column] = (texts.len() - 1) as f64;
        }
        let columns = values.len();
        Self::checked(values, columns, texts, self.made_for.clone()).ok()
    }

    /// The rules that the cells were checked by; none if all are finite numbers.
    pub(crate) fn made_for(&self) -> Option<&Arc<Inputs>> {
        self.made_for.as_ref()
    }
}

fn rows(values: Vec<f64>, columns: usize) -> Result<Array2<f64>, BatchError> {
    let len = values.len();
    if len == 0 {
        return Err(BatchError::Empty);
    }
    if columns == 0 || !len.is_multiple_of(columns) {
        return Err(BatchError::Ragged { values: len, columns });
    }
    let shape = (len / columns, columns);
    Array2::from_shape_vec(shape, values).map_err(|_| BatchError::Ragged { values: len, columns })
}

impl Predictions {
    /// The number of rows answered.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers per row: classes, targets, clusters or columns; 0 where a model gives a class alone.
    pub fn width(&self) -> usize {
        self.width
    }

    /// rows x width, row-major.
    pub fn scores(&self) -> &[f64] {
        &self.scores
    }

    /// One class or cluster index per row; empty for regression and transformation.
    pub fn choices(&self) -> &[u32] {
        &self.choices
    }

    /// The scores and choices, without a copy.
    pub fn into_parts(self) -> (Vec<f64>, Vec<u32>) {
        (self.scores, self.choices)
    }
}
