//! `averaging_forest`: the mean over all trees of what their leaves hold.
//!
//! Tensors: the lists of the trees, as [`super::trees`] describes them, where a leaf's number is its row of
//! `leaves` (leaves x classes, or leaves x targets). In a classifier such a row holds probabilities: none is negative,
//! and together they are 1.
//!
//! So scikit-learn's trees, forests and extra trees answer, of one or many trees, as classifiers and as regressors.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step, best,
    trees::{MAX_TREES, Trees},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// How far from 1 the probabilities of a leaf may add up to.
const SUM: f64 = 1e-9;

/// Trees whose answers are averaged: classes with their probabilities, or numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AveragingForest {}

#[derive(Debug)]
struct Loaded {
    trees: Trees,
    /// leaves x width.
    leaves: Vec<f64>,
    width: usize,
    role: Role,
}

impl Kind for AveragingForest {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let width = output.width();
        let leaves = parameters.matrix_of_any_height("leaves", width)?;
        let role = if output.chooses() {
            for (row, leaf) in leaves.chunks_exact(width).enumerate() {
                if let Some(class) = leaf.iter().position(|value| *value < 0.0) {
                    let index = row * width + class;
                    return Err(parameters.refuse("leaves", index, leaf[class], "a probability"));
                }
                let sum: f64 = leaf.iter().sum();
                if (sum - 1.0).abs() > SUM {
                    let found = format!("the sum of row {row}, {sum},");
                    return Err(parameters.refuse("leaves", row * width, found, "1"));
                }
            }
            Role::Classifier { classes: width, probabilities: true }
        } else {
            Role::Regressor { targets: width }
        };
        let trees = Trees::load(parameters, inputs, leaves.len() / width, MAX_TREES)?;
        Ok(Box::new(Loaded { trees, leaves, width, role }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        self.role.clone()
    }

    fn takes_missing(&self) -> bool {
        self.trees.takes_missing()
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        scores.fill(0.0);
        self.trees.walk(rows, |row, _, leaf| {
            let sums = &mut scores[row * self.width..][..self.width];
            for (sum, value) in sums.iter_mut().zip(&self.leaves[leaf as usize * self.width..]) {
                *sum += value;
            }
        });
        let trees = self.trees.len() as f64;
        for score in scores.iter_mut() {
            *score /= trees;
        }
        for (means, choice) in scores.chunks_exact(self.width).zip(choices) {
            *choice = best(means, f64::gt);
        }
    }
}
