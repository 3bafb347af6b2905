//! `decision_tree` against `linfa_trees`, with 2 to 4 classes, shallow and deep, and asked at its very thresholds.

use artifact::ndarray::Array2;
use linfa::{Dataset, Float, traits::Fit as _, traits::Predict as _};
use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, classes, data, exported, fixed_data, prove};

fn fit<F: Float>(data: &Data) -> Option<Case> {
    let rows = data.train.nrows();
    let dataset = Dataset::new(data.train.mapv(F::cast), data.labels(2 + rows % 3));
    let depth = Some(rows % 8).filter(|depth| *depth > 0);
    let model = linfa_trees::DecisionTree::params().max_depth(depth).fit(&dataset).ok()?;
    let asked = at_the_thresholds(&splits(&model, |feature| feature), data);
    let choices = model.predict(&asked.mapv(F::cast));
    let expected = choices.iter().map(|choice| Expected { scores: Vec::new(), choice: Some(*choice) });
    Some(Case { step: exported(&model), output: classes(2 + rows % 3), expected: expected.collect(), asked })
}

/// What a tree asks: the input, and the threshold. `input` says which of the model's inputs one of the tree's is.
pub(super) fn splits<F: Float>(
    tree: &linfa_trees::DecisionTree<F, usize>,
    input: impl Fn(usize) -> usize,
) -> Vec<(usize, f64)> {
    let splits = tree.iter_nodes().filter(|node| !node.is_leaf()).map(|node| node.split());
    splits.map(|(feature, threshold, _)| (input(feature), threshold.to_f64().unwrap())).collect()
}

/// The rows to ask; of each even one, an input lies exactly on the threshold of a split.
pub(super) fn at_the_thresholds(splits: &[(usize, f64)], data: &Data) -> Array2<f64> {
    let mut asked = data.asked.clone();
    for (row, (input, threshold)) in (0..asked.nrows()).step_by(2).zip(splits.iter().cycle()) {
        asked[(row, *input)] = *threshold;
    }
    asked
}

#[test]
fn decision_tree_answers_as_linfa_does() {
    prove("decision_tree", data(false), fit::<f64>);
}

#[test]
fn decision_tree_of_f32_answers_as_linfa_does() {
    prove("decision_tree f32", data(false).prop_map(Data::rounded), fit::<f32>);
}

#[test]
fn a_wrong_node_is_caught() {
    let case = fit::<f64>(&fixed_data()).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    // The next number up: as if `<` were `<=`.
    case.check_spoilt(|tensors| {
        tensors.numbers("thresholds").iter_mut().for_each(|threshold| *threshold = threshold.next_up());
    })
    .unwrap_err();
    // Every split asks for the first input.
    case.check_spoilt(|tensors| {
        tensors.indices("nodes").iter_mut().filter(|node| **node % 2 == 0).for_each(|split| *split = 0);
    })
    .unwrap_err();
    // The first two classes change places.
    case.check_spoilt(|tensors| {
        tensors.indices("nodes").iter_mut().filter(|node| matches!(node, 1 | 3)).for_each(|leaf| *leaf ^= 2);
    })
    .unwrap_err();
}
