//! `decision_tree`: from the root down to a leaf's class.
//!
//! Tensors: the lists of one tree, as [`super::trees`] describes them. A leaf's number is its class.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step, trees::Trees};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A tree of classes, as `linfa_trees::DecisionTree`. It gives no probabilities, as linfa's leaves hold none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionTree {}

#[derive(Debug)]
struct Loaded {
    tree: Trees,
    classes: usize,
}

impl Kind for DecisionTree {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let tree = Trees::load(parameters, inputs, classes, 1)?;
        Ok(Box::new(Loaded { tree, classes }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.classes, probabilities: false }
    }

    fn takes_missing(&self) -> bool {
        self.tree.takes_missing()
    }

    fn run(&self, rows: &[f64], _: &mut [f64], choices: &mut [u32]) {
        self.tree.walk(rows, |row, _, class| choices[row] = class);
    }
}
