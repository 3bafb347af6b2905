//! `logistic-regression`, as `linfa_logistic::LogisticRegression`.

use artifact::{Exported, steps::logistic_regression};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_logistic::{FittedLogisticRegression, LogisticRegression};
use ndarray::Array2;

use super::{Answers, Fitted, Hyper, Lesson, Task};

pub(super) const TASK: Task = Task::Binary;
pub(super) const HYPER: &[&str] = &["alpha", "max-iterations"];

pub(super) fn fit(lesson: &Lesson<'_>, hyper: &mut Hyper) -> anyhow::Result<FittedLogisticRegression<f64, usize>> {
    let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?);
    Ok(LogisticRegression::default()
        .alpha(hyper.alpha())
        .max_iterations(hyper.max_iterations(100))
        .fit(&dataset)?)
}

impl Fitted for FittedLogisticRegression<f64, usize> {
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let positive = self.predict_probabilities(rows);
        // linfa's positive class is the more frequent one, whatever its index.
        let scores = Array2::from_shape_fn((rows.nrows(), 2), |(row, class)| {
            if class == self.labels().pos.class {
                positive[row]
            } else {
                1.0 - positive[row]
            }
        });
        Answers {
            choices: Some(self.predict(rows)),
            scores,
        }
    }

    fn export(&self) -> Exported {
        logistic_regression::LogisticRegression::export(self)
    }
}
