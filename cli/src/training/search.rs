//! `--search`: every combination of some hyper-parameters' values, each measured by cross-validation.

use std::cmp::Ordering;

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use indicatif::ProgressBar;

use super::{metrics, model::Recipe, split::Part};

/// The grid and how it is measured.
#[derive(Args, Debug)]
pub(crate) struct Search {
    /// Try these values of a hyper-parameter, and keep the best; more than one --search tries every combination
    #[arg(long = "search", value_name = "NAME=VALUE,…", value_parser = axis, help_heading = "Search")]
    axes: Vec<Axis>,
    /// Into how many parts the rows are divided, each of which measures a model fitted on the others
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(2..), help_heading = "Search")]
    folds: u8,
    /// What to compare by [default: accuracy, rmse, simplified_silhouette or mean_probability, as the task is]
    #[arg(long, help_heading = "Search")]
    metric: Option<String>,
}

/// A hyper-parameter and its values.
#[derive(Clone, Debug)]
struct Axis {
    name: String,
    values: Vec<String>,
}

/// What a combination was measured at.
#[derive(Debug)]
pub(crate) struct Tried {
    /// The hyper-parameters as flags.
    pub(crate) flags: String,
    pub(crate) metric: String,
    /// The mean over the folds.
    pub(crate) value: f64,
}

impl Search {
    /// The best of the grid with all that was tried, best first; the recipe as it is if there is no grid.
    pub(crate) fn best(
        &self,
        recipe: Recipe,
        part: &Part,
        seed: u64,
    ) -> anyhow::Result<(Recipe, Vec<Tried>)> {
        if self.axes.is_empty() {
            return Ok((recipe, Vec::new()));
        }
        let rows = part.records.nrows();
        ensure!(rows >= usize::from(self.folds), "--folds is {}, there are {rows} rows to fit", self.folds);
        let combinations = self.combinations();
        let progress = ProgressBar::new((combinations.len() * usize::from(self.folds)) as u64)
            .with_style(crate::commands::style("{msg} {wide_bar} {pos}/{len} fits ({eta})"))
            .with_message("searching");
        let mut tried = Vec::new();
        for combination in combinations {
            let candidate = recipe.with(recipe.algorithm.with(&combination)?);
            let flags: Vec<_> = combination.iter().map(|(name, value)| format!("--{name} {value}")).collect();
            let (metric, value) =
                self.measure(&candidate, part, seed, &progress).with_context(|| flags.join(" "))?;
            tried.push((Tried { flags: flags.join(" "), metric, value }, candidate));
        }
        progress.finish_and_clear();
        // Stable: the first of equally good ones stays first.
        tried.sort_by(|(a, _), (b, _)| better(&a.metric, a.value, b.value));
        let (tried, mut candidates): (Vec<_>, Vec<_>) = tried.into_iter().unzip();
        Ok((candidates.swap_remove(0), tried))
    }

    fn combinations(&self) -> Vec<Vec<(&str, &str)>> {
        self.axes.iter().fold(vec![Vec::new()], |combinations, axis| {
            let with = |combination: &Vec<(_, _)>, value| {
                let mut combination = combination.clone();
                combination.push((axis.name.as_str(), value));
                combination
            };
            combinations
                .iter()
                .flat_map(|combination| axis.values.iter().map(|value| with(combination, value.as_str())))
                .collect()
        })
    }

    /// The mean of the metric over the folds.
    fn measure(
        &self,
        recipe: &Recipe,
        part: &Part,
        seed: u64,
        progress: &ProgressBar,
    ) -> anyhow::Result<(String, f64)> {
        let (mut name, mut sum) = (String::new(), 0.0);
        for fold in 0..self.folds {
            let (fit, held_out) = part.fold(usize::from(fold), usize::from(self.folds))?;
            let model = recipe.fit(&fit, seed)?;
            let measured =
                metrics::measure(&held_out.target, &model.role(), &model.answer(&held_out.records));
            let metric = match &self.metric {
                Some(metric) => metric,
                None => ["accuracy", "rmse", "simplified_silhouette", "mean_probability"]
                    .into_iter()
                    .find(|metric| measured.contains_key(*metric))
                    .context("nothing can be measured of this task; --search needs a metric")?,
            };
            let Some(value) = measured.get(metric) else {
                let known: Vec<_> = measured.keys().map(String::as_str).collect();
                bail!("there is no metric `{metric}`; there are {}", known.join(", "));
            };
            metric.clone_into(&mut name);
            sum += value;
            progress.inc(1);
        }
        Ok((name, sum / f64::from(self.folds)))
    }
}

/// The better value first.
fn better(metric: &str, a: f64, b: f64) -> Ordering {
    let less_is_better = ["log_loss", "mae", "rmse", "mean_squared_distance"].contains(&metric);
    if less_is_better { a.total_cmp(&b) } else { b.total_cmp(&a) }
}

fn axis(text: &str) -> Result<Axis, String> {
    let (name, values) = text.split_once('=').ok_or("a search is NAME=VALUE,VALUE")?;
    let values: Vec<_> = values.split(',').map(str::to_owned).collect();
    if values.iter().any(String::is_empty) {
        return Err(format!("`{text}` has an empty value"));
    }
    Ok(Axis { name: name.trim_start_matches("--").to_owned(), values })
}
