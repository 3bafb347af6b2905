//! `linfactl train`: from a CSV file to a version that is proven before it is written.

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, bail, ensure};
use artifact::{Artifact, Name, Output, Version, manifest::Training};
use clap::Args;
use fs_err as fs;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use sidecar::table::{Table, Target, Wanted};

use crate::training::{
    algorithms::{Algorithm, Task},
    card::{self, Recipe},
    golden,
    hyper::Hyper,
    metrics,
    model::Trained,
    split, statistics,
};

/// What fits the models, as the manifest names it.
const LIBRARY: &str = "linfa 0.8.1";

/// Train a model from a CSV file, prove it, and write it as a version.
///
/// The file has a header; every column but the target and the ignored ones is a feature, and holds numbers. Some
/// rows are held out and measure the model. The version's golden rows hold what linfa itself answered.
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
    /// The column to learn: class names, or numbers for a regression. kmeans takes none
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// Columns that are no features, such as a row's id
    #[arg(long, value_name = "COLUMN")]
    ignore: Vec<String>,
    /// What to fit
    #[arg(long, value_enum)]
    algorithm: Algorithm,
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
    /// Scale each feature to mean 0 and standard deviation 1 first
    #[arg(long)]
    scale: bool,
    /// The time to write into the manifest [default: now]
    #[arg(long, value_name = "RFC3339")]
    created_at: Option<Timestamp>,
    #[command(flatten)]
    hyper: Hyper,
}

impl Train {
    pub(crate) fn run(mut self, out: &mut dyn Write) -> anyhow::Result<()> {
        let algorithm = self.algorithm;
        self.hyper.refuse_all_but(algorithm.hyper(), algorithm.name())?;
        let folder = self.folder()?;
        let table = self.read()?;
        self.suits(&table)?;
        let (fit, held_out) = split::split(&table, self.test_split, self.seed)?;

        let progress = spinner(format!("fitting {} on {} rows", algorithm.name(), fit.records.nrows()));
        let model = Trained::fit(algorithm, &fit, self.scale, self.seed, &mut self.hyper)
            .context(algorithm.name())?;

        progress.set_message("measuring and proving");
        let inputs = statistics::features(&table.columns, &fit.records);
        let held_out_answers = model.answer(&held_out.records);
        let output = match &fit.target {
            Target::Classes { names, .. } => Output::Classification { classes: names.clone() },
            Target::Numbers(_) => Output::Regression { targets: self.target.iter().cloned().collect() },
            Target::None => Output::Clustering { clusters: held_out_answers.scores.ncols() },
        };
        let golden = golden::rows(&model, &fit, &held_out, &inputs, &output, self.seed)?;
        let pack = Artifact {
            name: self.name.clone(),
            steps: model.export(),
            inputs,
            output,
            training: Training {
                library: LIBRARY.to_owned(),
                data: table.digest,
                rows: fit.records.nrows() as u64,
                metrics: metrics::measure(&held_out.target, &held_out_answers),
                created_at: self.created_at.unwrap_or_else(now),
            },
            golden,
        };
        let (files, agreement) = pack.seal().context("the fitted model cannot be proven")?;
        progress.finish_and_clear();

        let held_out = held_out.records.nrows();
        files.write(&folder)?;
        fs::write(folder.join("README.md"), self.card(&pack, held_out))?;

        writeln!(out, "{}: {} rows fitted, {held_out} held out", algorithm.name(), pack.training.rows)?;
        for (name, value) in &pack.training.metrics {
            writeln!(out, "  {name:<22} {value:.4}")?;
        }
        writeln!(
            out,
            "proven by {} golden rows; the largest difference is {:.0e} of what is allowed",
            agreement.rows, agreement.worst
        )?;
        writeln!(out, "{} {}", folder.display(), artifact::Digest::of(&files.manifest))?;
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

    fn read(&self) -> anyhow::Result<Table> {
        let wanted = match (self.algorithm.task(), self.target.as_deref()) {
            (Task::Clustering, None) => Wanted::Nothing,
            (Task::Clustering, Some(target)) => {
                bail!("{} takes no --target; --ignore {target} leaves that column out", self.algorithm.name())
            }
            (Task::Regression, Some(target)) => Wanted::Numbers(target),
            (Task::Binary | Task::Classification, Some(target)) => Wanted::Classes(target),
            (_, None) => bail!("{} needs a --target", self.algorithm.name()),
        };
        let file = fs::File::open(&self.csv)?;
        let progress = ProgressBar::new(file.metadata()?.len())
            .with_style(style("{msg} {wide_bar} {bytes}/{total_bytes}"))
            .with_message("reading");
        let table = Table::read(progress.wrap_read(file), wanted, &self.ignore)
            .with_context(|| self.csv.display().to_string())?;
        progress.finish_and_clear();
        Ok(table)
    }

    /// Whether the algorithm can learn the classes that there are.
    fn suits(&self, table: &Table) -> anyhow::Result<()> {
        let Target::Classes { names, indices } = &table.target else {
            return Ok(());
        };
        let (algorithm, column) = (self.algorithm.name(), self.target.as_deref().unwrap_or_default());
        let (classes, rows) = (names.len(), indices.len());
        match names.as_slice() {
            [only] => bail!("column `{column}` has one class, `{only}`; there is nothing to tell apart"),
            [_, _] => Ok(()),
            _ if self.algorithm.task() == Task::Binary => bail!(
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
        let recipe = Recipe {
            algorithm: self.algorithm.name(),
            scaled: self.scale,
            hyper: self.hyper.taken(),
            file: &file,
            test_split: self.test_split,
            seed: self.seed,
            held_out,
        };
        card::card(pack, &recipe)
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

/// Whole seconds: more would say nothing.
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
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

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}
