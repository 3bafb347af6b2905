//! `linear-regression`, as `linfa_linear::LinearRegression`.

use anyhow::Context as _;
use artifact::{Exported, steps::linear_regression};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_linear::{FittedLinearRegression, LinearRegression};
use ndarray::{Array2, Axis};

use super::{Answers, Fitted, Hyper, Lesson, Task};

pub(super) const TASK: Task = Task::Regression;
pub(super) const HYPER: &[&str] = &[];

pub(super) fn fit(lesson: &Lesson<'_>, _: &mut Hyper) -> anyhow::Result<FittedLinearRegression<f64>> {
    let (records, targets) = (lesson.part.records.view(), lesson.part.numbers()?);
    LinearRegression::new()
        .fit(&DatasetBase::new(records, targets))
        .context("no single solution (a column is constant, or a sum of others, or rows are too few)")
}

impl Fitted for FittedLinearRegression<f64> {
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers {
            choices: None,
            scores: self.predict(rows).insert_axis(Axis(1)),
        }
    }

    fn export(&self) -> Exported {
        linear_regression::LinearRegression::export(self.params().view(), self.intercept())
    }
}
