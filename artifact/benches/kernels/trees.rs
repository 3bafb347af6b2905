//! Trees of depth 10 over 20 features and 4 classes: one, and a forest of 100 that each saw half of the features.

use artifact::ndarray::{Array1, Array2};
use criterion::Criterion;
use linfa::{Dataset, traits::Fit as _};
use linfa_ensemble::{AdaBoostParams, EnsembleLearnerParams};
use linfa_trees::DecisionTree;
use rand::{Rng as _, SeedableRng as _, rngs::SmallRng};

use super::{compare, uniform};

/// Rows whose class depends on some of the features, one in four but for chance, so that trees grow to their full depth.
fn dataset() -> Dataset<f64, usize, artifact::ndarray::Ix1> {
    let records = uniform(4000, 20);
    let mut random = SmallRng::seed_from_u64(8);
    let label = |row: artifact::ndarray::ArrayView1<'_, f64>| {
        let sides = [row[0] + row[1] * row[2] > 0.0, row[3] - row[4] * row[5] > 0.0];
        let class = usize::from(sides[0]) + 2 * usize::from(sides[1]);
        if random.gen_bool(0.25) { random.gen_range(0..4) } else { class }
    };
    let labels: Array1<usize> = records.rows().into_iter().map(label).collect();
    Dataset::new(records, labels)
}

fn predict<M>(model: &M, rows: &Array2<f64>) -> Array1<usize>
where
    M: for<'a> linfa::traits::Predict<&'a Array2<f64>, Array1<usize>>,
{
    model.predict(rows)
}

pub(super) fn decision_tree(criterion: &mut Criterion) {
    let dataset = dataset();
    let model = DecisionTree::params().max_depth(Some(10)).fit(&dataset).unwrap();
    compare(criterion, "decision_tree", &model, dataset.records(), predict);
}

pub(super) fn random_forest(criterion: &mut Criterion) {
    let dataset = dataset();
    let trees = DecisionTree::params().max_depth(Some(10));
    let model = EnsembleLearnerParams::new_fixed_rng(trees, SmallRng::seed_from_u64(9))
        .ensemble_size(100)
        .feature_proportion(0.5)
        .fit(&dataset)
        .unwrap();
    compare(criterion, "random_forest", &model, dataset.records(), predict);
}

pub(super) fn adaboost(criterion: &mut Criterion) {
    let dataset = dataset();
    let stumps = DecisionTree::params().max_depth(Some(2));
    let model = AdaBoostParams::new_fixed_rng(stumps, SmallRng::seed_from_u64(9)).fit(&dataset).unwrap();
    compare(criterion, "adaboost", &model, dataset.records(), predict);
}
