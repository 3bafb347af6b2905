//! `decision_tree` from `linfa_trees::DecisionTree`, whose labels are class indices.

use linfa::{Float, traits::Predict as _};
use linfa_trees::{DecisionTree, TreeNode};
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow};
use crate::{
    Exported,
    steps::{Role, decision_tree},
    tensors::{Tensor, Values},
};

impl<F: Float> Fitted for DecisionTree<F, usize> {
    fn role(&self) -> Role {
        // linfa's tree tells its classes in its leaves alone.
        let classes = nodes(self).into_iter().filter_map(TreeNode::prediction).max().unwrap_or_default() + 1;
        Role::Classifier { classes, probabilities: false }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        // What does not fit is refused when the model is loaded.
        let index = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        let (mut features, mut thresholds, mut classes) = (Vec::new(), Vec::new(), Vec::new());
        let (mut left, mut right) = (Vec::new(), Vec::new());
        let mut next = 1;
        for node in nodes(self) {
            if children(node).is_some() {
                let (feature, threshold, _) = node.split();
                features.push(index(feature));
                thresholds.push(threshold);
                left.push(index(next));
                right.push(index(next + 1));
                classes.push(0);
                next += 2;
            } else {
                features.push(0);
                thresholds.push(F::zero());
                left.push(0);
                right.push(0);
                classes.push(index(node.prediction().unwrap_or_default()));
            }
        }
        let indices = |values| Tensor { shape: vec![next], values: Values::U32(values) };
        Ok(vec![Exported::new(
            decision_tree::DecisionTree {},
            [
                ("features", indices(features)),
                ("thresholds", Tensor::floats(&[next], &thresholds)),
                ("left", indices(left)),
                ("right", indices(right)),
                ("classes", indices(classes)),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        // A leaf of linfa's holds its class alone.
        Answers { choices: Some(self.predict(&rows)), scores: Array2::zeros((rows.nrows(), 0)) }
    }
}

/// All nodes breadth first, without recursion: linfa's trees can be as deep as there are training rows.
fn nodes<F: Float>(tree: &DecisionTree<F, usize>) -> Vec<&TreeNode<F, usize>> {
    let mut nodes = vec![tree.root_node()];
    let mut read = 0;
    while let Some(node) = nodes.get(read).copied() {
        nodes.extend(children(node).into_iter().flatten());
        read += 1;
    }
    nodes
}

/// The two children of a split. linfa leaves a child in place where a split had one side alone; such a node is a leaf all the
/// same.
fn children<F: Float>(node: &TreeNode<F, usize>) -> Option<[&TreeNode<F, usize>; 2]> {
    match (node.is_leaf(), node.children().as_slice()) {
        (false, [Some(below), Some(above)]) => Some([below.as_ref(), above.as_ref()]),
        _ => None,
    }
}
