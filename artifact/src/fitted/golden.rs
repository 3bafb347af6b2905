//! Golden rows: inputs with the answers that linfa's own model gave. They show every class, on rows of the data and
//! beyond its ranges.

use ndarray::Array2;
use rand::{Rng as _, SeedableRng as _};
use rand_xoshiro::Xoshiro256Plus;

use super::{Answers, Fitted};
use crate::{Cell, Feature, FeatureKind, GoldenRow, Output, feature::Statistics};

/// Rows taken from each source whatever they show.
const PER_SOURCE: usize = 12;
/// Rows drawn beyond the data, to find what no row of it shows.
const DRAWN: usize = 10_000;
/// Two choices this close are a tie, or as close as the tolerance: rounding could decide for either.
const MARGIN: f64 = 1e-6;

/// A class or cluster that no row shows: a wrong answer in its place would not be noticed.
#[derive(Debug, thiserror::Error)]
#[error("the model never clearly answers `{name}`, on no row of the data and none of {DRAWN} drawn ones")]
pub struct Lost {
    /// The class's name, or the cluster's number.
    pub name: String,
}

/// Golden rows: some of each of `sources` (rows x features; of a category its position, of a text its position in `texts`, NaN
/// where a value is missing) and of rows that are drawn around the ranges of `inputs`, and as
/// many more as it takes to show every class or cluster.
///
/// # Errors
/// [`Lost`] if none shows one of them.
pub fn rows(
    model: &impl Fitted,
    sources: &[&Array2<f64>],
    inputs: &[Feature],
    texts: &[String],
    output: &Output,
    seed: u64,
) -> Result<Vec<GoldenRow>, Lost> {
    let choices = if output.chooses() { output.names() } else { Vec::new() };
    let (seen, tolerance) = (vec![false; choices.len()], model.tolerance());
    let mut collected = Collected { inputs, texts, seen, rows: Vec::new(), tolerance };
    for records in sources.iter().copied().chain([&draw(inputs, texts, seed)]) {
        let answers = model.answer(records);
        collected.sample(records, &answers);
        collected.complete(records, &answers);
    }
    match collected.lost() {
        None => Ok(collected.rows),
        Some(lost) => Err(Lost { name: choices[lost].clone() }),
    }
}

struct Collected<'a> {
    inputs: &'a [Feature],
    texts: &'a [String],
    /// By class or cluster.
    seen: Vec<bool>,
    rows: Vec<GoldenRow>,
    tolerance: f64,
}

impl Collected<'_> {
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
            || choice.is_some_and(|choice| is_tied(&scores, choice, MARGIN.max(self.tolerance)))
        {
            return;
        }
        if let Some(choice) = choice {
            self.seen[choice] = true;
        }
        self.rows.push(GoldenRow {
            input: records
                .row(index)
                .iter()
                .zip(self.inputs)
                .map(|(value, input)| self.cell(*value, input))
                .collect(),
            choice: choice.and_then(|choice| u32::try_from(choice).ok()),
            scores,
            tolerance: self.tolerance,
        });
    }
}

impl Collected<'_> {
    /// A value as it stands in a golden row.
    fn cell(&self, value: f64, input: &Feature) -> Cell {
        let text = |texts: &[String]| {
            texts.get(value as usize).map_or(Cell::Missing, |text| Cell::Text(text.clone()))
        };
        match &input.kind {
            _ if value.is_nan() => Cell::Missing,
            FeatureKind::Number { .. } => Cell::Number(value),
            FeatureKind::Category(category) => text(&category.categories),
            FeatureKind::Text { .. } => text(self.texts),
        }
    }
}

/// Whether another choice is so close that rounding could decide for it.
fn is_tied(scores: &[f64], choice: usize, margin: f64) -> bool {
    let chosen = scores.get(choice).copied().unwrap_or_default();
    let mut others = scores.iter().enumerate().filter(|(other, _)| *other != choice);
    others.any(|(_, other)| (other - chosen).abs() <= margin)
}

/// Rows from the training ranges, widened by half of each on both sides; categories and texts as they come, and now and then
/// nothing where a value may be missing.
fn draw(inputs: &[Feature], texts: &[String], seed: u64) -> Array2<f64> {
    let mut random = Xoshiro256Plus::seed_from_u64(seed);
    Array2::from_shape_fn((DRAWN, inputs.len()), |(_, column)| {
        let drawn = random.r#gen::<f64>();
        let position = |count: usize| (drawn * count as f64).floor();
        match &inputs[column].kind {
            FeatureKind::Number { statistics: Statistics { min, max, .. }, missing } => {
                let width = max - min;
                let number = min - width / 2.0 + drawn * 2.0 * width;
                if *missing && random.gen_bool(0.125) { f64::NAN } else { number }
            }
            FeatureKind::Category(category) => position(category.categories.len()),
            FeatureKind::Text { .. } => position(texts.len()),
        }
    })
}
