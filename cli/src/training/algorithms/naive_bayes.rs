//! `gaussian-nb`, `multinomial-nb` and `bernoulli-nb`, as `linfa_bayes` has them.

use anyhow::ensure;
use artifact::fitted::{self, Fitted};
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct GaussianNb {
    /// Added to every variance, as a share of the largest: a feature that is constant has none of its own
    #[arg(long, default_value_t = 1e-9)]
    var_smoothing: f64,
}

#[derive(Args, Debug)]
pub(super) struct MultinomialNb {
    /// Added to every count, so that what never occurred is not impossible
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
}

#[derive(Args, Debug)]
pub(super) struct BernoulliNb {
    /// Added to every count, so that what never occurred is not impossible
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
    /// A feature is there where its value is above this
    #[arg(long, default_value_t = 0.0, allow_negative_numbers = true)]
    binarize: f64,
}

impl Fit for GaussianNb {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?.view());
        Ok(Box::new(linfa_bayes::GaussianNb::params().var_smoothing(self.var_smoothing).fit(&dataset)?))
    }
}

impl Fit for MultinomialNb {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let records = &lesson.part.records;
        ensure!(records.iter().all(|count| *count >= 0.0), "it learns from counts, which are not below 0");
        let dataset = DatasetBase::new(records.view(), lesson.part.classes()?.view());
        let parameters = linfa_bayes::MultinomialNb::params().alpha(self.alpha);
        Ok(Box::new(silenced(|| parameters.fit(&dataset))??))
    }
}

impl Fit for BernoulliNb {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?.view());
        let threshold = Some(self.binarize);
        let parameters = linfa_bayes::BernoulliNb::params().alpha(self.alpha).binarize(threshold);
        let model = parameters.fit(&dataset)?;
        Ok(Box::new(fitted::BernoulliNb { model, inputs: lesson.part.records.ncols(), threshold }))
    }
}

/// `work` with standard error closed to it: linfa 0.8.1 prints every class that it fits there, for its own debugging.
fn silenced<T>(work: impl FnOnce() -> T) -> anyhow::Result<T> {
    let nowhere = fs_err::OpenOptions::new().write(true).open("/dev/null")?;
    let kept = rustix::io::dup(rustix::stdio::stderr())?;
    rustix::stdio::dup2_stderr(nowhere)?;
    let done = work();
    rustix::stdio::dup2_stderr(kept)?;
    Ok(done)
}
