//! From rows as a client gives them to a [`Batch`] that fits a model. No wire types here; every way in which an
//! input does not fit is said by feature name, row and what was expected.

use std::collections::HashMap;

use artifact::{Batch, BatchError, Feature, Manifest};

use crate::error::{
    Reason::{self, *},
    ServeError, Violation,
};

/// The most violations that one answer tells.
const REPORTED: usize = 16;

/// Rows in one of two forms.
#[derive(Debug)]
pub(crate) enum Rows {
    /// By position.
    Matrix {
        /// The request's field that holds the values.
        field: &'static str,
        /// Values per row; 0 stands for the model's own number.
        columns: usize,
        /// Row-major.
        values: Vec<f64>,
    },
    /// By feature name.
    Frame(Vec<NamedColumn>),
}

/// One feature of every row.
#[derive(Debug)]
pub(crate) struct NamedColumn {
    pub(crate) name: String,
    pub(crate) values: Vec<f64>,
    pub(crate) has_texts: bool,
}

/// Makes a batch of at most `max_rows` rows that fits the model.
pub(crate) fn batch(rows: Rows, manifest: &Manifest, max_rows: usize) -> Result<Batch, ServeError> {
    let features = &manifest.inputs;
    match rows {
        Rows::Matrix { field, columns, values } => matrix(field, columns, values, features, max_rows),
        Rows::Frame(columns) => frame(&columns, features, max_rows),
    }
}

fn matrix(
    field: &'static str,
    columns: usize,
    values: Vec<f64>,
    features: &[Feature],
    max_rows: usize,
) -> Result<Batch, ServeError> {
    let width = features.len();
    if columns != 0 && columns != width {
        let said = format!("expected {width} ({}), got {columns}", names(features));
        return Err(Violation::new(WidthMismatch, "matrix.columns", said).unlike(width, columns).into());
    }
    if !values.len().is_multiple_of(width) {
        let said = format!("{} values do not form rows of {width} ({})", values.len(), names(features));
        let (expected, got) = (format!("rows of {width}"), format!("{} values", values.len()));
        return Err(Violation::new(ValuesRagged, "matrix", said).unlike(expected, got).into());
    }
    within(values.len() / width, max_rows, "matrix")?;
    Batch::new(values, width).map_err(|error| match error {
        BatchError::NotFinite(cells) => {
            not_finite(cells, features, |row, column| format!("matrix.{field}[{}]", row * width + column))
        }
        BatchError::Empty | BatchError::Ragged { .. } => none("matrix"),
    })
}

fn frame(columns: &[NamedColumn], features: &[Feature], max_rows: usize) -> Result<Batch, ServeError> {
    let mut places = HashMap::with_capacity(columns.len());
    let mut violations = Vec::new();
    let of = |name: &str, reason, said| {
        Violation::new(reason, format!("frame.columns[{name}]"), said).column(name)
    };
    for (place, column) in columns.iter().enumerate() {
        if places.insert(column.name.as_str(), place).is_some() {
            violations.push(of(&column.name, ColumnDuplicate, "this column occurs twice".to_owned()));
        }
        if column.has_texts {
            let violation = of(&column.name, ColumnText, "expected values, got texts".to_owned());
            violations.push(violation.unlike("values", "texts"));
        }
    }
    for feature in features {
        if !places.contains_key(feature.name.as_str()) {
            violations.push(of(&feature.name, ColumnMissing, "this column is missing".to_owned()));
        }
    }
    let known: HashMap<_, _> =
        features.iter().enumerate().map(|(index, feature)| (feature.name.as_str(), index)).collect();
    for column in columns {
        if !known.contains_key(column.name.as_str()) {
            let said = format!("the model has no such feature; it has {}", names(features));
            violations.push(of(&column.name, ColumnUnknown, said));
        }
    }
    let rows = columns.first().map_or(0, |column| column.values.len());
    for column in columns {
        if column.values.len() != rows && !column.has_texts {
            let first = &columns[0].name;
            let got = column.values.len();
            let said = format!("expected {rows} values as in `{first}`, got {got}");
            violations.push(of(&column.name, ColumnRagged, said).unlike(rows, got));
        }
    }
    if !violations.is_empty() {
        violations.truncate(REPORTED);
        return Err(ServeError::Input(violations));
    }
    within(rows, max_rows, "frame")?;

    let width = features.len();
    let mut values = vec![0.0; rows * width];
    for (index, feature) in features.iter().enumerate() {
        let column = &columns[places[feature.name.as_str()]].values;
        for (row, value) in column.iter().enumerate() {
            values[row * width + index] = *value;
        }
    }
    Batch::new(values, width).map_err(|error| match error {
        BatchError::NotFinite(cells) => not_finite(cells, features, |row, column| {
            format!("frame.columns[{}].values[{row}]", features[column].name)
        }),
        BatchError::Empty | BatchError::Ragged { .. } => none("frame"),
    })
}

fn within(rows: usize, max_rows: usize, field: &str) -> Result<(), ServeError> {
    if rows <= max_rows {
        return Ok(());
    }
    let said = format!("expected at most {max_rows} rows, got {rows}");
    Err(Violation::new(RowsTooMany, field, said).unlike(max_rows, rows).into())
}

fn none(field: &str) -> ServeError {
    Violation::new(RowsMissing, field, "expected at least one row, got none")
        .unlike("at least one row", "none")
        .into()
}

fn not_finite(
    cells: Vec<(usize, usize)>,
    features: &[Feature],
    field: impl Fn(usize, usize) -> String,
) -> ServeError {
    let violations = cells.into_iter().map(|(row, column)| {
        let name = &features[column].name;
        let said = format!("row {row}, column `{name}`: expected a finite number, got NaN or an infinity");
        let violation = Violation::new(NotFinite, field(row, column), said).row(row).column(name);
        violation.unlike("a finite number", "NaN or an infinity")
    });
    ServeError::Input(violations.collect())
}

/// The first few feature names, for a sentence.
fn names(features: &[Feature]) -> String {
    const SHOWN: usize = 8;
    let mut names: Vec<_> = features.iter().take(SHOWN).map(|feature| feature.name.as_str()).collect();
    if features.len() > SHOWN {
        names.push("…");
    }
    names.join(", ")
}

pub(crate) fn refuse<T>(reason: Reason, field: &str, said: impl Into<String>) -> Result<T, ServeError> {
    Err(Violation::new(reason, field, said).into())
}
