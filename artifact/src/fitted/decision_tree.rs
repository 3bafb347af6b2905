//! `decision_tree` from `linfa_trees::DecisionTree`, whose labels are class indices.

use linfa::{Float, traits::Predict as _};
use linfa_trees::DecisionTree;
use ndarray::Array2;

use super::{Answers, ExportError, Fitted, narrow};
use crate::{
    Exported,
    steps::{Role, decision_tree},
    tensors::{Tensor, Values},
};

impl<F: Float> Fitted for DecisionTree<F, usize> {
    fn role(&self) -> Role {
        Role::Classifier { classes: classes([self]), probabilities: false }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let tensors = list([(self, None)]);
        Ok(vec![Exported { spec: decision_tree::DecisionTree {}.into(), tensors }])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        // A leaf of linfa's holds its class alone.
        Answers { choices: Some(self.predict(&rows)), scores: Array2::zeros((rows.nrows(), 0)) }
    }
}

/// How many classes the trees know: linfa's tell them in their leaves alone.
pub(super) fn classes<'a, F: Float>(trees: impl IntoIterator<Item = &'a DecisionTree<F, usize>>) -> usize {
    let leaves = trees.into_iter().flat_map(|tree| tree.iter_nodes().filter_map(|node| node.prediction()));
    leaves.max().unwrap_or_default() + 1
}

/// The tensors `nodes` and `thresholds` of some trees. With each comes which input of the model each of its own is, or none if
/// they are the same.
pub(super) fn list<'a, F: Float>(
    trees: impl IntoIterator<Item = (&'a DecisionTree<F, usize>, Option<&'a [usize]>)>,
) -> Vec<(String, Tensor)> {
    // What does not fit is refused when the model is loaded: as a leaf that nothing has.
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let (mut nodes, mut thresholds) = (Vec::new(), Vec::new());
    for (tree, inputs) in trees {
        // Without recursion: linfa's trees can be as deep as there are training rows.
        let mut open = vec![tree.root_node()];
        while let Some(node) = open.pop() {
            // linfa leaves a child in place where a split had one side alone; it is a leaf all the same.
            if let (false, [Some(below), Some(above)]) = (node.is_leaf(), node.children().as_slice()) {
                let (feature, threshold, _) = node.split();
                nodes.push(number(2 * inputs.map_or(feature, |inputs| inputs[feature])));
                thresholds.push(threshold);
                open.extend([above.as_ref(), below.as_ref()]);
            } else {
                nodes.push(number(2 * node.prediction().unwrap_or_default() + 1));
            }
        }
    }
    let nodes = Tensor { shape: vec![nodes.len()], values: Values::U32(nodes) };
    let mut tensors = vec![("nodes".to_owned(), nodes)];
    if !thresholds.is_empty() {
        tensors.push(("thresholds".to_owned(), Tensor::floats(&[thresholds.len()], &thresholds)));
    }
    tensors
}
