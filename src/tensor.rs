//! From rows as a client gives them to a [`Batch`] that fits a model. No wire types here; every way in which an
//! input does not fit is said by feature name, row and what was expected.

use std::collections::HashMap;

use artifact::{BadCell, Batch, BatchError, Fault, Feature, FeatureKind, Model, Series};

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
    pub(crate) texts: Vec<String>,
}

/// Makes a batch of at most `max_rows` rows that fits the model.
pub(crate) fn batch(rows: Rows, model: &Model, max_rows: usize) -> Result<Batch, ServeError> {
    match rows {
        Rows::Matrix { field, columns, values } => matrix(field, columns, values, model, max_rows),
        Rows::Frame(columns) => frame(columns, model, max_rows),
    }
}

fn matrix(
    field: &'static str,
    columns: usize,
    values: Vec<f64>,
    model: &Model,
    max_rows: usize,
) -> Result<Batch, ServeError> {
    let features = &model.manifest().inputs;
    let width = features.len();
    if let Some(Feature { name, kind }) = features.iter().find(|feature| feature.kind.is_text()) {
        let kind = kind.name();
        let said =
            format!("feature `{name}` is a {kind}, which no matrix holds; send a frame of named columns");
        return refuse(FrameNeeded, "matrix", said);
    }
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
    model.matrix(values).map_err(|error| match error {
        BatchError::Cells(cells) => {
            unfit(cells, features, |row, column| format!("matrix.{field}[{}]", row * width + column))
        }
        _ => none("matrix"),
    })
}

fn frame(mut columns: Vec<NamedColumn>, model: &Model, max_rows: usize) -> Result<Batch, ServeError> {
    let features = &model.manifest().inputs;
    let mut places = HashMap::with_capacity(columns.len());
    let mut violations = Vec::new();
    let of = |name: &str, reason, said| {
        Violation::new(reason, format!("frame.columns[{name}]"), said).column(name)
    };
    for (place, column) in columns.iter().enumerate() {
        if places.insert(column.name.clone(), place).is_some() {
            violations.push(of(&column.name, ColumnDuplicate, "this column occurs twice".to_owned()));
        }
    }
    for feature in features {
        match places.get(&feature.name).map(|place| &columns[*place]) {
            None => violations.push(of(&feature.name, ColumnMissing, "this column is missing".to_owned())),
            Some(column) if feature.kind.is_text() && !column.values.is_empty() => {
                let violation = of(&feature.name, ColumnValues, "expected texts, got values".to_owned());
                violations.push(violation.unlike("texts", "values"));
            }
            Some(column) if !feature.kind.is_text() && !column.texts.is_empty() => {
                let violation = of(&feature.name, ColumnText, "expected values, got texts".to_owned());
                violations.push(violation.unlike("values", "texts"));
            }
            Some(_) => {}
        }
    }
    let known: HashMap<_, _> =
        features.iter().map(|feature| (feature.name.as_str(), &feature.kind)).collect();
    for column in &columns {
        if !known.contains_key(column.name.as_str()) {
            let said = format!("the model has no such feature; it has {}", names(features));
            violations.push(of(&column.name, ColumnUnknown, said));
        }
    }
    let rows = columns.first().map_or(0, NamedColumn::rows);
    for column in &columns {
        if column.rows() != rows {
            let first = &columns[0].name;
            let got = column.rows();
            let said = format!("expected {rows} {} as in `{first}`, got {got}", column.unit());
            violations.push(of(&column.name, ColumnRagged, said).unlike(rows, got));
        }
    }
    if !violations.is_empty() {
        violations.truncate(REPORTED);
        return Err(ServeError::Input(violations));
    }
    if rows == 0 {
        return Err(none("frame"));
    }
    within(rows, max_rows, "frame")?;

    let mut series = |feature: &Feature| {
        let column = &mut columns[places[&feature.name]];
        if feature.kind.is_text() {
            Series::Texts(std::mem::take(&mut column.texts))
        } else {
            Series::Numbers(std::mem::take(&mut column.values))
        }
    };
    let series = features.iter().map(&mut series).collect();
    model.batch(series).map_err(|error| match error {
        BatchError::Cells(cells) => unfit(cells, features, |row, column| {
            let Feature { name, kind } = &features[column];
            let unit = if kind.is_text() { "texts" } else { "values" };
            format!("frame.columns[{name}].{unit}[{row}]")
        }),
        // The columns were compared with the features before.
        error => ServeError::Input(vec![Violation::new(ColumnRagged, "frame", error.to_string())]),
    })
}

impl NamedColumn {
    fn rows(&self) -> usize {
        self.values.len().max(self.texts.len())
    }

    fn unit(&self) -> &'static str {
        if self.texts.is_empty() { "values" } else { "texts" }
    }
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

fn unfit(cells: Vec<BadCell>, features: &[Feature], field: impl Fn(usize, usize) -> String) -> ServeError {
    let violations = cells.into_iter().map(|BadCell { row, column, fault }| {
        let Feature { name, kind } = &features[column];
        let (reason, expected, got) = match fault {
            Fault::NotFinite => (NotFinite, "a finite number".to_owned(), "NaN or an infinity".to_owned()),
            Fault::Missing => (ValueMissing, categories(kind), "an empty text".to_owned()),
            Fault::Unknown(text) => (CategoryUnknown, categories(kind), format!("`{}`", text.escape_debug())),
        };
        let said = format!("row {row}, column `{name}`: expected {expected}, got {got}");
        Violation::new(reason, field(row, column), said).row(row).column(name).unlike(expected, got)
    });
    ServeError::Input(violations.collect())
}

/// The first few categories, for a sentence.
fn categories(kind: &FeatureKind) -> String {
    match kind {
        FeatureKind::Category(category) => format!("one of {}", some(category.categories.iter())),
        FeatureKind::Number { .. } | FeatureKind::Text { .. } => format!("a {}", kind.name()),
    }
}

/// The first few feature names, for a sentence.
fn names(features: &[Feature]) -> String {
    some(features.iter().map(|feature| &feature.name))
}

fn some<'a>(names: impl ExactSizeIterator<Item = &'a String>) -> String {
    const SHOWN: usize = 8;
    let more = (names.len() > SHOWN).then_some("…");
    names.take(SHOWN).map(String::as_str).chain(more).collect::<Vec<_>>().join(", ")
}

pub(crate) fn refuse<T>(reason: Reason, field: &str, said: impl Into<String>) -> Result<T, ServeError> {
    Err(Violation::new(reason, field, said).into())
}
