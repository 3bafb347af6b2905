//! `decision_tree` against `linfa_trees`, with 2 to 4 classes, shallow and deep, and asked at its very thresholds.

use artifact::{Exported, tensors::Values};
use linfa::{Dataset, Float, traits::Fit as _, traits::Predict as _};

use proptest::strategy::Strategy as _;

use super::agreement::{Case, Data, Expected, classes, data, exported, fixed_data, prove};

fn fit<F: Float>(data: &Data) -> Option<Case> {
    let rows = data.train.nrows();
    let dataset = Dataset::new(data.train.mapv(F::cast), data.labels(2 + rows % 3));
    let depth = Some(rows % 8).filter(|depth| *depth > 0);
    let model = linfa_trees::DecisionTree::params().max_depth(depth).fit(&dataset).ok()?;
    let step = exported(&model);
    let asked = at_the_thresholds(&step, data);
    let choices = model.predict(&asked.mapv(F::cast));
    let expected = choices.iter().map(|choice| Expected { scores: Vec::new(), choice: Some(*choice) });
    Some(Case { step, output: classes(2 + rows % 3), expected: expected.collect(), asked })
}

/// The rows to ask; of each even one, a feature lies exactly on a threshold of the tree.
fn at_the_thresholds(step: &Exported, data: &Data) -> artifact::ndarray::Array2<f64> {
    let mut asked = data.asked.clone();
    let values = |name| &step.tensors.iter().find(|(other, _)| other == name).unwrap().1.values;
    let thresholds: Vec<f64> = match values("thresholds") {
        Values::F64(thresholds) => thresholds.clone(),
        Values::F32(thresholds) => thresholds.iter().copied().map(f64::from).collect(),
        Values::U32(_) => unreachable!("thresholds are numbers"),
    };
    let (Values::U32(features), Values::U32(left)) = (values("features"), values("left")) else {
        unreachable!("features and children are indices")
    };
    let splits: Vec<_> = (0..left.len()).filter(|node| left[*node] != 0).collect();
    for row in (0..asked.nrows()).step_by(2).filter(|_| !splits.is_empty()) {
        let node = splits[row / 2 % splits.len()];
        asked[(row, features[node] as usize)] = thresholds[node];
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
    case.check_spoilt(|tensors| {
        let left = tensors.indices("left").clone();
        let right = std::mem::replace(tensors.indices("right"), left);
        *tensors.indices("left") = right;
    })
    .unwrap_err();
    case.check_spoilt(|tensors| {
        tensors.indices("classes").iter_mut().for_each(|class| *class = u32::from(*class == 0));
    })
    .unwrap_err();
}
