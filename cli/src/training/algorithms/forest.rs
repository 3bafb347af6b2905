//! `random-forest`, `bagging` and `adaboost`, as `linfa_ensemble` has them over decision trees.

use artifact::fitted::Fitted;
use clap::Args;
use linfa::{DatasetBase, traits::Fit as _};
use linfa_ensemble::{AdaBoostParams, EnsembleLearnerParams};
use ndarray::{Array1, Array2};
use rand::SeedableRng as _;
use rand_xoshiro::Xoshiro256Plus;

use super::{Fit, Lesson, Task, decision_tree::Growth};

#[derive(Args, Debug)]
pub(super) struct Bagging {
    /// How many trees vote; an odd number leaves fewer ties
    #[arg(long, default_value_t = 1)]
    ensemble_size: usize,
    /// Rows that are drawn for each tree, as a share of all; one row may be drawn more than once
    #[arg(long, default_value_t = 1.0)]
    bootstrap_proportion: f64,
    /// Most levels below the root of a tree; without it there is no limit
    #[arg(long)]
    max_depth: Option<usize>,
    #[command(flatten)]
    growth: Growth,
}

#[derive(Args, Debug)]
pub(super) struct RandomForest {
    #[command(flatten)]
    bagging: Bagging,
    /// Features that are drawn for each tree, as a share of all; one feature may be drawn more than once
    #[arg(long, default_value_t = 1.0)]
    feature_proportion: f64,
}

#[derive(Args, Debug)]
pub(super) struct AdaBoost {
    /// Most trees to add up
    #[arg(long, default_value_t = 50)]
    n_estimators: usize,
    /// How much each tree counts
    #[arg(long, default_value_t = 1.0)]
    learning_rate: f64,
    /// Most levels below the root of a tree
    #[arg(long, default_value_t = 1)]
    max_depth: usize,
    #[command(flatten)]
    growth: Growth,
}

impl Bagging {
    fn fit(&self, lesson: &Lesson<'_>, feature_proportion: f64) -> anyhow::Result<Box<dyn Fitted>> {
        let tree = self.growth.parameters(self.max_depth)?;
        let parameters = EnsembleLearnerParams::new_fixed_rng(tree, random(lesson))
            .ensemble_size(self.ensemble_size)
            .bootstrap_proportion(self.bootstrap_proportion)
            .feature_proportion(feature_proportion);
        Ok(Box::new(parameters.fit(&dataset(lesson)?)?))
    }
}

impl Fit for Bagging {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.fit(lesson, 1.0)
    }
}

impl Fit for RandomForest {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        self.bagging.fit(lesson, self.feature_proportion)
    }
}

impl Fit for AdaBoost {
    fn task(&self) -> Task {
        Task::Classification
    }

    fn fit(&self, lesson: &Lesson<'_>) -> anyhow::Result<Box<dyn Fitted>> {
        let tree = self.growth.parameters(Some(self.max_depth))?;
        let parameters = AdaBoostParams::new_fixed_rng(tree, random(lesson))
            .n_estimators(self.n_estimators)
            .learning_rate(self.learning_rate);
        Ok(Box::new(parameters.fit(&dataset(lesson)?)?))
    }
}

fn random(lesson: &Lesson<'_>) -> Xoshiro256Plus {
    Xoshiro256Plus::seed_from_u64(lesson.seed)
}

/// The rows and classes, owned: linfa's ensembles take no views.
fn dataset(lesson: &Lesson<'_>) -> anyhow::Result<DatasetBase<Array2<f64>, Array1<usize>>> {
    Ok(DatasetBase::new(lesson.part.records.clone(), lesson.part.classes()?.clone()))
}
