//! `decision-tree`, as `linfa_trees::DecisionTree`; and what the algorithms that grow many are told of each.

use artifact::fitted::Fitted;
use clap::{Args, ValueEnum};
use linfa::{DatasetBase, ParamGuard as _, traits::Fit as _};
use linfa_trees::DecisionTreeParams;

use super::{Fit, Lesson, Task};

#[derive(Args, Debug)]
pub(super) struct DecisionTree {
    /// Most levels below the root; without it there is no limit
    #[arg(long)]
    max_depth: Option<usize>,
    #[command(flatten)]
    growth: Growth,
}

/// How a tree grows, but for its depth.
#[derive(Args, Debug)]
pub(super) struct Growth {
    /// What a split is chosen by
    #[arg(long, value_enum, default_value_t = SplitQuality::Gini)]
    split_quality: SplitQuality,
    /// Rows that a node must hold to be split
    #[arg(long, default_value_t = 2.0)]
    min_weight_split: f32,
    /// Rows that each side of a split must hold
    #[arg(long, default_value_t = 1.0)]
    min_weight_leaf: f32,
    /// How much purer a split must leave its sides
    #[arg(long, default_value_t = 1e-5)]
    min_impurity_decrease: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum SplitQuality {
    Gini,
    Entropy,
}

impl Growth {
    /// linfa's parameters, checked: what fits many trees takes them on trust, and panics.
    pub(super) fn parameters(
        &self,
        max_depth: Option<usize>,
    ) -> anyhow::Result<DecisionTreeParams<f64, usize>> {
        let parameters = linfa_trees::DecisionTree::params()
            .max_depth(max_depth)
            .split_quality(match self.split_quality {
                SplitQuality::Gini => linfa_trees::SplitQuality::Gini,
                SplitQuality::Entropy => linfa_trees::SplitQuality::Entropy,
            })
            .min_weight_split(self.min_weight_split)
            .min_weight_leaf(self.min_weight_leaf)
            .min_impurity_decrease(self.min_impurity_decrease);
        parameters.check_ref()?;
        Ok(parameters)
    }
}

impl Fit for DecisionTree {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let dataset = DatasetBase::new(lesson.part.records.view(), lesson.part.classes()?.view());
        Ok(Box::new(self.growth.parameters(self.max_depth)?.fit(&dataset)?))
    }
}
