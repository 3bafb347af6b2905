//! `voting_forest`: each tree votes for a class; its probability is its share of the votes.
//!
//! Tensors: the lists of the trees, as [`super::trees`] describes them, where a leaf's number is its class;
//! `weights` (trees): what each tree's vote counts, greater than zero.
//!
//! linfa leaves a tie to the order of a hash map, another at each call. Here it goes to the lowest class.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step, best,
    trees::{MAX_TREES, Trees},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Trees that vote, as `linfa_ensemble::RandomForest` (each vote counts one) and `linfa_ensemble::AdaBoost`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VotingForest {}

#[derive(Debug)]
struct Loaded {
    trees: Trees,
    weights: Vec<f64>,
    total: f64,
    classes: usize,
}

impl Kind for VotingForest {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let trees = Trees::load(parameters, inputs, classes, MAX_TREES)?;
        let weights = parameters.vector("weights", trees.len())?;
        if let Some(index) = weights.iter().position(|weight| *weight <= 0.0) {
            return Err(parameters.refuse("weights", index, weights[index], "greater than zero"));
        }
        let total: f64 = weights.iter().sum();
        if !total.is_finite() {
            return Err(parameters.refuse("weights", 0, "the sum of all from here on", "finite"));
        }
        Ok(Box::new(Loaded { trees, weights, total, classes }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.classes, probabilities: true }
    }

    fn takes_missing(&self) -> bool {
        self.trees.takes_missing()
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        scores.fill(0.0);
        self.trees.walk(rows, |row, tree, class| {
            scores[row * self.classes + class as usize] += self.weights[tree];
        });
        for (votes, choice) in scores.chunks_exact_mut(self.classes).zip(choices) {
            // Before the division: it can make two sums equal that are not.
            *choice = best(votes, f64::gt);
            for vote in votes {
                *vote /= self.total;
            }
        }
    }
}
