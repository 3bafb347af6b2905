//! Why a file is no table.

/// Why a file is no table of numbers, one variant per rule. Rows count from 1 below the header; empty lines are none.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The disk, or bytes that are no text.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A path that was mistyped, or an export that failed.
    #[error("it is empty; a header and rows are needed")]
    Empty,
    /// An export that found nothing.
    #[error("it has a header, but no rows")]
    NoRows,
    /// The first row would be lost as a header, and columns be called `5.1`.
    #[error("the first line has numbers alone; a header with the names of the columns is needed")]
    HeaderOfNumbers,
    /// A name that nobody could use in a request.
    #[error("column {column} has no name in the header")]
    Unnamed {
        /// Its position, from 1.
        column: usize,
    },
    /// Which of the two is meant would be a guess.
    #[error("the header names `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A misspelt name.
    #[error("there is no column `{name}`; there are {}", .columns.join(", "))]
    NoColumn {
        /// The name.
        name: String,
        /// The names that exist.
        columns: Vec<String>,
    },
    /// Nothing to learn from.
    #[error("no column is left as a feature")]
    NoFeatures,
    /// Nothing to learn.
    #[error("no column is named as the target")]
    NoTarget,
    /// A lost separator would shift values into other columns.
    #[error("row {row} has {found} fields, the header has {expected}")]
    Ragged {
        /// The row.
        row: usize,
        /// Its fields.
        found: usize,
        /// Those of the header.
        expected: usize,
    },
    /// A zero in its place would be an invention.
    #[error("row {row}, column `{column}`: the value is missing")]
    Missing {
        /// The row.
        row: usize,
        /// The column.
        column: String,
    },
    /// Text, or a number that no model computes with.
    #[error("row {row}, column `{column}`: `{value}` is not a finite number")]
    NotANumber {
        /// The row.
        row: usize,
        /// The column.
        column: String,
        /// What stands there, at most 40 characters of it.
        value: String,
    },
}
