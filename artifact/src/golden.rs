//! `golden.jsonl`: rows with the answers that the training library itself gave. The runtime has to repeat them,
//! in the sidecar before a model is admitted and in the server before it serves.

use serde::{Deserialize, Serialize};

use crate::{BatchError, Cell, Model, PredictError, Predictions};

/// The largest tolerance that a row may ask for: a loose one would prove nothing.
pub const MAX_TOLERANCE: f64 = 1e-4;
/// The most rows of one file.
pub const MAX_ROWS: usize = 10_000;
/// The most rows times parameters of one replay, some seconds of work: neither the sidecar nor the server may be held up.
pub const MAX_WORK: usize = 1 << 32;

/// One row, and what the training library answered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenRow {
    /// One value per feature: a number, a text, or null where it is missing.
    pub input: Vec<Cell>,
    /// The index of the class or cluster; absent for regression and transformation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub choice: Option<u32>,
    /// Probabilities, values, distances or the new row. Empty where the library gives a choice alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scores: Vec<f64>,
    /// How far each score may be off: |ours - theirs| <= tolerance * max(1, |theirs|).
    pub tolerance: f64,
}

/// All golden rows of a version, at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Golden(Vec<GoldenRow>);

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// Rows compared.
    pub rows: usize,
    /// The largest difference, as a share of what the row tolerates.
    pub worst: f64,
}

/// Why golden rows prove nothing, or prove the model wrong; one variant per rule. Rows count from 1, as lines.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// A torn copy, or a field that this release does not know.
    #[error("row {row}: {error}")]
    Json {
        /// The row.
        row: usize,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// No proof at all, or one that takes for ever.
    #[error("{rows} rows, where 1 to {MAX_ROWS} are allowed")]
    Count {
        /// How many there are.
        rows: usize,
    },
    /// A large model and many rows would keep the replay busy for minutes.
    #[error("{rows} rows for a model of {parameters} parameters, {max} are allowed")]
    Work {
        /// How many rows there are.
        rows: usize,
        /// The size of the model.
        parameters: usize,
        /// How many rows are allowed.
        max: usize,
    },
    /// A row that asks for so much freedom that any model passes.
    #[error("row {row} asks for a tolerance of {tolerance:e}, the cap is {MAX_TOLERANCE:e}")]
    Tolerance {
        /// The row.
        row: usize,
        /// What it asks for.
        tolerance: f64,
    },
    /// Rows of another model.
    #[error("row {row} has {found} {what}, expected {expected}")]
    Width {
        /// The row.
        row: usize,
        /// What is counted.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many belong there.
        expected: usize,
    },
    /// A NaN compares equal to nothing and below nothing.
    #[error("row {row}: the input cannot be predicted: {error}")]
    Input {
        /// The row.
        row: usize,
        /// What is wrong with it.
        error: BatchError,
    },
    /// A class that no row shows may be answered wrongly without anyone noticing.
    #[error("no row shows class or cluster {index} (`{name}`)")]
    Uncovered {
        /// Its index.
        index: usize,
        /// Its name.
        name: String,
    },
    /// The model has no answer to a row that the training library answered.
    #[error("row {row}: the result of step {step} (`{kind}`) is not finite")]
    NotFinite {
        /// The row.
        row: usize,
        /// The step, from 0.
        step: usize,
        /// The step's kind.
        kind: &'static str,
    },
    /// The model is not the one that was trained: another choice.
    #[error("row {row}: the model answers `{found}`, the training library answered `{expected}`")]
    Choice {
        /// The row.
        row: usize,
        /// Our class or cluster.
        found: String,
        /// The library's.
        expected: String,
    },
    /// The model is not the one that was trained: other numbers.
    #[error(
        "row {row}, score {index}: the model answers {found}, the training library answered {expected} (tolerance {tolerance:e})"
    )]
    Score {
        /// The row.
        row: usize,
        /// The position in the row's scores, from 0.
        index: usize,
        /// Our number.
        found: f64,
        /// The library's.
        expected: f64,
        /// What the row allows.
        tolerance: f64,
    },
}

impl Golden {
    /// Reads one row per line.
    ///
    /// # Errors
    /// [`GoldenError`] if a line is no row, or there are none or too many.
    pub fn parse(bytes: &[u8]) -> Result<Self, GoldenError> {
        let bytes = bytes.trim_ascii_end();
        let lines = || bytes.split(|byte| *byte == b'\n');
        let rows = if bytes.is_empty() { 0 } else { lines().count() };
        if !(1..=MAX_ROWS).contains(&rows) {
            return Err(GoldenError::Count { rows });
        }
        let rows = lines().enumerate().map(|(index, line)| {
            serde_json::from_slice(line).map_err(|error| GoldenError::Json { row: index + 1, error })
        });
        Ok(Self(rows.collect::<Result<_, _>>()?))
    }

    /// One row per line.
    ///
    /// # Errors
    /// [`GoldenError::Json`] if a row cannot be written.
    pub fn to_bytes(rows: &[GoldenRow]) -> Result<Vec<u8>, GoldenError> {
        let mut bytes = Vec::new();
        for (index, row) in rows.iter().enumerate() {
            serde_json::to_writer(&mut bytes, row)
                .map_err(|error| GoldenError::Json { row: index + 1, error })?;
            bytes.push(b'\n');
        }
        Ok(bytes)
    }

    /// The rows.
    pub fn rows(&self) -> &[GoldenRow] {
        &self.0
    }

    /// Lets the model answer every row and compares.
    ///
    /// # Errors
    /// [`GoldenError`], by the first rule that is broken.
    pub fn replay(&self, model: &Model) -> Result<Agreement, GoldenError> {
        let (rows, parameters) = (self.0.len(), model.parameters());
        if rows.saturating_mul(parameters) > MAX_WORK {
            let max = MAX_WORK / parameters;
            return Err(GoldenError::Work { rows, parameters, max });
        }
        let names = model.manifest().output.names();
        if model.manifest().output.chooses() {
            self.covers(&names)?;
        }
        // One row at a time: a batch of them could need more memory than the file has bytes.
        let mut answer = Predictions::default();
        let mut worst = 0.0_f64;
        for (index, golden) in self.0.iter().enumerate() {
            let row = index + 1;
            golden.answer(row, model, &mut answer)?;
            worst = worst.max(golden.compare(row, &names, &answer)?);
        }
        Ok(Agreement { rows, worst })
    }

    fn covers(&self, names: &[String]) -> Result<(), GoldenError> {
        let mut seen = vec![false; names.len()];
        for choice in self.0.iter().filter_map(|row| row.choice) {
            if let Some(seen) = seen.get_mut(choice as usize) {
                *seen = true;
            }
        }
        match seen.iter().position(|seen| !seen) {
            Some(index) => Err(GoldenError::Uncovered { index, name: names[index].clone() }),
            None => Ok(()),
        }
    }
}

impl GoldenRow {
    fn answer(&self, row: usize, model: &Model, answer: &mut Predictions) -> Result<(), GoldenError> {
        let (found, expected) = (self.input.len(), model.manifest().inputs.len());
        same_width(row, "values", found, expected)?;
        let input = model.row(&self.input).map_err(|error| GoldenError::Input { row, error })?;
        model.predict(&input, answer).map_err(|error| match error {
            PredictError::NotFinite { step, kind, .. } => GoldenError::NotFinite { row, step, kind },
            PredictError::Width { .. } | PredictError::Foreign => {
                GoldenError::Width { row, what: "values", found, expected }
            }
        })
    }

    /// The largest difference, as a share of what the row tolerates.
    fn compare(&self, row: usize, names: &[String], answer: &Predictions) -> Result<f64, GoldenError> {
        let tolerance = self.tolerance;
        if !(0.0..=MAX_TOLERANCE).contains(&tolerance) {
            return Err(GoldenError::Tolerance { row, tolerance });
        }
        same_width(row, "choices", usize::from(self.choice.is_some()), answer.choices().len())?;
        if let (Some(expected), [found]) = (self.choice, answer.choices())
            && expected != *found
        {
            let name = |index: u32| names.get(index as usize).cloned();
            let name = |index: u32| name(index).unwrap_or_else(|| index.to_string());
            return Err(GoldenError::Choice { row, found: name(*found), expected: name(expected) });
        }
        // A choice alone is proof enough where the library tells no more.
        if self.choice.is_some() && self.scores.is_empty() {
            return Ok(0.0);
        }
        same_width(row, "scores", self.scores.len(), answer.width())?;
        let mut worst = 0.0_f64;
        for (index, (found, expected)) in answer.scores().iter().zip(&self.scores).enumerate() {
            let (found, expected) = (*found, *expected);
            let allowed = tolerance * expected.abs().max(1.0);
            let off = (found - expected).abs();
            // Asked this way round, so that a NaN fails.
            let agrees = off <= allowed;
            if !agrees {
                return Err(GoldenError::Score { row, index, found, expected, tolerance });
            }
            worst = worst.max(if off == 0.0 { 0.0 } else { off / allowed });
        }
        Ok(worst)
    }
}

fn same_width(row: usize, what: &'static str, found: usize, expected: usize) -> Result<(), GoldenError> {
    if found == expected { Ok(()) } else { Err(GoldenError::Width { row, what, found, expected }) }
}
