//! `elastic-net`, `lasso`, `ridge` and `multi-task-elastic-net`, as `linfa_elasticnet` has them.
//!
//! linfa gives the intercept the mean of the target, which is right for features of mean 0 alone. So they are centred first, unless
//! there is no intercept. It goes through the features one after the other, so that it is given each in one piece.

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

/// The first number of iterations to try where there is no L1 penalty.
const FIRST: u32 = 8;

macro_rules! fit {
    ($Parameters:ident, $hyper:expr, $l1_ratio:expr, $lesson:expr, $targets:expr) => {{
        let (hyper, l1_ratio): (&Penalised, f64) = ($hyper, $l1_ratio);
        let parameters = linfa_elasticnet::$Parameters::new()
            .penalty(hyper.penalty)
            .l1_ratio(l1_ratio)
            .with_intercept(!hyper.without_intercept)
            .tolerance(hyper.tolerance);
        let targets = $targets;
        centred($lesson, !hyper.without_intercept, |records| {
            let by_column = records.t();
            let by_column = by_column.as_standard_layout();
            let dataset = DatasetBase::new(by_column.t(), targets.view());
            let fit = |iterations| parameters.clone().max_iterations(iterations).fit(&dataset);
            // linfa ends where the duality gap is small. Without an L1 penalty it never is, and linfa would always go on to
            // the last iteration. So that ends where twice as many iterations change no weight.
            let mut iterations = if l1_ratio == 0.0 { FIRST.min(hyper.max_iterations) } else { hyper.max_iterations };
            let mut model = fit(iterations)?;
            while iterations < hyper.max_iterations {
                iterations = (2 * iterations).min(hyper.max_iterations);
                let before = std::mem::replace(&mut model, fit(iterations)?);
                if is_settled(before.hyperplane().iter(), model.hyperplane().iter(), hyper.tolerance) {
                    break;
                }
            }
            Ok(Box::new(model))
        })
    }};
}

/// Whether no weight has changed by more than that share of the largest one.
fn is_settled<'a>(
    before: impl Iterator<Item = &'a f64>,
    after: impl Iterator<Item = &'a f64> + Clone,
    tolerance: f64,
) -> bool {
    let largest = after.clone().fold(0.0_f64, |largest, weight| largest.max(weight.abs()));
    before.zip(after).all(|(before, after)| (before - after).abs() <= tolerance * largest)
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
