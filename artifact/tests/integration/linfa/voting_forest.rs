//! `voting_forest` against `linfa_ensemble`: random forests, bagged trees and AdaBoost, of 1 to 9 trees and 2 to 4 classes,
//! asked at their very thresholds.
//!
//! linfa gives no shares, and of classes with the most votes whichever its hash map comes upon: other labels at each call.
//! The shares and the choice that are right are counted here, from what linfa's own trees predict; linfa's label has to be that
//! choice unless there is a tie.

use artifact::ndarray::{Array2, Axis};
use linfa::{Dataset, Float, traits::Fit as _, traits::Predict as _};
use linfa_ensemble::{AdaBoostParams, EnsembleLearnerParams};
use linfa_trees::DecisionTree;
use proptest::strategy::Strategy as _;
use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    agreement::{Case, Data, Expected, classes, data, exported, fixed_data, prove},
    decision_tree::{at_the_thresholds, splits},
};

fn forest<F: Float>(data: &Data) -> Option<Case> {
    let rows = data.train.nrows();
    let count = 2 + rows % 3;
    let model = EnsembleLearnerParams::new_fixed_rng(DecisionTree::params(), StdRng::seed_from_u64(1))
        .ensemble_size(1 + rows % 9)
        .bootstrap_proportion(0.7)
        // All inputs in each tree, as in bagging, or some of them.
        .feature_proportion(if rows.is_multiple_of(2) { 1.0 } else { 0.6 })
        .fit(&Dataset::new(data.train.mapv(F::cast), data.labels(count)))
        .ok()?;
    let trees = || model.models.iter().zip(&model.model_features);
    let asked: Vec<_> = trees().flat_map(|(tree, inputs)| splits(tree, |input| inputs[input])).collect();
    let asked = at_the_thresholds(&asked, data);
    let records = asked.mapv(F::cast);
    let votes = trees().map(|(tree, inputs)| (tree.predict(&records.select(Axis(1), inputs)).to_vec(), 1.0));
    let expected = shares(votes, count, model.predict(&records).as_slice()?);
    Some(Case { step: exported(&model), output: classes(count), asked, expected })
}

fn boosted<F: Float>(data: &Data) -> Option<Case> {
    let rows = data.train.nrows();
    let count = 2 + rows % 3;
    let stumps = DecisionTree::params().max_depth(Some(1 + rows % 3));
    let model = AdaBoostParams::new_fixed_rng(stumps, StdRng::seed_from_u64(1))
        .n_estimators(1 + rows % 9)
        .fit(&Dataset::new(data.train.mapv(F::cast), data.labels(count)))
        .ok()?;
    let asked: Vec<_> = model.models.iter().flat_map(|tree| splits(tree, |input| input)).collect();
    let asked = at_the_thresholds(&asked, data);
    let records = asked.mapv(F::cast);
    let trees = model.models.iter().zip(&model.model_weights);
    let votes = trees.map(|(tree, weight)| (tree.predict(&records).to_vec(), *weight));
    let expected = shares(votes, count, model.predict(&records).as_slice()?);
    Some(Case { step: exported(&model), output: classes(count), asked, expected })
}

/// What is right, by the `votes` of each tree for each row and what they count. `labels` is what linfa makes of them.
fn shares(votes: impl Iterator<Item = (Vec<usize>, f64)>, classes: usize, labels: &[usize]) -> Vec<Expected> {
    let mut sums = Array2::zeros((labels.len(), classes));
    let mut total = 0.0;
    for (choices, weight) in votes {
        choices.iter().enumerate().for_each(|(row, class)| sums[(row, *class)] += weight);
        total += weight;
    }
    sums.rows()
        .into_iter()
        .zip(labels)
        .map(|(sums, label)| {
            let most = sums.fold(0.0, |most: f64, sum| most.max(*sum));
            let winners: Vec<_> = (0..classes).filter(|class| sums[*class] == most).collect();
            assert!(winners.contains(label), "linfa chooses {label} where {sums} are the votes");
            let scores = sums.iter().map(|sum| (sum / total, 1e-12));
            Expected { scores: scores.collect(), choice: Some(winners[0]) }
        })
        .collect()
}

#[test]
fn voting_forest_votes_as_linfas_random_forest_does() {
    prove("voting_forest", data(false), forest::<f64>);
}

#[test]
fn voting_forest_of_f32_votes_as_linfas_random_forest_does() {
    prove("voting_forest f32", data(false).prop_map(Data::rounded), forest::<f32>);
}

#[test]
fn voting_forest_votes_as_linfas_adaboost_does() {
    prove("voting_forest adaboost", data(false), boosted::<f64>);
}

#[test]
fn voting_forest_of_f32_votes_as_linfas_adaboost_does() {
    prove("voting_forest adaboost f32", data(false).prop_map(Data::rounded), boosted::<f32>);
}

#[test]
fn a_wrong_vote_is_caught() {
    let case = forest::<f64>(&fixed_data()).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("weights")[0] = 1.5).unwrap_err();
    case.check_spoilt(|tensors| {
        tensors.numbers("thresholds").iter_mut().for_each(|threshold| *threshold = threshold.next_up());
    })
    .unwrap_err();
    case.check_spoilt(|tensors| {
        tensors.indices("nodes").iter_mut().filter(|node| **node % 2 == 0).for_each(|split| *split = 0);
    })
    .unwrap_err();
    let case = boosted::<f64>(&fixed_data()).unwrap();
    case.check_spoilt(|_| ()).unwrap();
    case.check_spoilt(|tensors| tensors.numbers("weights").fill(1.0)).unwrap_err();
}
