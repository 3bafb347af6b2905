//! What the columns between two steps hold. Most steps take plain numbers; those that encode, fill in or choose columns say
//! here what they take and what they give.

use super::{Kind, Step};
use crate::{
    Output,
    feature::FeatureKind,
    manifest::limits,
    tensors::{Parameters, TensorError},
};

/// What one column holds. Features count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    /// Finite numbers.
    Number,
    /// Finite numbers, or NaN where one is missing.
    Missing {
        /// The feature that it is.
        feature: usize,
    },
    /// Positions of categories.
    Category {
        /// The feature that it is.
        feature: usize,
        /// How many positions there are.
        codes: usize,
        /// Whether the last of them stands for every other text.
        unknown: bool,
    },
    /// Positions among the texts of the batch.
    Text {
        /// The feature that it is.
        feature: usize,
    },
}

/// Why a step does not fit the columns that reach it, or its tensors.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// A tensor breaks a rule.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A column that the step cannot compute with.
    #[error("expected {expected}, got {found}")]
    Column {
        /// The feature that the column is.
        feature: usize,
        /// What the column holds.
        found: &'static str,
        /// What the step takes.
        expected: &'static str,
    },
    /// The columns that the manifest chooses are not there, or not in order.
    #[error("{0}")]
    Chosen(String),
    /// More columns than a model may have.
    #[error("{0} columns")]
    Wide(usize),
}

/// A loaded step, and the columns that it gives.
pub type Placed = (Box<dyn Step>, Vec<Column>);

/// A kind of step that looks at what its columns hold. Every [`Kind`] is one that takes numbers; missing ones if the loaded step
/// [takes them](Step::takes_missing).
pub trait TableKind {
    /// As [`Kind::load`]; `inputs` are the columns that reach the step.
    ///
    /// # Errors
    /// [`StepError`], by the first rule that is broken.
    fn load_table(
        &self,
        inputs: &[Column],
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Placed, StepError>;
}

impl<K: Kind> TableKind for K {
    fn load_table(
        &self,
        inputs: &[Column],
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Placed, StepError> {
        let refuse = |column: &Column| column.number("numbers");
        let (gaps, others): (Vec<_>, Vec<_>) =
            inputs.iter().partition(|column| matches!(column, Column::Missing { .. }));
        others.into_iter().try_for_each(refuse)?;
        let step = self.load(inputs.len(), output, parameters)?;
        if !step.takes_missing() {
            gaps.into_iter().try_for_each(refuse)?;
        }
        let width = step.role().width();
        if width > limits::WIDTH {
            return Err(StepError::Wide(width));
        }
        Ok((step, vec![Column::Number; width]))
    }
}

impl Column {
    /// The column of a feature.
    pub(crate) fn of(feature: usize, kind: &FeatureKind) -> Self {
        match kind {
            FeatureKind::Number { missing: false, .. } => Self::Number,
            FeatureKind::Number { missing: true, .. } => Self::Missing { feature },
            FeatureKind::Text { .. } => Self::Text { feature },
            FeatureKind::Category(category) => Self::Category {
                feature,
                codes: category.codes(),
                unknown: category.codes() > category.categories.len(),
            },
        }
    }

    /// Says what is wrong with the column where a step takes only numbers that are there.
    ///
    /// # Errors
    /// [`StepError::Column`] if it holds anything else.
    pub(crate) fn number(&self, expected: &'static str) -> Result<(), StepError> {
        let (feature, found) = match *self {
            Self::Number => return Ok(()),
            Self::Missing { feature } => (feature, "a number that may be missing; an imputer fills it in"),
            Self::Category { feature, .. } => (feature, "a category; an encoder makes numbers of it"),
            Self::Text { feature } => (feature, "a text; a vectorizer makes numbers of it"),
        };
        Err(StepError::Column { feature, found, expected })
    }
}

/// How many positions a column of categories has, and whether the last of them is that of every other text.
pub(crate) fn categories(column: &Column) -> Result<(usize, bool), StepError> {
    let (feature, found) = match *column {
        Column::Category { codes, unknown, .. } => return Ok((codes, unknown)),
        Column::Number => {
            return Err(StepError::Chosen(
                "one of them holds numbers, where categories are encoded".to_owned(),
            ));
        }
        Column::Missing { feature } => (feature, "a number"),
        Column::Text { feature } => (feature, "a text"),
    };
    Err(StepError::Column { feature, found, expected: "categories" })
}

/// The columns of `inputs` at the chosen places, which must be there and in ascending order.
pub(crate) fn chosen(places: &[usize], inputs: &[Column]) -> Result<Vec<Column>, StepError> {
    if places.is_empty() {
        return Err(StepError::Chosen("there is none".to_owned()));
    }
    if let Some([before, after]) = places.array_windows().find(|[before, after]| before >= after) {
        return Err(StepError::Chosen(format!("{after} follows {before}, where they have to ascend")));
    }
    places.iter().map(|place| at(*place, inputs)).collect()
}

/// The column at that place.
pub(crate) fn at(place: usize, inputs: &[Column]) -> Result<Column, StepError> {
    let width = inputs.len();
    let column = inputs.get(place).copied();
    column.ok_or_else(|| StepError::Chosen(format!("{place} is none of the {width} that reach the step")))
}

/// Refuses no columns, and more than a model may have.
pub(crate) fn within(width: usize) -> Result<usize, StepError> {
    match width {
        0 => Err(StepError::Chosen("no column is left after the step".to_owned())),
        1..=limits::WIDTH => Ok(width),
        _ => Err(StepError::Wide(width)),
    }
}
