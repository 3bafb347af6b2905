//! The door of a model: what its features allow, cell by cell. A category becomes its position here, so that steps compute
//! with numbers alone.

use std::{collections::HashMap, sync::Arc};

use crate::{
    Batch, BatchError, Cell, Feature,
    batch::{BadCell, Fault, REPORTED},
    feature::{Category, FeatureKind, Unknown},
};

/// One feature of every row.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// Numbers; NaN stands for one that is missing.
    Numbers(Vec<f64>),
    /// Categories or free texts; an empty one stands for a category that is missing.
    Texts(Vec<String>),
}

/// The rules of all features of a model, in order.
#[derive(Debug)]
pub(crate) struct Inputs {
    rules: Vec<Rule>,
    /// Whether there is nothing but numbers that must be there.
    plain: bool,
}

#[derive(Debug)]
enum Rule {
    Number {
        missing: bool,
    },
    Category {
        positions: HashMap<String, u32>,
        /// What stands for a text that is no category, if any does.
        unknown: Option<u32>,
        /// What stands for an empty text, if any does.
        missing: Option<u32>,
    },
    Text,
}

impl Inputs {
    pub(crate) fn of(features: &[Feature]) -> Self {
        let rules: Vec<_> = features.iter().map(|feature| Rule::of(&feature.kind)).collect();
        let plain = rules.iter().all(|rule| matches!(rule, Rule::Number { missing: false }));
        Self { rules, plain }
    }

    /// The number of features.
    pub(crate) fn width(&self) -> usize {
        self.rules.len()
    }

    /// The places of the features that are free texts.
    pub(crate) fn texts(&self) -> impl Iterator<Item = usize> + '_ {
        (0..).zip(&self.rules).filter(|(_, rule)| matches!(rule, Rule::Text)).map(|(place, _)| place)
    }

    /// Whether `batch` keeps these rules.
    pub(crate) fn made(self: &Arc<Self>, batch: &Batch) -> bool {
        batch.made_for().map_or(self.plain, |inputs| Arc::ptr_eq(inputs, self))
    }

    /// See [`crate::Model::matrix`].
    pub(crate) fn matrix(self: &Arc<Self>, values: Vec<f64>) -> Result<Batch, BatchError> {
        if self.plain {
            return Batch::new(values, self.width());
        }
        if let Some(column) = self.rules.iter().position(Rule::is_text) {
            let (found, expected) = ("numbers", self.rules[column].name());
            return Err(BatchError::Kind { column, found, expected });
        }
        let width = self.width();
        let faults = values.iter().enumerate().filter_map(|(index, value)| {
            let (row, column) = (index / width, index % width);
            let fault = self.rules[column].number(*value).err()?;
            Some(BadCell { row, column, fault })
        });
        let faults: Vec<_> = faults.take(REPORTED).collect();
        self.checked(values, Vec::new(), faults)
    }

    /// See [`crate::Model::batch`].
    pub(crate) fn batch(self: &Arc<Self>, columns: Vec<Series>) -> Result<Batch, BatchError> {
        let (width, rows) = (self.width(), columns.first().map_or(0, Series::len));
        if columns.len() != width {
            return Err(BatchError::Width { found: columns.len(), expected: width });
        }
        if let Some(column) = columns.iter().position(|column| column.len() != rows) {
            return Err(BatchError::Uneven { column, found: columns[column].len(), expected: rows });
        }
        let mut values = vec![0.0; rows * width];
        let (mut texts, mut faults) = (Vec::new(), Vec::new());
        for (column, (series, rule)) in columns.into_iter().zip(&self.rules).enumerate() {
            let mut place = |row: usize, value: Result<f64, Fault>| match value {
                Ok(value) => values[row * width + column] = value,
                Err(fault) if faults.len() < REPORTED => faults.push(BadCell { row, column, fault }),
                Err(_) => {}
            };
            match (rule, series) {
                (Rule::Number { .. }, Series::Numbers(numbers)) => {
                    (0..).zip(numbers).for_each(|(row, number)| place(row, rule.number(number)));
                }
                (Rule::Category { .. }, Series::Texts(series)) => {
                    (0..).zip(&series).for_each(|(row, text)| place(row, rule.position(text)));
                }
                (Rule::Text, Series::Texts(series)) => {
                    (0..rows).for_each(|row| place(row, Ok((texts.len() + row) as f64)));
                    texts.extend(series);
                }
                (rule, series) => {
                    let (found, expected) = (series.name(), rule.name());
                    return Err(BatchError::Kind { column, found, expected });
                }
            }
        }
        self.checked(values, texts, faults)
    }

    fn checked(
        self: &Arc<Self>,
        values: Vec<f64>,
        texts: Vec<String>,
        faults: Vec<BadCell>,
    ) -> Result<Batch, BatchError> {
        if !faults.is_empty() {
            return Err(BatchError::Cells(faults));
        }
        let made_for = (!self.plain).then(|| Arc::clone(self));
        Batch::checked(values, self.width(), texts, made_for)
    }

    /// See [`crate::Model::row`].
    pub(crate) fn row(self: &Arc<Self>, cells: &[Cell]) -> Result<Batch, BatchError> {
        if cells.len() != self.width() {
            return Err(BatchError::Width { found: cells.len(), expected: self.width() });
        }
        let series =
            cells.iter().zip(&self.rules).enumerate().map(|(column, (cell, rule))| match (cell, rule) {
                (Cell::Number(number), Rule::Number { .. }) => Ok(Series::Numbers(vec![*number])),
                (Cell::Missing, Rule::Number { .. }) => Ok(Series::Numbers(vec![f64::NAN])),
                (Cell::Text(text), Rule::Category { .. } | Rule::Text) => {
                    Ok(Series::Texts(vec![text.clone()]))
                }
                (Cell::Missing, Rule::Category { .. } | Rule::Text) => Ok(Series::Texts(vec![String::new()])),
                (cell, rule) => Err(BatchError::Kind { column, found: cell.name(), expected: rule.name() }),
            });
        self.batch(series.collect::<Result<_, _>>()?)
    }
}

impl Rule {
    fn of(kind: &FeatureKind) -> Self {
        match kind {
            FeatureKind::Number { missing, .. } => Self::Number { missing: *missing },
            FeatureKind::Text { .. } => Self::Text,
            FeatureKind::Category(Category { categories, unknown, missing_as, .. }) => {
                let positions: HashMap<_, _> = categories.iter().cloned().zip(0..).collect();
                let missing = missing_as.as_ref().and_then(|category| positions.get(category).copied());
                let after_all = u32::try_from(categories.len()).ok();
                let unknown = after_all.filter(|_| *unknown == Unknown::Ignore);
                Self::Category { positions, unknown, missing }
            }
        }
    }

    fn number(&self, value: f64) -> Result<f64, Fault> {
        match self {
            _ if value.is_finite() => Ok(value),
            Self::Number { missing: true } if value.is_nan() => Ok(value),
            _ => Err(Fault::NotFinite),
        }
    }

    fn position(&self, text: &str) -> Result<f64, Fault> {
        let Self::Category { positions, unknown, missing } = self else { return Err(Fault::Missing) };
        let position = match positions.get(text) {
            Some(position) => *position,
            None if text.is_empty() => missing.ok_or(Fault::Missing)?,
            None => unknown.ok_or_else(|| Fault::Unknown(text.chars().take(64).collect()))?,
        };
        Ok(position.into())
    }

    fn is_text(&self) -> bool {
        !matches!(self, Self::Number { .. })
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Number { .. } => "a number",
            Self::Category { .. } => "a category",
            Self::Text => "a text",
        }
    }
}

impl Series {
    /// The number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(numbers) => numbers.len(),
            Self::Texts(texts) => texts.len(),
        }
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Numbers(_) => "numbers",
            Self::Texts(_) => "texts",
        }
    }
}
