//! Rows on their way into a model and answers on their way out. A [`Batch`] proves its checks, so that
//! nothing deeper asks again.

use ndarray::{Array2, ArrayView2};

/// Rows to predict: at least one row and one column, C-contiguous, all finite.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch(Array2<f64>);

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
    /// NaN or infinite values; the first 16 of them, as (row, column).
    #[error("row {}, column {}: not a finite number", .0.first().map_or(0, |cell| cell.0), .0.first().map_or(0, |cell| cell.1))]
    NotFinite(Vec<(usize, usize)>),
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
        const REPORTED: usize = 16;
        if values.is_empty() {
            return Err(BatchError::Empty);
        }
        if columns == 0 || !values.len().is_multiple_of(columns) {
            return Err(BatchError::Ragged { values: values.len(), columns });
        }
        if !values.iter().all(|value| value.is_finite()) {
            let bad = values.iter().enumerate().filter(|(_, value)| !value.is_finite());
            return Err(BatchError::NotFinite(
                bad.take(REPORTED).map(|(index, _)| (index / columns, index % columns)).collect(),
            ));
        }
        let (rows, len) = (values.len() / columns, values.len());
        Array2::from_shape_vec((rows, columns), values)
            .map(Self)
            .map_err(|_| BatchError::Ragged { values: len, columns })
    }

    /// The number of rows, at least 1.
    pub fn rows(&self) -> usize {
        self.0.nrows()
    }

    /// The number of columns, at least 1.
    pub fn columns(&self) -> usize {
        self.0.ncols()
    }

    /// All values, row-major.
    pub fn values(&self) -> &[f64] {
        // Standard layout by construction.
        self.0.as_slice().unwrap_or_default()
    }

    /// The rows as a matrix, rows x columns.
    pub fn view(&self) -> ArrayView2<'_, f64> {
        self.0.view()
    }
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
