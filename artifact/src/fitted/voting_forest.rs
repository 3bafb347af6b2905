//! `voting_forest` from `linfa_ensemble`: random forests, which are bagged trees of some inputs each, and AdaBoost over
//! trees. Labels are class indices.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use linfa_ensemble::RandomForestParams;
//! use linfa_trees::DecisionTree;
//!
//! # let rows = ndarray::Array2::from_shape_fn((60, 2), |(row, column)| ((row * 7 + column * 3) % 20) as f64 + (row % 3 * 30) as f64);
//! # let dataset = Dataset::new(rows, (0..60).map(|row| row % 3).collect::<ndarray::Array1<usize>>());
//! let model = RandomForestParams::new(DecisionTree::params()).ensemble_size(11).fit(&dataset)?;
//! Artifact::from_fitted(&model, "sizes", &dataset)?.seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! linfa's own predict tells no shares, and of classes with the most votes whichever its hash map comes upon, another at each
//! call. So the answer here counts what linfa's own trees predict; a tie goes to the lowest class.

use linfa::{Float, traits::Predict as _};
use linfa_ensemble::{AdaBoost, RandomForest};
use linfa_trees::DecisionTree;
use ndarray::{Array1, Array2, Axis};

use super::{
    Answers, ExportError, Fitted,
    decision_tree::{classes, list},
    narrow,
};
use crate::{
    Exported,
    steps::{Role, voting_forest::VotingForest},
    tensors::Tensor,
};

impl<F: Float> Fitted for RandomForest<F, usize> {
    fn role(&self) -> Role {
        Role::Classifier { classes: classes(&self.models), probabilities: true }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let inputs = self.model_features.iter().map(|inputs| Some(inputs.as_slice()));
        Ok(step(self.models.iter().zip(inputs), &vec![1.0; self.models.len()]))
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        let trees = self.models.iter().zip(&self.model_features);
        let votes = trees.map(|(tree, inputs)| (tree.predict(&rows.select(Axis(1), inputs)), 1.0));
        count(votes, (rows.nrows(), self.role().width()))
    }
}

impl<F: Float> Fitted for AdaBoost<DecisionTree<F, usize>, usize> {
    fn role(&self) -> Role {
        let classes = self.classes.iter().max().map_or(0, |class| class + 1);
        Role::Classifier { classes, probabilities: true }
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        Ok(step(self.models.iter().map(|tree| (tree, None)), &self.model_weights))
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        let votes =
            self.models.iter().map(|tree| tree.predict(&rows)).zip(self.model_weights.iter().copied());
        count(votes, (rows.nrows(), self.role().width()))
    }
}

fn step<'a, F: Float>(
    trees: impl Iterator<Item = (&'a DecisionTree<F, usize>, Option<&'a [usize]>)>,
    weights: &[f64],
) -> Vec<Exported> {
    let mut tensors = list(trees);
    tensors.push(("weights".to_owned(), Tensor::floats(&[weights.len()], weights)));
    vec![Exported { spec: VotingForest {}.into(), tensors }]
}

/// The shares of rows x classes, and the lowest class of those with the largest, by each tree's labels and what they count.
fn count(votes: impl Iterator<Item = (Array1<usize>, f64)>, shape: (usize, usize)) -> Answers {
    let mut shares = Array2::zeros(shape);
    let mut total = 0.0;
    for (labels, weight) in votes {
        for (row, class) in labels.iter().enumerate() {
            shares[(row, *class)] += weight;
        }
        total += weight;
    }
    let choice = |row: ndarray::ArrayView1<'_, f64>| {
        (1..row.len()).fold(0, |best, class| if row[class] > row[best] { class } else { best })
    };
    let choices = shares.rows().into_iter().map(choice).collect();
    Answers { choices: Some(choices), scores: shares / total }
}
