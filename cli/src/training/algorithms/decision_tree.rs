//! `decision-tree`, as `linfa_trees::DecisionTree`.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct DecisionTree {
    /// Most levels below the root; without it there is no limit
    #[arg(long)]
    max_depth: Option<usize>,
}

impl Fit for DecisionTree {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?.view());
        Ok(Box::new(linfa_trees::DecisionTree::params().max_depth(self.max_depth).fit(&dataset)?))
    }
}
