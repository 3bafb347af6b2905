//! `decision-tree`, as `linfa_trees::DecisionTree`.

use artifact::{Exported, steps::decision_tree};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Predict as _},
};
use linfa_trees::DecisionTree;
use ndarray::Array2;

use super::{Answers, Fitted, Hyper, Lesson, Task};

pub(super) const TASK: Task = Task::Classification;
pub(super) const HYPER: &[&str] = &["max-depth"];

pub(super) fn fit(lesson: &Lesson<'_>, hyper: &mut Hyper) -> anyhow::Result<DecisionTree<f64, usize>> {
    let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?.view());
    Ok(DecisionTree::params().max_depth(hyper.max_depth()).fit(&dataset)?)
}

impl Fitted for DecisionTree<f64, usize> {
    fn answer(&self, rows: &Array2<f64>) -> Answers {
        Answers {
            choices: Some(self.predict(rows)),
            // A leaf of linfa's holds its class alone.
            scores: Array2::zeros((rows.nrows(), 0)),
        }
    }

    fn export(&self) -> Exported {
        decision_tree::DecisionTree::export(self)
    }
}
