//! `multinomial_nb`: each class has a prior, and a share of each feature in all that is counted. A class' score is
//! ln prior + sum x ln share, and Bayes' rule makes probabilities of the scores.
//!
//! Tensors: `priors` (classes), `log_shares` (classes x inputs): the natural logarithm of each share.

use serde::{Deserialize, Serialize};

use super::{
    Kind, Role, Step,
    affine::Affine,
    posterior::{log_shares, posterior, whole},
};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// A classifier of counts, as `linfa_bayes::MultinomialNb`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultinomialNb {}

/// The scores; the rest is the same for all.
#[derive(Debug)]
struct Loaded(Affine);

impl Kind for MultinomialNb {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let log_priors = log_shares(parameters, "priors", classes)?;
        let log_shares = parameters.matrix("log_shares", classes, inputs)?;
        for (class, shares) in log_shares.chunks_exact(inputs).enumerate() {
            let last = (class + 1) * inputs - 1;
            whole(parameters, "log_shares", last, shares.iter().map(|share| share.exp()).sum())?;
        }
        Ok(Box::new(Loaded(Affine::new(log_shares, log_priors, inputs))))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.0.outputs(), probabilities: true }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        self.0.run(rows, scores);
        posterior(scores, choices);
    }
}
