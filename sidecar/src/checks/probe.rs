//! `probe`: rows in and far around the training ranges get sound answers: finite numbers, probabilities that are
//! some, and the same bits alone as among others. The rows are the same each time.

use artifact::{Batch, BatchError, Feature, Model, Output, PredictError, Predictions};

use super::Failure;

pub(super) const NAME: &str = "probe";

/// How far around the training range the rows reach.
const WIDENED: f64 = 10.0;
/// The fewest rows, however large the model, and the most.
const ROWS: (usize, usize) = (16, 256);
/// About how many numbers all rows together may touch, so that no model holds up the others.
const WORK: usize = 500_000_000;
/// How far from 1 the probabilities of a row may add up to.
const SUM: f64 = 1e-9;

/// Why an answer is not sound, one variant per rule. Rows count from 1.
#[derive(Debug, thiserror::Error)]
enum ProbeError {
    /// The range that the manifest gives reaches beyond all numbers.
    #[error("the rows of the probe are no batch: {0}")]
    Rows(#[from] BatchError),
    /// A model that overflows near its training data has no answer in practice either.
    #[error(
        "row {row} of the probe, within {WIDENED} times the training ranges: the result of step {step} (`{kind}`) is not finite"
    )]
    NotFinite {
        row: usize,
        step: usize,
        kind: &'static str,
    },
    /// The probe's own rows do not fit.
    #[error("the rows of the probe do not fit: {0}")]
    Width(PredictError),
    /// Not a probability, whatever it is.
    #[error("row {row} of the probe: the probability of `{class}` is {value}")]
    Probability { row: usize, class: String, value: f64 },
    /// Probabilities of something else than one of the classes.
    #[error("row {row} of the probe: the probabilities add up to {sum}")]
    Sum { row: usize, sum: f64 },
    /// A client would be told a class that does not exist.
    #[error("row {row} of the probe: the answer is number {choice} of {names}")]
    Choice { row: usize, choice: u32, names: usize },
    /// The answer to one caller would depend on who else is calling.
    #[error("row {row} of the probe: its answer alone differs from its answer among {rows} rows")]
    Batching { row: usize, rows: usize },
}

/// Lets the model answer the rows, together and one by one.
pub(super) fn probe(model: &Model) -> Result<((), String), Failure> {
    answers(model)
        .map(|rows| {
            (
                (),
                format!("{rows} rows, sound, and each alone as among the others"),
            )
        })
        .map_err(Failure::sure)
}

fn answers(model: &Model) -> Result<usize, ProbeError> {
    let inputs = &model.manifest().inputs;
    let touched = inputs.len() + model.parameters();
    let rows = (WORK / touched).clamp(ROWS.0, ROWS.1);
    let batch = Batch::new(self::rows(inputs, rows), inputs.len())?;
    let predict = |batch: &Batch, answers: &mut Predictions| {
        model.predict(batch, answers).map_err(|error| match error {
            PredictError::NotFinite { row, step, kind } => ProbeError::NotFinite {
                row: row + 1,
                step,
                kind,
            },
            PredictError::Width { .. } => ProbeError::Width(error),
        })
    };
    let (mut all, mut alone) = (Predictions::default(), Predictions::default());
    predict(&batch, &mut all)?;
    sound(&all, &model.manifest().output)?;
    for (index, row) in batch.values().chunks_exact(inputs.len()).enumerate() {
        predict(&Batch::new(row.to_vec(), inputs.len())?, &mut alone)?;
        let scores = &all.scores()[index * all.width()..][..all.width()];
        let same_scores = scores
            .iter()
            .map(|score| score.to_bits())
            .eq(alone.scores().iter().map(|score| score.to_bits()));
        if !same_scores || all.choices().get(index) != alone.choices().first() {
            return Err(ProbeError::Batching { row: index + 1, rows });
        }
    }
    Ok(rows)
}

fn sound(answers: &Predictions, output: &Output) -> Result<(), ProbeError> {
    let names = output.names();
    for (row, choice) in answers.choices().iter().enumerate() {
        if *choice as usize >= names.len() {
            return Err(ProbeError::Choice {
                row: row + 1,
                choice: *choice,
                names: names.len(),
            });
        }
    }
    let probabilities = matches!(output, Output::Classification { .. }) && answers.width() > 0;
    if !probabilities {
        return Ok(());
    }
    for (row, scores) in answers.scores().chunks_exact(answers.width()).enumerate() {
        if let Some(class) = scores.iter().position(|score| !(0.0..=1.0).contains(score)) {
            return Err(ProbeError::Probability {
                row: row + 1,
                class: names[class].clone(),
                value: scores[class],
            });
        }
        let sum: f64 = scores.iter().sum();
        if (sum - 1.0).abs() > SUM {
            return Err(ProbeError::Sum { row: row + 1, sum });
        }
    }
    Ok(())
}

/// `count` rows, row-major: first all features at their extremes, at their deciles and at the widened ends, then
/// by turns rows scattered over the widened ranges and over their corners.
fn rows(inputs: &[Feature], count: usize) -> Vec<f64> {
    let mut scatter = Scatter(0x6c69_6e66_6121);
    let mut values = Vec::with_capacity(count * inputs.len());
    for row in 0..count {
        values.extend(inputs.iter().map(|feature| match row {
            0 => feature.min,
            1 => feature.max,
            2 => feature.mean,
            3..12 => feature.deciles[row - 3],
            12 => at(feature, -1.0),
            13 => at(feature, 1.0),
            _ if row % 2 == 0 => at(feature, scatter.next()),
            _ => at(feature, scatter.next().signum()),
        }));
    }
    values
}

/// A point of the feature's widened range: -1 is its lower end, 1 its upper one.
fn at(feature: &Feature, place: f64) -> f64 {
    let centre = feature.min / 2.0 + feature.max / 2.0;
    let half = match feature.max / 2.0 - feature.min / 2.0 {
        // A constant feature has no range, but a request may give another value.
        0.0 => feature.mean.abs().max(1.0),
        half => half,
    };
    (centre + place * WIDENED * half).clamp(f64::MIN, f64::MAX)
}

/// Numbers in -1 to 1 that are the same each time.
///
/// Source: SplitMix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct Scatter(u64);

impl Scatter {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The 53 upper bits are a number in 0 to 1.
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}
