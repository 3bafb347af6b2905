//! `linfactl train`: from a CSV file to a version that is proven before it is written.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail, ensure};
use artifact::{
    Artifact, Digest, Name, Output, Version,
    fitted::{self, Fitted as _, golden},
    manifest::Training,
};
use clap::Args;
use fs_err as fs;
use indicatif::ProgressBar;
use jiff::Timestamp;
use sidecar::table::{Hashing, Layout, Table, Target, Wanted};

use super::style;
use crate::training::{
    algorithms::Task,
    card::{self, Making},
    metrics,
    model::Recipe,
    patience::lose_after,
    search::Search,
    split,
};

/// Train a model from a CSV file, prove it, and write it as a version.
///
/// Every column but the target and the ignored ones is a feature: numbers, or categories where it holds no number at all.
/// Some rows are held out and measure the model. The version's golden rows hold what linfa itself answered.
///
/// With --seed and --created-at the same file gives the same bytes; not so for decision trees, which linfa
/// fits differently each time.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  linfactl train --csv iris.csv --target species --algorithm multinomial-logistic-regression --scale --name iris --out models")]
pub(crate) struct Train {
    /// The training data
    #[arg(long, value_name = "FILE")]
    csv: PathBuf,
    /// The column to learn: class names, or numbers for a regression, some of which learn several. Clusters and
    /// transformations take none
    #[arg(long, value_name = "COLUMN")]
    target: Vec<String>,
    #[command(flatten)]
    recipe: Recipe,
    /// The model's name
    #[arg(long)]
    name: Name,
    /// The model repository: the version is written as DIR/NAME/VERSION
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// The version's number [default: the highest there is, plus 1]
    #[arg(long, value_name = "N")]
    version: Option<Version>,
    /// The share of rows to hold out, from 0 to below 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    test_split: f64,
    /// What the shuffle, the fit and the drawn golden rows start from
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// End without a model where the fit takes longer
    #[arg(long, value_name = "SECONDS", default_value_t = 3600)]
    give_up_after: u64,
    /// The time to write into the manifest [default: now]
    #[arg(long, value_name = "RFC3339")]
    created_at: Option<Timestamp>,
    #[command(flatten)]
    search: Search,
}

impl Train {
    pub(crate) fn run(mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        let folder = self.folder()?;
        let (table, digest) = self.read()?;
        self.suits(&table)?;
        let (fit, held_out) = split::split(table, self.test_split, self.seed)?;

        let fitting = lose_after(Duration::from_secs(self.give_up_after));
        let (recipe, tried) = self.search.best(self.recipe, &fit, self.seed)?;
        self.recipe = recipe;
        let algorithm = self.recipe.algorithm.name();
        let progress = spinner(format!("fitting {algorithm} on {} rows", fit.records.nrows()));
        let model = self.recipe.fit(&fit, self.seed)?;

        drop(fitting);
        progress.set_message("measuring and proving");
        let inputs = self.recipe.prepare(&fit)?.features();
        let held_out_answers = model.answer(&held_out.records);
        let output = match &fit.target {
            Target::Classes { names, .. } => Output::Classification { classes: names.clone() },
            Target::Numbers { names, .. } => Output::Regression { targets: names.clone() },
            Target::None if self.recipe.algorithm.task() == Task::Novelty => {
                Output::Classification { classes: ["outlier", "inlier"].map(str::to_owned).into() }
            }
            Target::None => fitted::output(&model.role()),
        };
        let sources = [&fit.records, &held_out.records];
        let golden = golden::rows(&model, &sources, &inputs, &fit.shape.texts, &output, self.seed).map_err(
            |lost| match output {
                Output::Clustering { .. } => {
                    anyhow!("no row is clearly nearest to cluster {}; use fewer --n-clusters", lost.name)
                }
                _ => anyhow!("{lost}; train with more rows of it, or without it"),
            },
        )?;
        let pack = Artifact {
            name: self.name.clone(),
            steps: model.export()?,
            inputs,
            output,
            training: Training {
                library: fitted::LIBRARY.to_owned(),
                data: digest,
                rows: fit.records.nrows() as u64,
                metrics: metrics::measure(&held_out.target, &model.role(), &held_out_answers),
                created_at: self.created_at.unwrap_or_else(fitted::now),
            },
            golden,
        };
        let (files, agreement) = pack.seal().context("the fitted model cannot be proven")?;
        progress.finish_and_clear();

        let held_out = held_out.records.nrows();
        files.write(&folder)?;
        fs::write(folder.join("README.md"), self.card(&pack, held_out))?;

        for tried in tried {
            writeln!(out, "{}  {} {:.4}", tried.flags, tried.metric, tried.value)?;
        }
        writeln!(out, "{algorithm}: {} rows fitted, {held_out} held out", pack.training.rows)?;
        for (name, value) in &pack.training.metrics {
            writeln!(out, "  {name:<22} {value:.4}")?;
        }
        writeln!(
            out,
            "proven by {} golden rows; the largest difference is {:.0e} of what is allowed",
            agreement.rows, agreement.worst
        )?;
        writeln!(out, "{} {}", folder.display(), Digest::of(&files.manifest))?;
        Ok(())
    }

    /// Where the version goes. Looked at before the work; writing looks again.
    fn folder(&self) -> anyhow::Result<PathBuf> {
        let model = self.out.join(self.name.as_str());
        let version = match self.version {
            Some(version) => version,
            None => next_version(&model)?,
        };
        let folder = model.join(version.to_string());
        ensure!(!folder.try_exists()?, "{} exists; a version is never overwritten", folder.display());
        Ok(folder)
    }

    /// The data, and the hash of its file.
    fn read(&self) -> anyhow::Result<(Table, Digest)> {
        let algorithm = self.recipe.algorithm.name();
        let wanted = match (self.recipe.algorithm.task(), self.target.as_slice()) {
            (Task::Clustering | Task::Novelty | Task::Transformation, []) => Wanted::Nothing,
            (Task::Clustering | Task::Novelty | Task::Transformation, [target, ..]) => {
                bail!("{algorithm} takes no --target; --ignore {target} leaves that column out")
            }
            (_, []) => bail!("{algorithm} needs a --target"),
            (Task::Regression, targets) => Wanted::Numbers(targets),
            (Task::Binary | Task::Classification, [target]) => Wanted::Classes(target),
            (_, targets) => bail!("{algorithm} learns one --target, not {}", targets.len()),
        };
        let file = fs::File::open(&self.csv)?;
        let progress = ProgressBar::new(file.metadata()?.len())
            .with_style(style("{msg} {wide_bar} {bytes}/{total_bytes}"))
            .with_message("reading");
        let columns = &self.recipe.columns;
        let surveyed = fs::File::open(&self.csv)?;
        let readings =
            columns.readings(surveyed, &self.target).with_context(|| self.csv.display().to_string())?;
        let layout = Layout { header: !columns.no_header, target: wanted, readings: &readings };
        let mut file = Hashing::of(progress.wrap_read(file));
        let table = Table::read(&mut file, &layout).with_context(|| self.csv.display().to_string())?;
        progress.finish_and_clear();
        Ok((table, file.digest()))
    }

    /// Whether the algorithm can learn the classes that there are.
    fn suits(&self, table: &Table) -> anyhow::Result<()> {
        let Target::Classes { names, indices } = &table.target else {
            return Ok(());
        };
        let algorithm = self.recipe.algorithm.name();
        let column = self.target.first().map(String::as_str).unwrap_or_default();
        let (classes, rows) = (names.len(), indices.len());
        match names.as_slice() {
            [only] => bail!("column `{column}` has one class, `{only}`; there is nothing to tell apart"),
            [_, _] => Ok(()),
            _ if self.recipe.algorithm.task() == Task::Binary => bail!(
                "{algorithm} tells two classes apart, column `{column}` has {classes}; \
                 use multinomial-logistic-regression"
            ),
            // A class that mostly occurs once is a number, or a row's own name.
            _ if classes * 2 > rows => bail!(
                "column `{column}` has {classes} classes in {rows} rows; {algorithm} learns classes, not numbers"
            ),
            _ => Ok(()),
        }
    }

    fn card(&self, pack: &Artifact, held_out: usize) -> String {
        let file = self.csv.file_name().unwrap_or_default().to_string_lossy();
        let making = Making {
            algorithm: self.recipe.algorithm.name(),
            preparation: self.recipe.preparation(),
            hyper: self.recipe.algorithm.values().collect(),
            file: &file,
            test_split: self.test_split,
            seed: self.seed,
            held_out,
        };
        card::card(pack, &making)
    }
}

fn next_version(model: &Path) -> anyhow::Result<Version> {
    let mut highest = 0;
    if model.try_exists()? {
        for entry in fs::read_dir(model)? {
            let version = entry?.file_name().to_str().and_then(|name| name.parse::<Version>().ok());
            highest = highest.max(version.map_or(0, Version::get));
        }
    }
    Ok(Version::try_from(highest + 1)?)
}

fn share(text: &str) -> Result<f64, &'static str> {
    match text.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("a share is a number from 0 to below 1"),
    }
}

/// linfa does not tell how far a fit is, so that all there is to show is that it goes on.
fn spinner(message: String) -> ProgressBar {
    let spinner =
        ProgressBar::new_spinner().with_style(style("{spinner} {msg} ({elapsed})")).with_message(message);
    spinner.enable_steady_tick(Duration::from_millis(100));
    spinner
}
