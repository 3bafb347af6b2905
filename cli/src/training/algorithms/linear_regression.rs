//! `linear-regression`, as `linfa_linear::LinearRegression`.

use anyhow::{Context as _, ensure};
use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};
use ndarray::{ArrayBase, Data, Ix1};

use super::{Fit, Lesson, Task};
use crate::training::columns::Encode;

/// How many times as long as the target a feature times its weight may be, over all rows. Where it is longer, other features take
/// nearly all of it away again, and with it half of an answer's digits. Where columns are sums of others, rounding alone makes it
/// some 1e12 times as long.
const LONGEST: f64 = 1e8;

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
        let (records, target) = (lesson.part.records.view(), lesson.part.number()?);
        let longest = LONGEST * length(&target);
        let parameters = linfa_linear::LinearRegression::new().with_intercept(!self.without_intercept);
        let fitted = parameters.fit(&DatasetBase::new(records, target));
        let why = "no single solution (a column is constant, or a sum of others as of --encode one-hot, or rows are too few); \
                   ridge has one";
        let fitted = fitted.context(why)?;
        let mut lengths = fitted
            .params()
            .iter()
            .zip(records.columns())
            .map(|(weight, column)| weight.abs() * length(&column));
        ensure!(lengths.all(|length| length <= longest), why);
        Ok(Box::new(fitted))
    }

    fn encode(&self) -> Encode {
        Encode::OneHotDropFirst
    }
}

fn length(vector: &ArrayBase<impl Data<Elem = f64>, Ix1>) -> f64 {
    vector.dot(vector).sqrt()
}
