//! Linear maps to other columns, as linfa fits them: each is a model of its own, and some prepare features (`--reduce`).

use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::{Context as _, ensure};
use artifact::fitted::{Fitted, OfWidth};
use clap::{ValueEnum as _, builder::PossibleValue};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_ica::{fast_ica::FastIca, hyperparams::FastIcaParams};
use linfa_reduction::{
    Pca,
    random_projection::{GaussianRandomProjection, SparseRandomProjection},
};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::algorithms::Lesson;

/// `--reduce METHOD=COLUMNS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reduce {
    pub(crate) method: Method,
    /// How many columns are left.
    pub(crate) columns: usize,
}

/// How columns are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Method {
    /// Principal components: where the rows differ most
    Pca,
    /// Independent components: signals that were mixed
    FastIca,
    /// Directions drawn at random, which keep distances nearly
    RandomProjection,
    /// The same with most weights zero
    SparseRandomProjection,
}

/// How many columns a random projection leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Left {
    /// So many.
    Columns(usize),
    /// As many as keep distances within this share, by the lemma of Johnson and Lindenstrauss.
    Within(f64),
}

impl Reduce {
    /// Fits it to the features of the lesson.
    pub(crate) fn fit(self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let columns = self.columns;
        match self.method {
            Method::Pca => pca(lesson, columns, false),
            Method::FastIca => fast_ica(lesson, FastIca::params().ncomponents(columns)),
            Method::RandomProjection => random(lesson, Left::Columns(columns)),
            Method::SparseRandomProjection => sparse_random(lesson, Left::Columns(columns)),
        }
        .with_context(|| format!("--reduce {}={columns}", self.name()))
    }

    /// The method's name on the command line.
    pub(crate) fn name(self) -> String {
        self.method.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

impl std::str::FromStr for Reduce {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (method, columns) = text.split_once('=').ok_or("it is METHOD=COLUMNS, as in pca=2")?;
        let method = Method::from_str(method, false).map_err(|_| {
            let names: Vec<_> =
                Method::value_variants().iter().filter_map(Method::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(PossibleValue::get_name).collect();
            format!("there is no method `{method}`; there are {}", names.join(", "))
        })?;
        match columns.parse() {
            Ok(columns) if columns > 0 => Ok(Self { method, columns }),
            _ => Err(format!("`{columns}` is no number of columns")),
        }
    }
}

/// The `columns` directions in which the rows differ most, each with variance 1 if `whiten`.
pub(crate) fn pca(lesson: &Lesson<'_>, columns: usize, whiten: bool) -> anyhow::Result<Box<dyn Fitted>> {
    fewer(lesson, columns)?;
    let dataset = DatasetBase::from(lesson.part.records.view());
    let model = found(|| Pca::params(columns).whiten(whiten).fit(&dataset))?;
    let kept = model.components().nrows();
    ensure!(kept == columns, "the rows differ in {kept} directions; ask for no more columns");
    Ok(Box::new(model))
}

/// Signals that were mixed.
pub(crate) fn fast_ica(
    lesson: &Lesson<'_>,
    parameters: FastIcaParams<f64>,
) -> anyhow::Result<Box<dyn Fitted>> {
    let dataset = DatasetBase::from(lesson.part.records.view());
    let parameters = parameters.random_state(lesson.seed as usize);
    Ok(Box::new(found(|| parameters.fit(&dataset))?))
}

/// The two kinds are types of their own, whose bounds are linfa's.
macro_rules! project {
    ($Projection:ty, $lesson:expr, $left:expr) => {{
        let (records, random) = (&$lesson.part.records, Xoshiro256Plus::seed_from_u64($lesson.seed));
        let parameters = <$Projection>::params_with_rng(random);
        let parameters = match $left {
            Left::Columns(columns) => parameters.target_dim(columns),
            Left::Within(eps) => parameters.eps(eps),
        };
        let model = parameters.fit(&DatasetBase::from(records.view()))?;
        Ok(Box::new(OfWidth { model, inputs: records.ncols() }))
    }};
}

/// Directions of normal numbers.
pub(crate) fn random(lesson: &Lesson<'_>, left: Left) -> anyhow::Result<Box<dyn Fitted>> {
    project!(GaussianRandomProjection::<f64>, lesson, left)
}

/// Directions of few numbers that are not zero.
pub(crate) fn sparse_random(lesson: &Lesson<'_>, left: Left) -> anyhow::Result<Box<dyn Fitted>> {
    project!(SparseRandomProjection::<f64>, lesson, left)
}

/// No direction is found beyond those that the rows have.
fn fewer(lesson: &Lesson<'_>, columns: usize) -> anyhow::Result<()> {
    let inputs = lesson.part.records.ncols();
    ensure!(columns <= inputs, "{columns} columns cannot be made of {inputs} features");
    Ok(())
}

/// What linfa finds. On some data its search meets a NaN and panics.
fn found<M, E: Into<anyhow::Error>>(fit: impl FnOnce() -> Result<M, E>) -> anyhow::Result<M> {
    let found = catch_unwind(AssertUnwindSafe(fit));
    found.ok().context("linfa finds no such directions; try fewer columns, or --scale")?.map_err(Into::into)
}
