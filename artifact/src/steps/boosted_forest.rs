//! `boosted_forest`: each tree adds the number in its leaf to a sum, and a function of the sums is the answer.
//!
//! Tensors: the lists of the trees, as [`super::trees`] describes them, where a leaf's number is its place in
//! `leaves` (leaves): what it adds, the learning rate included; `initial` (sums): what each sum begins with. With several sums
//! the trees take turns: tree t adds to sum t mod sums, and each sum gets as many trees.
//!
//! | `link` | sums | answer |
//! |---|---|---|
//! | `identity` | one per target | the sums |
//! | `exponential` | one per target | exp(sum): the means of a Poisson or gamma model |
//! | `logistic` | 1 | two classes, the second with 1 / (1 + exp(-sum)) |
//! | `softmax` | one per class | exp(sum) / sum of exp(sums) |
//!
//! So the gradient boosting of scikit-learn, XGBoost and LightGBM answers. Where two classes have one probability, the lower
//! is chosen; scikit-learn then takes the second.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    logistic_regression::logistic,
    posterior::posterior,
    sums::finite,
    trees::{MAX_TREES, Trees},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Trees whose answers are added up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoostedForest {
    /// What becomes of the sums.
    pub link: Link,
}

/// A function from sums to an answer, the inverse of what statistics calls the link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Numbers, as they are.
    Identity,
    /// Numbers above zero.
    Exponential,
    /// The probabilities of two classes.
    Logistic,
    /// The probabilities of several classes.
    Softmax,
}

#[derive(Debug)]
struct Loaded {
    trees: Trees,
    leaves: Vec<f64>,
    initial: Vec<f64>,
    link: Link,
    role: Role,
}

impl Kind for BoostedForest {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let width = output.width();
        let (sums, role) = match self.link {
            Link::Identity | Link::Exponential => (width, Role::Regressor { targets: width }),
            Link::Logistic => (1, Role::Classifier { classes: 2, probabilities: true }),
            Link::Softmax => (width, Role::Classifier { classes: width, probabilities: true }),
        };
        let leaves = parameters.numbers_of_any_length("leaves")?;
        let initial = parameters.vector("initial", sums)?;
        let trees = Trees::load(parameters, inputs, leaves.len(), MAX_TREES)?;
        if !trees.len().is_multiple_of(sums) {
            let found = format!("the number of trees, {},", trees.len());
            return Err(parameters.refuse("nodes", 0, found, "a multiple of the sums"));
        }
        Ok(Box::new(Loaded { trees, leaves, initial, link: self.link, role }))
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
        let (width, sums) = (self.role.width(), self.initial.len());
        for row in scores.chunks_exact_mut(width) {
            row[..sums].copy_from_slice(&self.initial);
        }
        self.trees.walk(rows, |row, tree, leaf| {
            scores[row * width + tree % sums] += self.leaves[leaf as usize];
        });
        // An infinity that came about on the way must not become a confident 0 or 1.
        scores.iter_mut().for_each(|score| *score = finite(*score));
        match self.link {
            Link::Identity => {}
            Link::Exponential => scores.iter_mut().for_each(|score| *score = score.exp()),
            Link::Logistic => logistic(scores, choices),
            Link::Softmax => posterior(scores, choices),
        }
    }
}
