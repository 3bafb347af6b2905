//! `logistic-regression` and `multinomial-logistic-regression`, as `linfa_logistic` has them.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task};

/// What both are told.
#[derive(Args, Debug)]
pub(super) struct LogisticRegression {
    /// Strength of the L2 penalty
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
    /// Most iterations of the optimiser
    #[arg(long, default_value_t = 100)]
    max_iterations: u64,
    /// The optimiser stops where the gradient is smaller
    #[arg(long, default_value_t = 1e-4)]
    gradient_tolerance: f64,
    /// Leave the intercept out
    #[arg(long)]
    without_intercept: bool,
}

#[derive(Args, Debug)]
pub(super) struct MultinomialLogisticRegression {
    #[command(flatten)]
    hyper: LogisticRegression,
}

macro_rules! fit {
    ($parameters:ty, $hyper:expr, $lesson:expr) => {{
        let (hyper, lesson) = ($hyper, $lesson);
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?);
        let parameters = <$parameters>::default()
            .alpha(hyper.alpha)
            .max_iterations(hyper.max_iterations)
            .gradient_tolerance(hyper.gradient_tolerance)
            .with_intercept(!hyper.without_intercept);
        Ok(Box::new(parameters.fit(&dataset)?))
    }};
}

impl Fit for LogisticRegression {
    fn task(&self) -> Task {
        Task::Binary
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(linfa_logistic::LogisticRegression<f64>, self, lesson)
    }
}

impl Fit for MultinomialLogisticRegression {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        fit!(linfa_logistic::MultiLogisticRegression<f64>, &self.hyper, lesson)
    }
}
