//! Golden rows: inputs with the answers that linfa's own model gave. They show every class, on rows of the data and
//! beyond its ranges.

use ndarray::Array2;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256Plus;

use super::{Answers, Fitted};
use crate::{Cell, Feature, FeatureKind, GoldenRow, Output, feature::Statistics};

/// How far our runtime may be off, relative to the larger of 1 and the answer.
const TOLERANCE: f64 = 1e-9;
/// Rows taken from each source whatever they show.
const PER_SOURCE: usize = 12;
/// Rows drawn beyond the data, to find what no row of it shows.
const DRAWN: usize = 10_000;
/// Two choices this close are a tie: rounding could decide for either.
const MARGIN: f64 = 1e-6;

/// A class or cluster that no row shows: a wrong answer in its place would not be noticed.
#[derive(Debug, thiserror::Error)]
#[error("the model never clearly answers `{name}`, on no row of the data and none of {DRAWN} drawn ones")]
pub struct Lost {
    /// The class's name, or the cluster's number.
    pub name: String,
}

/// Golden rows: some of each of `sources` (rows x features) and of rows that are drawn around the ranges of `inputs`, and as
/// many more as it takes to show every class or cluster.
///
/// # Errors
/// [`Lost`] if none shows one of them.
pub fn rows(
    model: &impl Fitted,
    sources: &[&Array2<f64>],
    inputs: &[Feature],
    output: &Output,
    seed: u64,
) -> Result<Vec<GoldenRow>, Lost> {
    let choices = if output.chooses() { output.names() } else { Vec::new() };
    let mut collected = Collected { seen: vec![false; choices.len()], rows: Vec::new() };
    for records in sources.iter().copied().chain([&draw(inputs, seed)]) {
        let answers = model.answer(records);
        collected.sample(records, &answers);
        collected.complete(records, &answers);
    }
    match collected.lost() {
        None => Ok(collected.rows),
        Some(lost) => Err(Lost { name: choices[lost].clone() }),
    }
}

struct Collected {
    /// By class or cluster.
    seen: Vec<bool>,
    rows: Vec<GoldenRow>,
}

impl Collected {
    /// The first class or cluster that no row shows.
    fn lost(&self) -> Option<usize> {
        self.seen.iter().position(|seen| !seen)
    }

    /// Takes rows at equal distances.
    fn sample(&mut self, records: &Array2<f64>, answers: &Answers) {
        let step = records.nrows().div_ceil(PER_SOURCE).max(1);
        for index in (0..records.nrows()).step_by(step) {
            self.take(records, answers, index);
        }
    }

    /// Takes the first row of each class or cluster that no row has shown yet.
    fn complete(&mut self, records: &Array2<f64>, answers: &Answers) {
        for (index, choice) in answers.choices.iter().flatten().enumerate() {
            if !self.seen[*choice] {
                self.take(records, answers, index);
            }
        }
    }

    fn take(&mut self, records: &Array2<f64>, answers: &Answers, index: usize) {
        let choice = answers.choices.as_ref().map(|choices| choices[index]);
        let scores = answers.scores.row(index).to_vec();
        if !scores.iter().all(|score| score.is_finite())
            || choice.is_some_and(|choice| is_tied(&scores, choice))
        {
            return;
        }
        if let Some(choice) = choice {
            self.seen[choice] = true;
        }
        self.rows.push(GoldenRow {
            input: records.row(index).iter().copied().map(Cell::from).collect(),
            choice: choice.and_then(|choice| u32::try_from(choice).ok()),
            scores,
            tolerance: TOLERANCE,
        });
    }
}

/// Whether another choice is so close that rounding could decide for it.
fn is_tied(scores: &[f64], choice: usize) -> bool {
    let chosen = scores.get(choice).copied().unwrap_or_default();
    let mut others = scores.iter().enumerate().filter(|(other, _)| *other != choice);
    others.any(|(_, other)| (other - chosen).abs() <= MARGIN)
}

/// Rows from the training ranges, widened by half of each on both sides.
fn draw(inputs: &[Feature], seed: u64) -> Array2<f64> {
    let mut random = Xoshiro256Plus::seed_from_u64(seed);
    Array2::from_shape_fn((DRAWN, inputs.len()), |(_, column)| {
        let FeatureKind::Number { statistics: Statistics { min, max, .. }, .. } = inputs[column].kind else {
            return 0.0;
        };
        let width = max - min;
        min - width / 2.0 + random.r#gen::<f64>() * 2.0 * width
    })
}
