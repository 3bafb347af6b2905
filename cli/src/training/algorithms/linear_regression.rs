//! `linear-regression`, as `linfa_linear::LinearRegression`.

use anyhow::Context as _;
use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct LinearRegression {
    /// Leave the intercept out: the sum goes through the origin
    #[arg(long)]
    without_intercept: bool,
}

impl Fit for LinearRegression {
    fn task(&self) -> Task {
        Task::Regression
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.number()?);
        let parameters = linfa_linear::LinearRegression::new().with_intercept(!self.without_intercept);
        let fitted = parameters.fit(&dataset);
        let why = "no single solution (a column is constant, or a sum of others, or rows are too few)";
        Ok(Box::new(fitted.context(why)?))
    }
}
