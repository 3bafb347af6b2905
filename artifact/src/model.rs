//! A loaded model: steps whose every shape, index and value was checked, so that predicting cannot panic or go
//! out of bounds. Sidecar and server share this file; what was judged is what answers.

use std::sync::Arc;

use crate::{
    Batch, BatchError, Cell, Digest, Manifest, Output, Predictions, Series,
    inputs::Inputs,
    manifest::limits,
    steps::{Column, Role, Step, StepError, UNDECIDED},
    tensors::{TensorError, Tensors},
};

/// A model, ready to predict.
#[derive(Debug)]
pub struct Model {
    manifest: Manifest,
    digest: Digest,
    inputs: Arc<Inputs>,
    stages: Vec<Stage>,
    parameters: usize,
}

/// A step, and what its scores may be.
#[derive(Debug)]
struct Stage {
    step: Box<dyn Step>,
    /// Whether numbers may still be missing in the rows that it gives.
    gaps: bool,
}

/// Why parameters do not make the model that the manifest describes.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tensor breaks a rule.
    #[error(transparent)]
    Tensor(#[from] TensorError),
    /// A step would compute with something that is no number, or not there.
    #[error("step {step} (`{kind}`) takes {expected}, but `{feature}` reaches it as {found}")]
    Column {
        /// Its position, from 0.
        step: usize,
        /// Its kind.
        kind: &'static str,
        /// The feature that the column comes from.
        feature: String,
        /// What the column is.
        found: &'static str,
        /// What the step takes.
        expected: &'static str,
    },
    /// Columns that are not there, or in an order that no encoder gives.
    #[error("step {step} (`{kind}`), columns: {rule}")]
    Chosen {
        /// Its position, from 0.
        step: usize,
        /// Its kind.
        kind: &'static str,
        /// What is wrong with them.
        rule: String,
    },
    /// Few bytes of a manifest could ask for all memory.
    #[error("step {step} (`{kind}`) gives rows of {width} numbers, {} are allowed", limits::WIDTH)]
    Wide {
        /// Its position, from 0.
        step: usize,
        /// Its kind.
        kind: &'static str,
        /// How wide its rows would be.
        width: usize,
    },
    /// An estimator's answer is not another step's input.
    #[error("step {step} (`{kind}`) is no transformer; only the last step may be an estimator")]
    Order {
        /// Its position, from 0.
        step: usize,
        /// Its kind.
        kind: &'static str,
    },
    /// A classifier in a manifest that promises a regression, say.
    #[error("the last step (`{kind}`) gives a {found}, the manifest says {expected}")]
    Task {
        /// The step's kind.
        kind: &'static str,
        /// The task that it has.
        found: &'static str,
        /// The task of the manifest.
        expected: &'static str,
    },
    /// Names that do not match the parameters would be given to the wrong answers.
    #[error("the last step (`{kind}`) gives {found} {what}, the manifest names {expected}")]
    Width {
        /// The step's kind.
        kind: &'static str,
        /// What is counted.
        what: &'static str,
        /// How many the step has.
        found: usize,
        /// How many the manifest names.
        expected: usize,
    },
}

/// Why a batch has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PredictError {
    /// The rows are not of the model's width.
    #[error("rows of {found} values, the model takes {expected}")]
    Width {
        /// Columns of the batch.
        found: usize,
        /// Features of the model.
        expected: usize,
    },
    /// The cells were checked by the rules of another model, or by none.
    #[error("the batch was not made for this model")]
    Foreign,
    /// The input is finite, but the result is too large for a number.
    #[error("row {row}: the result of step {step} (`{kind}`) is not finite")]
    NotFinite {
        /// The row, from 0.
        row: usize,
        /// The step, from 0.
        step: usize,
        /// The step's kind.
        kind: &'static str,
    },
}

impl Model {
    /// Builds the model that `manifest` describes out of the bytes of `model.safetensors`. `digest` is the hash
    /// of the manifest's own bytes, the model's identity.
    ///
    /// # Errors
    /// [`LoadError`] if anything does not fit.
    pub fn load(manifest: Manifest, digest: Digest, tensors: &[u8]) -> Result<Self, LoadError> {
        let mut tensors = Tensors::parse(tensors)?;
        let parameters = tensors.values();
        let mut stages = Vec::with_capacity(manifest.steps.len());
        let mut columns: Vec<_> =
            (0..).zip(&manifest.inputs).map(|(index, input)| Column::of(index, &input.kind)).collect();
        let last = manifest.steps.len().saturating_sub(1);
        for (index, spec) in manifest.steps.iter().enumerate() {
            let kind = spec.kind();
            let loaded = spec.load(&columns, &manifest.output, &mut tensors.of_step(index));
            let (step, given) = loaded.map_err(|error| said(error, index, kind, &manifest))?;
            match step.role() {
                Role::Transformer { .. } if index < last => columns = given,
                role if index == last => {
                    fits(&role, kind, &manifest.output)?;
                    let numbers = given.iter().try_for_each(|column| column.number("an answer of numbers"));
                    numbers.map_err(|error| said(error, index, kind, &manifest))?;
                    columns = given;
                }
                _ => return Err(LoadError::Order { step: index, kind }),
            }
            let gaps = columns.iter().any(|column| matches!(column, Column::Missing { .. }));
            stages.push(Stage { step, gaps });
        }
        tensors.finish()?;
        let inputs = Arc::new(Inputs::of(&manifest.inputs));
        Ok(Self { manifest, digest, inputs, stages, parameters })
    }

    /// What the model is.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The model's identity.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// How many numbers the model consists of.
    pub fn parameters(&self) -> usize {
        self.parameters
    }

    /// Whether the scores of a clustering are the clusters' probabilities, and no distances.
    pub fn is_mixture(&self) -> bool {
        self.stages.last().is_some_and(|stage| matches!(stage.step.role(), Role::Mixture { .. }))
    }

    /// The most numbers that any step gives for one row, at least 1.
    pub fn row_width(&self) -> usize {
        self.stages.iter().map(|stage| stage.step.role().width()).fold(1, usize::max)
    }

    /// Makes a batch for this model of row-major values, by the position of its features.
    ///
    /// # Errors
    /// [`BatchError`], also if a feature is a category or a text, or a value is NaN whose feature may not be missing.
    pub fn matrix(&self, values: Vec<f64>) -> Result<Batch, BatchError> {
        self.inputs.matrix(values)
    }

    /// Makes a batch for this model of one series per feature, in their order.
    ///
    /// # Errors
    /// [`BatchError`] if the series do not fit the features, or a cell its feature.
    pub fn batch(&self, columns: Vec<Series>) -> Result<Batch, BatchError> {
        self.inputs.batch(columns)
    }

    /// Makes a batch for this model of one row, a cell per feature.
    ///
    /// # Errors
    /// [`BatchError`] if a cell does not fit its feature.
    pub fn row(&self, cells: &[Cell]) -> Result<Batch, BatchError> {
        self.inputs.row(cells)
    }

    /// Predicts every row of `batch` into `predictions`, whose earlier content is replaced. Deterministic: ties
    /// go to the lowest index, and a row's bits do not depend on the batch around it.
    ///
    /// # Errors
    /// [`PredictError`]; `predictions` is then unspecified.
    pub fn predict(&self, batch: &Batch, predictions: &mut Predictions) -> Result<(), PredictError> {
        let expected = self.manifest.inputs.len();
        if batch.columns() != expected {
            return Err(PredictError::Width { found: batch.columns(), expected });
        }
        if !self.inputs.made(batch) {
            return Err(PredictError::Foreign);
        }
        let rows = batch.rows();
        let Predictions { scores, choices, scratch, .. } = predictions;
        choices.clear();
        let mut width = 0;
        for (index, Stage { step, gaps }) in self.stages.iter().enumerate() {
            // What the step before wrote is what this one reads.
            std::mem::swap(scores, scratch);
            let input: &[f64] = if index == 0 { batch.values() } else { scratch.as_slice() };
            let role = step.role();
            width = role.width();
            scores.clear();
            scores.resize(rows * width, 0.0);
            if role.chooses() {
                choices.resize(rows, 0);
            }
            step.run_with_texts(input, batch.texts(), scores, choices);
            let is_bad = |score: &f64| !(score.is_finite() || *gaps && score.is_nan());
            let overflowed = scores.iter().position(is_bad).map(|at| at / width);
            let undecided = || choices.iter().position(|choice| *choice == UNDECIDED);
            if let Some(row) = overflowed.or_else(undecided) {
                let kind = self.manifest.steps[index].kind();
                return Err(PredictError::NotFinite { row, step: index, kind });
            }
        }
        predictions.rows = rows;
        predictions.width = width;
        Ok(())
    }
}

/// The error of a step as that of its model.
fn said(error: StepError, step: usize, kind: &'static str, manifest: &Manifest) -> LoadError {
    match error {
        StepError::Tensor(error) => LoadError::Tensor(error),
        StepError::Column { feature, found, expected } => {
            let feature =
                manifest.inputs.get(feature).map(|feature| feature.name.clone()).unwrap_or_default();
            LoadError::Column { step, kind, feature, found, expected }
        }
        StepError::Chosen(rule) => LoadError::Chosen { step, kind, rule },
        StepError::Wide(width) => LoadError::Wide { step, kind, width },
    }
}

fn fits(role: &Role, kind: &'static str, output: &Output) -> Result<(), LoadError> {
    let (what, found, expected) = match (role, output) {
        (Role::Classifier { classes, .. }, Output::Classification { classes: names }) => {
            ("classes", *classes, names.len())
        }
        (Role::Regressor { targets }, Output::Regression { targets: names }) => {
            ("targets", *targets, names.len())
        }
        (
            Role::Clusterer { clusters } | Role::Mixture { clusters },
            Output::Clustering { clusters: named },
        ) => ("clusters", *clusters, *named),
        (Role::Transformer { columns }, Output::Transformation { names }) => {
            ("columns", *columns, names.len())
        }
        (role, output) => {
            return Err(LoadError::Task { kind, found: role.task(), expected: output.task() });
        }
    };
    if found == expected { Ok(()) } else { Err(LoadError::Width { kind, what, found, expected }) }
}
