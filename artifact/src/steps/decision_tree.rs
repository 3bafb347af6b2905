//! `decision_tree`: from the root down, left if the feature is below the threshold, to a leaf's class.
//!
//! Tensors, one value per node, the root first: `features`, `thresholds`, `left`, `right`, `classes`. A leaf is
//! a node whose `left` and `right` are 0; its feature and threshold are 0, as is the class of any other node.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step};
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
    nodes: Vec<Node>,
    inputs: usize,
    classes: usize,
}

#[derive(Debug)]
struct Node {
    threshold: f64,
    feature: u32,
    /// 0 in a leaf: the root is nobody's child.
    left: u32,
    right: u32,
    class: u32,
}

impl Kind for DecisionTree {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.names().len();
        let thresholds = parameters.numbers_of_any_length("thresholds")?;
        let columns = ["features", "left", "right", "classes"].map(|name| (name, parameters.indices(name)));
        let [features, left, right, leaf_classes] = columns.map(|(name, column)| {
            let column = column?;
            if column.len() == thresholds.len() {
                Ok(column)
            } else {
                let expected = format!("{} nodes, as in `thresholds`", thresholds.len());
                Err(parameters.refuse_shape(name, &[column.len()], expected))
            }
        });
        let (features, left, right, leaf_classes) = (features?, left?, right?, leaf_classes?);

        let mut nodes = Vec::with_capacity(thresholds.len());
        for (index, threshold) in thresholds.iter().copied().enumerate() {
            let node = Node {
                threshold,
                feature: features[index],
                left: left[index],
                right: right[index],
                class: leaf_classes[index],
            };
            if node.feature as usize >= inputs {
                return Err(parameters.refuse("features", index, node.feature, "one of the inputs"));
            }
            if node.class as usize >= classes {
                return Err(parameters.refuse("classes", index, node.class, "one of the classes"));
            }
            // Children that come after their parent cannot form a cycle, so that every walk ends.
            let is_leaf = node.left == 0 && node.right == 0;
            for (name, child) in [("left", node.left), ("right", node.right)] {
                if !is_leaf && (child as usize <= index || child as usize >= thresholds.len()) {
                    return Err(parameters.refuse(name, index, child, "a node after its parent"));
                }
            }
            nodes.push(node);
        }
        Ok(Box::new(Loaded {
            nodes,
            inputs,
            classes,
        }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier {
            classes: self.classes,
            probabilities: false,
        }
    }

    fn run(&self, rows: &[f64], _: &mut [f64], choices: &mut [u32]) {
        for (row, choice) in rows.chunks_exact(self.inputs).zip(choices) {
            let mut node = &self.nodes[0];
            while node.left != 0 {
                let goes_left = row[node.feature as usize] < node.threshold;
                node = &self.nodes[if goes_left { node.left } else { node.right } as usize];
            }
            *choice = node.class;
        }
    }
}
