//! `multinomial-logistic-regression`, as `linfa_logistic::MultiLogisticRegression`.

use artifact::{Exported, steps::multinomial_logistic_regression};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_logistic::{MultiFittedLogisticRegression, MultiLogisticRegression};
use ndarray::Array2;

use super::{Answers, Fitted, Hyper, Lesson, Task};

pub(super) const TASK: Task = Task::Classification;
pub(super) const HYPER: &[&str] = &["alpha", "max-iterations"];

pub(super) fn fit(
    lesson: &Lesson<'_>,
    hyper: &mut Hyper,
) -> anyhow::Result<MultiFittedLogisticRegression<f64, usize>> {
    let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?);
    Ok(MultiLogisticRegression::default()
        .alpha(hyper.alpha())
        .max_iterations(hyper.max_iterations(100))
        .fit(&dataset)?)
}

impl Fitted for MultiFittedLogisticRegression<f64, usize> {
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers {
            choices: Some(self.predict(rows)),
            scores: self.predict_probabilities(rows),
        }
    }

    fn export(&self) -> Exported {
        multinomial_logistic_regression::MultinomialLogisticRegression::export(self)
    }
}
