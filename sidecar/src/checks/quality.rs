//! `quality`: how good the answers to evaluation.csv are, and whether policy.toml asks for better ones. The serving
//! version answers the same rows.

use std::fmt;

use artifact::{Manifest, Model, PredictError, Predictions, Version, ndarray::Axis};

use super::{
    Failure, Task, Weight,
    evaluation::{Evaluation, EvaluationError, Truth},
    serving::Serving,
    work,
};
use crate::{
    metrics,
    require::{Metric, Quality},
};

pub(super) const NAME: &str = "quality";

/// About how many numbers all rows together may touch, so that no model holds up the others.
const WORK: usize = 1 << 31;
/// The same for the distances between rows, and the most rows that are compared with each other.
const DISTANCES: usize = 200_000_000;
const COMPARED: usize = 1_000;
/// How far two figures that are equal on paper may differ.
const ROUNDING: f64 = 1e-12;

/// Why the answers are not good enough or nobody knows, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub(super) enum QualityError {
    /// The policy promises a measurement that nobody can make.
    #[error("there is no evaluation.csv beside policy.toml")]
    Missing,
    /// No plain, readable file of bounded size.
    #[error("{0}")]
    Unreadable(String),
    /// The file is of no use.
    #[error(transparent)]
    Evaluation(#[from] EvaluationError),
    /// A policy for another kind of model.
    #[error("a {task} has no {metric}")]
    Foreign { task: &'static str, metric: &'static str },
    /// Nothing can be said about a model that fails where it is measured.
    #[error("row {row} of evaluation.csv: the result of step {step} (`{kind}`) is not finite")]
    NotFinite { row: usize, step: usize, kind: &'static str },
    /// The measured rows do not fit, against all checks before.
    #[error("the rows of evaluation.csv do not fit: {0}")]
    Rows(String),
    /// A figure that these answers do not have.
    #[error("{} is not defined: {why}", metric.name())]
    Undefined { metric: Metric, why: &'static str },
    /// Not good enough, whatever serves.
    #[error("{} is {found} on evaluation.csv, policy.toml asks for at {side} {bound}", metric.name())]
    Bound { metric: Metric, found: Figure, side: &'static str, bound: f64 },
    /// A swap would make the answers worse.
    #[error(
        "{} is {found} on evaluation.csv, {worse} worse than the {before} of version {version}; policy.toml allows {margin} \
         (margin)",
        metric.name()
    )]
    Worse { metric: Metric, found: Figure, worse: Figure, before: Figure, version: Version, margin: f64 },
}

/// A figure as people read it: six digits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figure(f64);

/// What a model reached.
#[derive(Debug)]
struct Score {
    rows: usize,
    figures: Vec<(Metric, f64)>,
}

/// Scores the version, and the serving one. Where nothing is required, that nothing could be measured is a remark.
pub(super) fn compare(
    model: &Model,
    serving: Option<&Serving>,
    task: &Task,
) -> Result<((), String), Failure> {
    let require = &task.require.quality;
    let evaluation = match (&task.require.unreadable, &task.evaluation) {
        (Some(why), _) => Err(QualityError::Unreadable(why.clone())),
        (None, None) => Err(QualityError::Missing),
        (None, Some(bytes)) => Ok(bytes.as_slice()),
    };
    match evaluation.and_then(|bytes| measure(model, serving, bytes, require)) {
        Ok(detail) => Ok(((), detail)),
        Err(error) if require.is_required() => Err(error.into()),
        Err(error) => Ok(((), format!("not measured: {error}"))),
    }
}

fn measure(
    model: &Model,
    serving: Option<&Serving>,
    bytes: &[u8],
    require: &Quality,
) -> Result<String, QualityError> {
    let metric = metric(model.manifest(), require)?;
    // The same rows for both, so as many as the larger one has time for.
    let most = serving.map_or(usize::MAX, |serving| most_rows(&serving.model)).min(most_rows(model));
    let score = |model| Score::of(model, bytes, require.target.as_deref(), most);
    let found = score(model)?;
    let before = serving.map(|serving| (serving.version, score(&serving.model)));
    if require.is_required() {
        decide(metric, &found, before.as_ref(), require)?;
    }
    let mut detail = format!("{} rows: {found}", found.rows);
    match before {
        None => {}
        Some((version, Ok(before))) => detail += &format!("; version {version}: {before}"),
        Some((version, Err(error))) => detail += &format!("; version {version} has none: {error}"),
    }
    Ok(detail)
}

fn metric(manifest: &Manifest, require: &Quality) -> Result<Metric, QualityError> {
    let task = manifest.output.task();
    let own = Metric::of(task);
    let metric = require.metric.filter(|_| require.is_required()).or_else(|| own.first().copied());
    let name = metric.map_or("measure of quality", Metric::name);
    metric.filter(|metric| own.contains(metric)).ok_or(QualityError::Foreign { task, metric: name })
}

fn most_rows(model: &Model) -> usize {
    (WORK / work(model)).max(1)
}

fn decide(
    metric: Metric,
    score: &Score,
    before: Option<&(Version, Result<Score, QualityError>)>,
    require: &Quality,
) -> Result<(), QualityError> {
    let found = score.figure(metric)?;
    let bound = |side, bound| Err(QualityError::Bound { metric, found: Figure(found), side, bound });
    if let Some(least) = require.at_least.filter(|least| found < *least - ROUNDING) {
        return bound("least", least);
    }
    if let Some(most) = require.at_most.filter(|most| found > *most + ROUNDING) {
        return bound("most", most);
    }
    // What the serving version cannot answer, it answers no better.
    let Some((version, Ok(before))) = before else { return Ok(()) };
    let (Some(margin), Ok(before)) = (require.margin(), before.figure(metric)) else { return Ok(()) };
    let worse = metric.worse(found, before);
    if worse <= margin + ROUNDING {
        return Ok(());
    }
    Err(QualityError::Worse {
        metric,
        found: Figure(found),
        worse: Figure(worse),
        before: Figure(before),
        version: *version,
        margin,
    })
}

impl Score {
    fn of(model: &Model, bytes: &[u8], target: Option<&str>, most: usize) -> Result<Self, QualityError> {
        let Evaluation { rows, truth } = Evaluation::read(bytes, model, target)?;
        let scored = (0..rows.rows()).step_by(step(rows.rows(), most));
        let (mut choices, mut probabilities, mut numbers) = (Vec::new(), Vec::new(), Vec::new());
        let mut answer = Predictions::default();
        for index in scored.clone() {
            let row =
                rows.row(index).ok_or_else(|| QualityError::Rows(format!("there is no row {index}")))?;
            model.predict(&row, &mut answer).map_err(|error| match error {
                PredictError::NotFinite { step, kind, .. } => {
                    QualityError::NotFinite { row: index + 1, step, kind }
                }
                PredictError::Width { .. } | PredictError::Foreign => QualityError::Rows(error.to_string()),
            })?;
            choices.extend(answer.choices().iter().map(|choice| *choice as usize));
            match &truth {
                Truth::Classes(truth) => probabilities.extend(answer.scores().get(truth[index])),
                Truth::Numbers(truth) => {
                    numbers.extend(truth.row(index).into_iter().zip(answer.scores()).map(|(a, b)| (*a, *b)))
                }
                Truth::None => {}
            }
        }
        let figures = match &truth {
            Truth::Classes(truth) => {
                let pairs = || scored.clone().map(|row| truth[row]).zip(choices.iter().copied());
                vec![
                    (Metric::Accuracy, metrics::accuracy(pairs())),
                    (Metric::LogLoss, metrics::log_loss(probabilities.into_iter())),
                    (Metric::MacroF1, metrics::macro_f1(pairs())),
                ]
            }
            Truth::Numbers(truth) => {
                let targets = truth.ncols();
                let pairs = |target| numbers.iter().copied().skip(target).step_by(targets);
                vec![
                    (Metric::R2, metrics::mean((0..targets).map(|target| metrics::r2(pairs(target))))),
                    (Metric::Rmse, metrics::mean((0..targets).map(|target| metrics::rmse(pairs(target))))),
                ]
            }
            Truth::None => {
                let most = (DISTANCES / rows.columns()).isqrt().clamp(2, COMPARED);
                let compared = scored.clone().zip(choices).step_by(step(scored.clone().count(), most));
                let (places, clusters): (Vec<_>, Vec<_>) = compared.unzip();
                let rows = rows.view().select(Axis(0), &places);
                vec![(Metric::Silhouette, metrics::silhouette(rows.view(), &clusters))]
            }
        };
        let figures = figures.into_iter().filter(|(_, figure)| figure.is_finite()).collect();
        Ok(Self { rows: scored.count(), figures })
    }

    fn figure(&self, wanted: Metric) -> Result<f64, QualityError> {
        let mut figures = self.figures.iter();
        let figure = figures.find(|(metric, _)| *metric == wanted).map(|(_, figure)| *figure);
        figure.ok_or(QualityError::Undefined {
            metric: wanted,
            why: match wanted {
                Metric::LogLoss => "the model gives no probabilities",
                Metric::R2 => "the true values are all the same",
                Metric::Silhouette => "all rows are of one cluster",
                Metric::Accuracy | Metric::MacroF1 | Metric::Rmse => "the figure is beyond all numbers",
            },
        })
    }
}

/// Every how many rows one is taken, so that of `rows` there are at most `most`.
fn step(rows: usize, most: usize) -> usize {
    rows.div_ceil(most).max(1)
}

impl From<QualityError> for Failure {
    fn from(error: QualityError) -> Self {
        let weight = match error {
            // The operator's files.
            QualityError::Missing
            | QualityError::Unreadable(_)
            | QualityError::Evaluation(_)
            | QualityError::Undefined { metric: Metric::R2, .. } => Weight::Waiting,
            QualityError::Foreign { .. }
            | QualityError::NotFinite { .. }
            | QualityError::Rows(_)
            | QualityError::Undefined { .. }
            | QualityError::Bound { .. }
            | QualityError::Worse { .. } => Weight::Sure,
        };
        Self::new(weight, error)
    }
}

impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.figures.is_empty() {
            return f.write_str("no figure is defined");
        }
        for (index, (metric, figure)) in self.figures.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {}", metric.name(), Figure(*figure))?;
        }
        Ok(())
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Rounded by way of text, since only that has digits.
        let rounded = format!("{:.5e}", self.0).parse().unwrap_or(self.0);
        write!(f, "{rounded}")
    }
}

#[cfg(test)]
mod tests {
    use artifact::{Digest, testkit};

    use super::*;

    fn score(pack: &artifact::Artifact, rows: &str, most: usize) -> Score {
        let files = pack.files().unwrap();
        let manifest = Manifest::parse(&files.manifest).unwrap();
        let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap();
        Score::of(&model, rows.as_bytes(), None, most).unwrap()
    }

    #[test]
    fn of_more_rows_than_there_is_time_for_some_are_answered_evenly_spread() {
        // Every fourth row is right, which are the ones that are looked at.
        let row = |index| if index % 4 == 0 { "1,1,4\n" } else { "1,1,5\n" };
        let rows = "x,y,value\n".to_owned() + &(0..10).map(row).collect::<String>();
        let rmse = |most| {
            let score = score(&testkit::linear("a", 2.0), &rows, most);
            (score.rows, score.figure(Metric::Rmse).unwrap())
        };
        assert_eq!(rmse(3), (3, 0.0));
        assert_eq!(rmse(10), (10, 0.7_f64.sqrt()));
        assert_eq!(rmse(usize::MAX), (10, 0.7_f64.sqrt()));
    }

    #[test]
    fn of_many_rows_some_are_compared_with_each_other() {
        // Rows 0, 3, 6, … lie in two clusters, the others where they would spoil the figure.
        let row = |index| ["0,0\n", "5,5\n", "5,4\n", "10,0\n", "4,4\n", "5,5\n"][index % 6];
        let rows = |count| "x,y\n".to_owned() + &(0..count).map(row).collect::<String>();
        let silhouette = |count| {
            score(&testkit::clusters("a"), &rows(count), usize::MAX).figure(Metric::Silhouette).unwrap()
        };
        assert_eq!(silhouette(3 * COMPARED), 1.0);
        assert!(silhouette(300) < 0.9);
    }

    #[test]
    fn figures_have_six_digits_whatever_their_size() {
        for (figure, text) in [
            (0.142_863_348_496, "0.142863"),
            (1.0, "1"),
            (0.1 + 0.2, "0.3"),
            (-0.390_098_048, "-0.390098"),
            (123_456_789.0, "123457000"),
            (0.000_001_234_567, "0.00000123457"),
        ] {
            assert_eq!(Figure(figure).to_string(), text);
        }
        assert_eq!(score(&testkit::clusters("a"), "x,y\n1,1\n", 9).to_string(), "no figure is defined");
    }
}
