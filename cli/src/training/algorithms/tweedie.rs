//! `tweedie`, `poisson` and `gamma`, as `linfa_linear::TweedieRegressor`.

use anyhow::ensure;
use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, traits::Fit as _};
use linfa_linear::TweedieRegressor;

use super::{Fit, Lesson, Task};

/// What all of them are told.
#[derive(Args, Debug)]
struct Penalised {
    /// Strength of the L2 penalty
    #[arg(long, default_value_t = 1.0)]
    alpha: f64,
    /// Between the target's mean and the weighted sum [default: identity up to a power of 0, log above]
    #[arg(long, value_enum)]
    link: Option<Link>,
    /// Leave the intercept out
    #[arg(long)]
    without_intercept: bool,
    /// Most iterations of the optimiser
    #[arg(long, default_value_t = 100)]
    max_iter: usize,
    /// The optimiser stops where the gradient is smaller
    #[arg(long, default_value_t = 1e-4)]
    tol: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Link {
    /// The mean is the sum
    Identity,
    /// The logarithm of the mean is the sum
    Log,
    /// The logarithm of the mean's odds is the sum
    Logit,
}

#[derive(Args, Debug)]
pub(super) struct Tweedie {
    #[command(flatten)]
    hyper: Penalised,
    /// The variance grows as the mean to this power: 0 normal, 1 Poisson, 2 gamma, 3 inverse Gaussian; none between 0 and 1
    #[arg(long, default_value_t = 1.0)]
    power: f64,
}

#[derive(Args, Debug)]
pub(super) struct Poisson {
    #[command(flatten)]
    hyper: Penalised,
}

#[derive(Args, Debug)]
pub(super) struct Gamma {
    #[command(flatten)]
    hyper: Penalised,
}

impl Fit for Tweedie {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.hyper.fit(self.power, lesson)
    }
}

impl Fit for Poisson {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.hyper.fit(1.0, lesson)
    }
}

impl Fit for Gamma {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.hyper.fit(2.0, lesson)
    }
}

impl Penalised {
    fn fit(&self, power: f64, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let target = lesson.part.number()?;
        let mut parameters = TweedieRegressor::params()
            .power(power)
            .alpha(self.alpha)
            .fit_intercept(!self.without_intercept)
            .max_iter(self.max_iter)
            .tol(self.tol);
        if let Some(link) = self.link {
            parameters = parameters.link(link.into());
        }
        // The fit starts from the link of the target's mean, and linfa does not end well where there is none.
        let mean = target.mean().unwrap_or_default();
        match self.link {
            Some(Link::Logit) => ensure!(
                0.0 < mean && mean < 1.0,
                "the logit link needs a target whose mean is between 0 and 1, it is {mean}"
            ),
            Some(Link::Log) => {
                ensure!(mean > 0.0, "the log link needs a target whose mean is above 0, it is {mean}")
            }
            Some(Link::Identity) => {}
            None => ensure!(
                power <= 0.0 || mean > 0.0,
                "a power of {power} needs a target whose mean is above 0, it is {mean}"
            ),
        }
        Ok(Box::new(parameters.fit(&DatasetBase::new(lesson.part.records.view(), target))?))
    }
}

impl From<Link> for linfa_linear::Link {
    fn from(link: Link) -> Self {
        match link {
            Link::Identity => Self::Identity,
            Link::Log => Self::Log,
            Link::Logit => Self::Logit,
        }
    }
}
