//! `lars`, as `linfa_lars` has it. It gives the intercept the mean of the target, so that the features are centred first, unless
//! there is no intercept.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task, scaler::centred};

#[derive(Args, Debug)]
pub(super) struct Lars {
    /// Most weights that are not 0
    #[arg(long, default_value_t = 500)]
    n_nonzero_coefs: usize,
    /// Leave the intercept out: the sum goes through the origin
    #[arg(long)]
    without_intercept: bool,
    /// What is added to the diagonal of the factorised matrix: more for features that are nearly sums of others
    #[arg(long, default_value_t = f64::EPSILON)]
    eps: f64,
}

impl Fit for Lars {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let parameters = linfa_lars::Lars::params()
            .n_nonzero_coefs(self.n_nonzero_coefs)
            .fit_intercept(!self.without_intercept)
            .eps(self.eps);
        let target = lesson.part.number()?;
        centred(lesson, !self.without_intercept, |records| {
            Ok(Box::new(parameters.fit(&DatasetBase::new(records.view(), target.view()))?))
        })
    }
}
