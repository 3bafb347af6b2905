//! `decision_tree`: from the root down, left if the feature is below the threshold, to a leaf's class.
//!
//! Tensors, one value per node, the root first and each parent before its children: `features`, `thresholds`, `left`,
//! `right`, `classes`. A leaf is a node whose `left` and `right` are 0; its feature and threshold are not used, nor is
//! the class of any other node.

use serde::{Deserialize, Serialize};

use super::{Kind, Role, Step};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// The most levels below the root. A row costs as many steps, and a grown tree has a few dozen.
pub const MAX_DEPTH: u32 = 4096;

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
        let classes = output.width();
        let thresholds = parameters.numbers_of_any_length("thresholds")?;
        let mut column = |name| {
            let column = parameters.indices(name)?;
            if column.len() == thresholds.len() {
                Ok(column)
            } else {
                let expected = format!("[{}], as `thresholds` has", thresholds.len());
                Err(parameters.refuse_shape(name, &[column.len()], expected))
            }
        };
        let (features, left, right) = (column("features")?, column("left")?, column("right")?);
        let leaf_classes = column("classes")?;

        // Levels below the root; 0 for a node that no parent has named yet.
        let mut depths = vec![0_u32; thresholds.len()];
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
            let depth = depths[index];
            if index > 0 && depth == 0 {
                return Err(parameters.refuse(
                    "left",
                    index,
                    format!("node {index}"),
                    "reached from the root",
                ));
            }
            let is_leaf = node.left == 0 && node.right == 0;
            let children = [("left", node.left), ("right", node.right)];
            for (name, child) in children.into_iter().filter(|_| !is_leaf) {
                let refuse = |expected| Err(parameters.refuse(name, index, child, expected));
                let at = child as usize;
                // Children that come after their parent cannot form a cycle, so that every walk ends.
                if at <= index || at >= depths.len() {
                    return refuse("a node after its parent");
                }
                if depths[at] != 0 {
                    return refuse("the child of one node alone");
                }
                if depth == MAX_DEPTH {
                    return refuse("within 4096 levels of the root");
                }
                depths[at] = depth + 1;
            }
            nodes.push(node);
        }
        Ok(Box::new(Loaded { nodes, inputs, classes }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.classes, probabilities: false }
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
