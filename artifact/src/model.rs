//! A loaded model: steps whose every shape, index and value was checked, so that predicting cannot panic or go
//! out of bounds. Sidecar and server share this file; what was judged is what answers.

use crate::{
    Batch, Digest, Manifest, Output, Predictions,
    steps::{Role, Step, UNDECIDED},
    tensors::{TensorError, Tensors},
};

/// A model, ready to predict.
#[derive(Debug)]
pub struct Model {
    manifest: Manifest,
    digest: Digest,
    steps: Vec<Box<dyn Step>>,
    parameters: usize,
}

/// Why parameters do not make the model that the manifest describes.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A tensor breaks a rule.
    #[error(transparent)]
    Tensor(#[from] TensorError),
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
        let mut steps = Vec::with_capacity(manifest.steps.len());
        let mut width = manifest.inputs.len();
        let last = manifest.steps.len().saturating_sub(1);
        for (index, spec) in manifest.steps.iter().enumerate() {
            let step = spec.load(width, &manifest.output, &mut tensors.of_step(index))?;
            match step.role() {
                Role::Transformer { columns } if index < last => width = columns,
                role if index == last => fits(&role, spec.kind(), &manifest.output)?,
                _ => {
                    return Err(LoadError::Order { step: index, kind: spec.kind() });
                }
            }
            steps.push(step);
        }
        tensors.finish()?;
        Ok(Self { manifest, digest, steps, parameters })
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

    /// The most numbers that any step gives for one row, at least 1.
    pub fn row_width(&self) -> usize {
        self.steps.iter().map(|step| step.role().width()).fold(1, usize::max)
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
        let rows = batch.rows();
        let Predictions { scores, choices, scratch, .. } = predictions;
        choices.clear();
        let mut width = 0;
        for (index, step) in self.steps.iter().enumerate() {
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
            step.run(input, scores, choices);
            let overflowed = scores.iter().position(|score| !score.is_finite()).map(|at| at / width);
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

fn fits(role: &Role, kind: &'static str, output: &Output) -> Result<(), LoadError> {
    let (what, found, expected) = match (role, output) {
        (Role::Classifier { classes, .. }, Output::Classification { classes: names }) => {
            ("classes", *classes, names.len())
        }
        (Role::Regressor { targets }, Output::Regression { targets: names }) => {
            ("targets", *targets, names.len())
        }
        (Role::Clusterer { clusters }, Output::Clustering { clusters: named }) => {
            ("clusters", *clusters, *named)
        }
        (Role::Transformer { columns }, Output::Transformation { names }) => {
            ("columns", *columns, names.len())
        }
        (role, output) => {
            return Err(LoadError::Task { kind, found: role.task(), expected: output.task() });
        }
    };
    if found == expected { Ok(()) } else { Err(LoadError::Width { kind, what, found, expected }) }
}
