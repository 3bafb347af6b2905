//! `elastic-net`, `lasso`, `ridge` and `multi-task-elastic-net`, as `linfa_elasticnet` has them.
//!
//! linfa gives the intercept the mean of the target, which is right for features of mean 0 alone. So they are centred first, unless
//! there is no intercept.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task, scaler::centred};

/// What all of them are told.
#[derive(Args, Debug)]
struct Penalised {
    /// Strength of the penalty
    #[arg(long, default_value_t = 1.0)]
    penalty: f64,
    /// Leave the intercept out: the sum goes through the origin
    #[arg(long)]
    without_intercept: bool,
    /// The descent stops where no weight changes by a larger share
    #[arg(long, default_value_t = 1e-4)]
    tolerance: f64,
    /// Most iterations of the descent
    #[arg(long, default_value_t = 1000)]
    max_iterations: u32,
}

#[derive(Args, Debug)]
pub(super) struct ElasticNet {
    #[command(flatten)]
    hyper: Penalised,
    /// The share of the penalty that is on the weights' sum (L1), from 0 to 1; the rest is on their squares (L2)
    #[arg(long, default_value_t = 0.5)]
    l1_ratio: f64,
}

#[derive(Args, Debug)]
pub(super) struct Lasso {
    #[command(flatten)]
    hyper: Penalised,
}

#[derive(Args, Debug)]
pub(super) struct Ridge {
    #[command(flatten)]
    hyper: Penalised,
}

#[derive(Args, Debug)]
pub(super) struct MultiTaskElasticNet {
    #[command(flatten)]
    net: ElasticNet,
}

macro_rules! fit {
    ($Parameters:ident, $hyper:expr, $l1_ratio:expr, $lesson:expr, $targets:expr) => {{
        let hyper: &Penalised = $hyper;
        let parameters = linfa_elasticnet::$Parameters::new()
            .penalty(hyper.penalty)
            .l1_ratio($l1_ratio)
            .with_intercept(!hyper.without_intercept)
            .tolerance(hyper.tolerance)
            .max_iterations(hyper.max_iterations);
        let targets = $targets;
        centred($lesson, !hyper.without_intercept, |records| {
            Ok(Box::new(parameters.fit(&DatasetBase::new(records.view(), targets.view()))?))
        })
    }};
}

impl Fit for ElasticNet {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(ElasticNetParams, &self.hyper, self.l1_ratio, lesson, lesson.part.number()?)
    }
}

impl Fit for Lasso {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(ElasticNetParams, &self.hyper, 1.0, lesson, lesson.part.number()?)
    }
}

impl Fit for Ridge {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(ElasticNetParams, &self.hyper, 0.0, lesson, lesson.part.number()?)
    }
}

impl Fit for MultiTaskElasticNet {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(MultiTaskElasticNetParams, &self.net.hyper, self.net.l1_ratio, lesson, lesson.part.numbers()?)
    }
}
